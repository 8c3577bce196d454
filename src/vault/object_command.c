/* Commands on objects: make, copy, change, share, delete. */
#include "ck/encoding.h"
#include "vault/object_rules.h"
#include "vault/policy.h"
#include "vault/wish.h"

/* ---- generation ---- */

static const struct crypto_mechanism *mechanism_of(struct vault_call *call, const Chsm__Mechanism *m,
                                                   enum crypto_op op, struct ck_mech_param *param)
{
        const struct crypto_mechanism *row = m ? crypto_mechanism_find(m->number) : NULL;

        if (!row) {
                err_set(&call->err, ERR_MECHANISM, "mechanism 0x%llx is not offered",
                        m ? (unsigned long long)m->number : 0ull);
                return NULL;
        }
        call->mechanism = m->number;
        if (!vault_policy_mechanism(call, row) ||
            !ck_mech_param_decode(m->number, slice_of(m->parameter.data, m->parameter.len), param,
                                  &call->err) ||
            !crypto_operation_check(row, op, NULL, param, &call->err) ||
            (vault_policy_approved_only(call->vault) &&
             !crypto_operation_approved(row, op, NULL, param, &call->err)))
                return NULL;
        return row;
}

static bool key_type_agrees(struct vault_call *call, const struct vault_template *t,
                            const struct crypto_mechanism *m, uint64_t object_class, uint64_t *key_type)
{
        *key_type = vault_template_number(t, CKA_KEY_TYPE, crypto_mechanism_makes(m));
        if (vault_template_number(t, CKA_CLASS, object_class) != object_class)
                return err_set(&call->err, ERR_TEMPLATE_INCONSISTENT,
                               "%s does not make objects of that CKA_CLASS", crypto_mechanism_name(m));
        if (!crypto_mechanism_key_type(m, *key_type))
                return err_set(&call->err, ERR_TEMPLATE_INCONSISTENT,
                               "%s does not make keys of that CKA_KEY_TYPE", crypto_mechanism_name(m));
        return true;
}

static struct vault_origin generated_here(uint32_t mode, uint64_t mechanism)
{
        return (struct vault_origin){ .mode = mode,
                                      .mechanism = mechanism,
                                      .local = true,
                                      .always_sensitive = true,
                                      .never_extractable = true };
}

/* Length of what a silent template gets: the type's, or the only one the mechanism makes; 0: none. */
static uint64_t length_preset(const struct crypto_mechanism *m, uint64_t key_type)
{
        uint64_t min, max;

        crypto_mechanism_sizes(m, &min, &max);
        return min == max ? min : crypto_secret_preset(key_type);
}

/* Whoever knows the password has the key: it came from outside, and is never relied on as trusted. */
static struct vault_origin made_of_parameter(uint64_t mechanism)
{
        return (struct vault_origin){ .mode = CK_IN_GENERATE,
                                      .mechanism = mechanism,
                                      .history = VAULT_HISTORY_IMPORTED };
}

bool vault_generate_key(struct vault_call *call)
{
        const Chsm__GenerateKeyRequest *in = call->request->generate_key;
        struct vault_template t;
        struct ck_mech_param param;
        const struct crypto_mechanism *m = mechanism_of(call, in->mechanism, CRYPTO_GENERATE, &param);
        struct crypto_key_spec spec = { 0 };
        struct crypto_key *key = NULL;
        struct vault_object *o = NULL;
        uint32_t shared[VAULT_SHARED_MAX];
        struct vault_origin origin;
        uint64_t bytes, preset, min, max;
        bool ok = m && vault_template_read(call, in->template_, in->n_template_, CK_IN_GENERATE, &t) &&
                  key_type_agrees(call, &t, m, CKO_SECRET_KEY, &spec.key_type) &&
                  vault_wish_sharers(call, in->share_with, in->n_share_with, &t, shared) &&
                  (!in->unique_id || vault_wish_id_free(call, &t));

        preset = ok ? length_preset(m, spec.key_type) : 0;
        if (ok && !vault_template_has(&t, CKA_VALUE_LEN) && !preset)
                ok = err_set(&call->err, ERR_TEMPLATE_INCOMPLETE, "the template lacks CKA_VALUE_LEN");
        bytes = ok ? vault_template_number(&t, CKA_VALUE_LEN, preset) : 0;
        if (ok) {
                crypto_mechanism_sizes(m, &min, &max);
                if (bytes < min || bytes > max)
                        ok =
                            err_set(&call->err, ERR_KEY_SIZE, "%s makes keys of %llu to %llu bytes, not %llu",
                                    crypto_mechanism_name(m), (unsigned long long)min,
                                    (unsigned long long)max, (unsigned long long)bytes);
        }
        spec.bits = (uint32_t)bytes * 8;
        origin = m && crypto_mechanism_from_parameter(m) ? made_of_parameter(call->mechanism)
                                                         : generated_here(CK_IN_GENERATE, call->mechanism);
        origin.quorum = in->quorum;
        ok = ok && vault_policy_template(call, &t, CKO_SECRET_KEY) &&
             crypto_generate(call->vault->deps.crypto, m, &param, &spec, &key, &call->err) &&
             vault_object_make(call, &t, key, &origin, shared, in->n_share_with, &o) &&
             vault_object_reply(call, o);
        vault_object_unref(&o);
        crypto_key_unref(&key);
        return ok;
}

/* A made pair, kept across runs of the handler. */
struct pair {
        struct crypto_key *private_key, *public_key;
};

static void pair_clear(void *arg)
{
        struct pair *pair = arg;

        crypto_key_unref(&pair->private_key);
        crypto_key_unref(&pair->public_key);
}

static bool make_pair(struct vault_call *call, const struct vault_template *t, uint64_t key_type,
                      struct pair **out)
{
        struct crypto_key_spec spec = { .key_type = key_type,
                                        .curve = vault_template_get(t, CKA_EC_PARAMS),
                                        .exponent = vault_template_get(t, CKA_PUBLIC_EXPONENT),
                                        .parameter_set = vault_template_number(t, CKA_PARAMETER_SET, 0),
                                        .approved_only = vault_policy_approved_only(call->vault) };
        struct pair *pair = call->memo;
        uint64_t bits = vault_template_number(t, CKA_MODULUS_BITS, 0);

        *out = pair;
        if (pair)
                return true;
        if (key_type == CKK_RSA && !vault_template_has(t, CKA_MODULUS_BITS))
                return err_set(&call->err, ERR_TEMPLATE_INCOMPLETE,
                               "the public template lacks CKA_MODULUS_BITS");
        if (crypto_key_has_set(key_type) && !vault_template_has(t, CKA_PARAMETER_SET))
                return err_set(&call->err, ERR_TEMPLATE_INCOMPLETE,
                               "the public template lacks CKA_PARAMETER_SET");
        if (key_type != CKK_RSA && !crypto_key_has_set(key_type) && !vault_template_has(t, CKA_EC_PARAMS))
                return err_set(&call->err, ERR_TEMPLATE_INCOMPLETE,
                               "the public template lacks CKA_EC_PARAMS");
        if (bits > 16384)
                return err_set(&call->err, ERR_KEY_SIZE, "an RSA key of %llu bits cannot be made",
                               (unsigned long long)bits);
        spec.bits = (uint32_t)bits;
        pair = arena_alloc(call->arena, sizeof(*pair));
        if (!pair)
                return err_set(&call->err, ERR_MEMORY, "no memory for a key pair");
        if (!crypto_key_pair_generate(call->vault->deps.crypto, &spec, &pair->private_key, &pair->public_key,
                                      &call->err))
                return false;
        call->memo = *out = pair;
        call->memo_clear = pair_clear;
        return true;
}

/* What is said of one half only, or of both in the same words. */
static bool halves_agree(struct vault_call *call, const struct vault_template *pub,
                         const struct vault_template *priv)
{
        static const uint64_t same[] = { CKA_EC_PARAMS, CKA_MODULUS_BITS, CKA_PUBLIC_EXPONENT,
                                         CKA_PARAMETER_SET };

        for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
                if (vault_template_has(priv, same[i]))
                        return err_set(&call->err, ERR_TEMPLATE_INCONSISTENT,
                                       "%s belongs in the public template", ck_attribute_find(same[i])->name);
        }
        (void)pub;
        return true;
}

static bool pair_reply(struct vault_call *call, struct vault_object *pub, struct vault_object *priv)
{
        Chsm__KeyPairResponse *r = arena_alloc(call->arena, sizeof(*r));

        if (!r)
                return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        chsm__key_pair_response__init(r);
        r->public_key = vault_object_answer(call, pub);
        r->private_key = vault_object_answer(call, priv);
        call->object = priv->handle;
        call->second_object = pub->handle;
        call->response->key_pair = r;
        call->response->body_case = CHSM__RESPONSE__BODY_KEY_PAIR;
        return r->public_key && r->private_key;
}

bool vault_generate_key_pair(struct vault_call *call)
{
        const Chsm__GenerateKeyPairRequest *in = call->request->generate_key_pair;
        struct vault_template pub, priv;
        struct ck_mech_param param;
        const struct crypto_mechanism *m = mechanism_of(call, in->mechanism, CRYPTO_GENERATE_PAIR, &param);
        struct vault_object *public_key = NULL, *private_key = NULL;
        struct vault_origin origin;
        struct pair *pair = NULL;
        uint32_t shared[VAULT_SHARED_MAX];
        uint64_t type, other;
        uint32_t pub_history = 0, priv_history = 0;
        bool ok =
            m && vault_template_read(call, in->public_template, in->n_public_template, CK_IN_PUBLIC, &pub) &&
            vault_template_read(call, in->private_template, in->n_private_template, CK_IN_PRIVATE, &priv) &&
            key_type_agrees(call, &pub, m, CKO_PUBLIC_KEY, &type) &&
            key_type_agrees(call, &priv, m, CKO_PRIVATE_KEY, &other) && halves_agree(call, &pub, &priv) &&
            vault_policy_pair(call, &pub, &priv, &pub_history, &priv_history) &&
            vault_policy_template(call, &pub, CKO_PUBLIC_KEY) &&
            vault_policy_template(call, &priv, CKO_PRIVATE_KEY) &&
            vault_wish_sharers(call, in->share_with, in->n_share_with, &priv, shared) &&
            (!in->unique_id || (vault_wish_id_free(call, &pub) && vault_wish_id_free(call, &priv))) &&
            make_pair(call, &pub, type, &pair);

        origin = generated_here(CK_IN_PUBLIC, call->mechanism);
        origin.history = pub_history;
        ok = ok && vault_object_make(call, &pub, pair->public_key, &origin, NULL, 0, &public_key);
        origin.mode = CK_IN_PRIVATE;
        origin.history = priv_history;
        origin.quorum = in->quorum;
        ok = ok &&
             vault_object_make(call, &priv, pair->private_key, &origin, shared, in->n_share_with,
                               &private_key) &&
             pair_reply(call, public_key, private_key);
        vault_object_unref(&public_key);
        vault_object_unref(&private_key);
        return ok;
}

/* ---- creation from values ---- */

static bool import_key(struct vault_call *call, struct vault_template *t, uint64_t object_class,
                       struct crypto_key **key)
{
        static const uint64_t parts[] = {
                CKA_VALUE,    CKA_MODULUS,    CKA_PUBLIC_EXPONENT, CKA_PRIVATE_EXPONENT, CKA_PRIME_1,
                CKA_PRIME_2,  CKA_EXPONENT_1, CKA_EXPONENT_2,      CKA_COEFFICIENT,      CKA_EC_PARAMS,
                CKA_EC_POINT, CKA_SEED,       CKA_PARAMETER_SET
        };
        struct crypto_component components[sizeof(parts) / sizeof(parts[0])];
        uint64_t key_type = vault_template_number(t, CKA_KEY_TYPE, CK_UNAVAILABLE_INFORMATION);
        size_t n = 0;

        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
                if (vault_template_has(t, parts[i]))
                        components[n++] =
                            (struct crypto_component){ parts[i], vault_template_get(t, parts[i]) };
        }
        if (!crypto_key_import(call->vault->deps.crypto, (enum crypto_key_class)object_class, key_type,
                               components, n, key, &call->err))
                return false;
        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
                vault_template_remove(t, parts[i]); /* the open ones come back from the key */
        return true;
}

bool vault_create_object(struct vault_call *call)
{
        const Chsm__CreateObjectRequest *in = call->request->create_object;
        struct vault_template t;
        struct crypto_key *key = NULL;
        struct vault_object *o = NULL;
        struct vault_origin origin = { .mode = CK_IN_CREATE,
                                       .mechanism = CK_UNAVAILABLE_INFORMATION,
                                       .history = VAULT_HISTORY_IMPORTED };
        uint64_t object_class;
        bool ok = vault_template_read(call, in->template_, in->n_template_, CK_IN_CREATE, &t) &&
                  (!in->unique_id || vault_wish_id_free(call, &t));

        if (ok && !vault_template_has(&t, CKA_CLASS))
                ok = err_set(&call->err, ERR_TEMPLATE_INCOMPLETE, "the template lacks CKA_CLASS");
        object_class = ok ? vault_template_number(&t, CKA_CLASS, 0) : 0;
        if (ok && !ck_attribute_class_bit(object_class))
                ok = err_set(&call->err, ERR_ATTRIBUTE_VALUE, "objects of class %llu are not kept here",
                             (unsigned long long)object_class);
        ok = ok && vault_rules_required(call, &t, object_class, CK_IN_CREATE) &&
             vault_policy_template(call, &t, object_class);
        if (ok && object_class != CKO_DATA && object_class != CKO_CERTIFICATE)
                ok = import_key(call, &t, object_class, &key);
        ok = ok && vault_object_make(call, &t, key, &origin, NULL, 0, &o) && vault_object_reply(call, o);
        vault_object_unref(&o);
        crypto_key_unref(&key);
        return ok;
}
