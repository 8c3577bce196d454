/* Keys out of keys: one or several, all or none. spec/semantics.md 11; spec/key-rules.md D. */
#include "ck/encoding.h"
#include "vault/key_move.h"
#include "vault/object_rules.h"
#include "vault/policy_model.h"
#include "vault/uses.h"
#include "vault/wish.h"

#define CHILD_MIN 16 /* bytes: spec/key-rules.md rule 5 */

/* One derivation at work. */
struct derivation {
        struct vault_use use;
        struct vault_object *second;
        struct crypto_key *second_key;
        struct vault_origin origin;
        size_t n; /* keys */
        struct vault_template *templates;
        struct crypto_wanted wanted[CRYPTO_DERIVED_MAX];
        struct crypto_key *keys[CRYPTO_DERIVED_MAX];
        struct vault_object *objects[CRYPTO_DERIVED_MAX];
        struct crypto_told told;
        uint32_t shared[VAULT_SHARED_MAX];
};

static uint64_t class_made(uint64_t mechanism)
{
        return mechanism == CKM_HKDF_DATA               ? CKO_DATA
               : mechanism == CKM_PUB_KEY_FROM_PRIV_KEY ? CKO_PUBLIC_KEY
                                                        : CKO_SECRET_KEY;
}

static bool needs_second(const struct ck_mech_param *p)
{
        return p->kind == CK_PARAM_KEY ||
               (p->kind == CK_PARAM_HKDF && p->u.hkdf.salt_type == CKF_HKDF_SALT_KEY);
}

/* The second key is used as the base is: seen by the caller, with CKA_DERIVE, never trusted. D06, D09. */
static bool take_second(struct vault_call *call, const Chsm__ObjectRef *ref, struct derivation *d)
{
        if (!needs_second(&d->use.param))
                return !ref || err_set(&call->err, ERR_MECHANISM_PARAM, "%s takes one key",
                                       crypto_mechanism_name(d->use.mechanism));
        if (!ref)
                return err_set(&call->err, ERR_MECHANISM_PARAM, "%s takes a second key",
                               crypto_mechanism_name(d->use.mechanism));
        d->second = vault_object_of(call, ref, ERR_KEY_HANDLE);
        if (!d->second)
                return false;
        if (d->second->quorum && d->second->handle != d->use.object->handle)
                return err_set(&call->err, ERR_KEY_FUNCTION,
                               "a key that %u users must approve is no second key; it can be the base",
                               d->second->quorum);
        d->second_key = vault_object_key(call->vault, d->second, &call->err);
        if (!d->second_key)
                return false;
        if (crypto_key_class_of(d->second_key) != CRYPTO_SECRET)
                return err_set(&call->err, ERR_KEY_TYPE, "the second key must be a secret key");
        return vault_policy_use(call, d->second, CRYPTO_DERIVE, d->use.mechanism);
}

static bool child_length(struct vault_call *call, const struct vault_template *t, uint64_t object_class,
                         size_t *length)
{
        uint64_t n = vault_template_number(t, CKA_VALUE_LEN, 0);
        uint64_t least = object_class == CKO_DATA ? 1 : CHILD_MIN;

        *length = (size_t)n;
        if (vault_template_has(t, CKA_VALUE_LEN) && (n < least || n > 3072))
                return err_set(&call->err, ERR_KEY_SIZE, "a derived key has %llu to 3072 bytes, not %llu",
                               (unsigned long long)least, (unsigned long long)n);
        return true;
}

/* A public key is of its private key's type, whether the template says so or not. */
static bool own_type(struct vault_call *call, struct vault_template *t, const struct crypto_key *base)
{
        return vault_template_has(t, CKA_KEY_TYPE) ||
               vault_template_set_number(call, t, CKA_KEY_TYPE, crypto_key_type(base));
}

/* Template i, brought to what its inputs allow, and what it asks of the mechanism. */
static bool settle(struct vault_call *call, struct derivation *d, size_t i)
{
        struct vault_template *t = &d->templates[i];
        uint64_t makes = class_made(call->mechanism);
        struct crypto_wanted *w = &d->wanted[i];

        if (vault_template_number(t, CKA_CLASS, makes) != makes)
                return err_set(&call->err, ERR_TEMPLATE_INCONSISTENT,
                               "%s does not make objects of that CKA_CLASS",
                               crypto_mechanism_name(d->use.mechanism));
        if (makes == CKO_PUBLIC_KEY &&
            !(vault_template_set_number(call, t, CKA_CLASS, makes) && own_type(call, t, d->use.key)))
                return false;
        if (!vault_force_template(call, d->use.object, CKA_DERIVE_TEMPLATE, t) ||
            (d->second && !vault_force_template(call, d->second, CKA_DERIVE_TEMPLATE, t)) ||
            !vault_policy_derive(call, d->use.object, call->mechanism, t, &d->origin) ||
            (d->second && !vault_policy_derive(call, d->second, call->mechanism, t, &d->origin)) ||
            (i > 0 && !vault_policy_derive_more(call, &d->templates[0], t)) ||
            !vault_rules_required(call, t, makes, CK_IN_DERIVE) || !vault_policy_template(call, t, makes) ||
            !child_length(call, t, makes, &w->length))
                return false;
        w->class = makes == CKO_PUBLIC_KEY ? CRYPTO_PUBLIC : CRYPTO_SECRET;
        w->type = vault_template_number(t, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
        return true;
}

/* A MAC key of a TLS key block: what the caller says of it is what he says of the cipher's key, but for type,
 * length and use. */
static bool mac_template(struct vault_call *call, struct vault_template *t)
{
        static const uint64_t off[] = { CKA_ENCRYPT, CKA_DECRYPT, CKA_WRAP, CKA_UNWRAP, CKA_DERIVE };

        vault_template_remove(t, CKA_VALUE_LEN);
        vault_template_remove(t, CKA_CHECK_VALUE);
        for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
                if (!vault_template_set_bool(call, t, off[i], false))
                        return false;
        }
        return vault_template_set_number(call, t, CKA_KEY_TYPE, CKK_GENERIC_SECRET) &&
               vault_template_set_bool(call, t, CKA_SIGN, true) &&
               vault_template_set_bool(call, t, CKA_VERIFY, true);
}

/* The keys of a TLS key block in its order, all from one template. */
static bool key_block_templates(struct vault_call *call, struct derivation *d)
{
        size_t macs = d->use.param.u.tls.mac_bits ? 2 : 0;

        if (d->n != 1)
                return err_set(&call->err, ERR_MECHANISM_PARAM, "%s has one template for all its keys",
                               crypto_mechanism_name(d->use.mechanism));
        d->n = macs + 2;
        for (size_t i = 1; i < d->n; i++)
                d->templates[i] = d->templates[0];
        for (size_t i = 0; i < macs; i++) {
                if (!mac_template(call, &d->templates[i]))
                        return false;
        }
        return true;
}

static bool read_templates(struct vault_call *call, struct derivation *d)
{
        const Chsm__DeriveKeyRequest *in = call->request->derive_key;

        d->n = 1 + in->n_more;
        d->templates = arena_alloc(call->arena, CRYPTO_DERIVED_MAX * sizeof(*d->templates));
        if (d->n > CRYPTO_DERIVED_MAX)
                return err_set(&call->err, ERR_MECHANISM_PARAM, "one derivation makes at most %d keys",
                               CRYPTO_DERIVED_MAX);
        if (!d->templates)
                return err_set(&call->err, ERR_MEMORY, "no memory for templates");
        if (!vault_template_read(call, in->template_, in->n_template_, CK_IN_DERIVE, &d->templates[0]))
                return false;
        for (size_t i = 1; i < d->n; i++) {
                if (!vault_template_read(call, in->more[i - 1]->attributes, in->more[i - 1]->n_attributes,
                                         CK_IN_DERIVE, &d->templates[i]))
                        return false;
        }
        if (d->use.param.kind == CK_PARAM_TLS_KEYS && !key_block_templates(call, d))
                return false;
        for (size_t i = 0; i < d->n; i++) {
                if (!settle(call, d, i) ||
                    !vault_wish_sharers(call, in->share_with, in->n_share_with, &d->templates[i], d->shared))
                        return false;
        }
        return !in->unique_id || vault_wish_id_free(call, &d->templates[0]);
}

static bool compute(struct vault_call *call, struct derivation *d)
{
        if (!crypto_derive_keys(call->vault->deps.crypto, d->use.mechanism, &d->use.param, d->use.key,
                                d->second_key, d->wanted, d->n, d->keys, &d->told, &call->err))
                return false;
        for (size_t i = 0; i < d->n; i++) {
                if (class_made(call->mechanism) == CKO_SECRET_KEY &&
                    crypto_key_bits(d->keys[i]) < CHILD_MIN * 8)
                        return err_set(&call->err, ERR_KEY_SIZE, "a derived key has at least %d bytes",
                                       CHILD_MIN);
        }
        return d->told.n == 0 || vault_policy_derive_told(call, d->use.object);
}

/* A data object holds the derived bytes in its CKA_VALUE. */
static bool data_value(struct vault_call *call, struct vault_template *t, const struct crypto_key *key)
{
        struct sec *value = crypto_key_material(key, &call->err);
        struct slice copy = value ? arena_copy(call->arena, sec_slice(value)) : SLICE_EMPTY;

        sec_free(&value);
        vault_template_remove(t, CKA_VALUE_LEN);
        vault_template_remove(t, CKA_KEY_TYPE);
        if (!copy.p)
                return call->err.id ? false : err_set(&call->err, ERR_MEMORY, "no memory for a data object");
        return vault_template_set(call, t, CKA_VALUE, copy);
}

/* Who must approve uses of the base must approve uses of what comes out of it; a public key is for all. */
static bool make_objects(struct vault_call *call, struct derivation *d)
{
        uint64_t makes = class_made(call->mechanism);
        const struct vault_object *base = d->use.object;
        const struct vault_key_facts facts = vault_policy_facts(base);
        const struct vault_parent parent = { .how = VAULT_DERIVED, .key = &facts };
        bool data = makes == CKO_DATA, passes = makes == CKO_SECRET_KEY && vault_model_passes_quorum(&parent);
        size_t given = call->request->derive_key->n_share_with;

        if (passes && given)
                return err_set(&call->err, ERR_ARGUMENT,
                               "what a key gives that %u users must approve is shared with whom that key is",
                               base->quorum);
        if (data && base->quorum)
                return err_set(&call->err, ERR_KEY_FUNCTION,
                               "a key that %u users must approve derives keys, not data that can be read",
                               base->quorum);
        d->origin.quorum = passes ? base->quorum : 0;

        for (size_t i = 0; i < d->n; i++) {
                struct vault_template *t = &d->templates[i];

                if (data && !(vault_template_set_number(call, t, CKA_CLASS, CKO_DATA) &&
                              data_value(call, t, d->keys[i])))
                        return false;
                if (!vault_object_make(call, t, data ? NULL : d->keys[i], &d->origin,
                                       passes ? base->shared : d->shared, passes ? base->shared_count : given,
                                       &d->objects[i]))
                        return false;
        }
        return true;
}

static bool reply(struct vault_call *call, struct derivation *d)
{
        Chsm__DerivedResponse *r = arena_alloc(call->arena, sizeof(*r));
        struct slice told = arena_copy(call->arena, slice_of(d->told.bytes, d->told.n));

        if (!r || !told.p)
                return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        chsm__derived_response__init(r);
        r->objects = arena_alloc(call->arena, d->n * sizeof(Chsm__ObjectResponse *));
        for (size_t i = 0; r->objects && i < d->n; i++) {
                r->objects[i] = vault_object_answer(call, d->objects[i]);
                if (!r->objects[i])
                        return false;
        }
        if (!r->objects)
                return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        r->n_objects = d->n;
        r->told.data = (uint8_t *)(uintptr_t)told.p;
        r->told.len = told.n;
        call->object = d->objects[0]->handle;
        call->second_object = d->use.object->handle;
        call->response->derived = r;
        call->response->body_case = CHSM__RESPONSE__BODY_DERIVED;
        return true;
}

/* Use for derivation spoils later trust as use for data does. */
static bool remember(struct vault_call *call, const struct vault_object *o)
{
        return !o || o->object_class != CKO_SECRET_KEY ||
               vault_use_remember(call, o, vault_model_use_marks(CRYPTO_DERIVE));
}

bool vault_derive_key(struct vault_call *call)
{
        const Chsm__DeriveKeyRequest *in = call->request->derive_key;
        struct derivation d = { .origin = { .mode = CK_IN_DERIVE,
                                            .mechanism = CK_UNAVAILABLE_INFORMATION,
                                            .never_extractable = true,
                                            .always_sensitive = true } };
        bool ok = vault_use_begin(call, in->base_key, ERR_KEY_HANDLE, in->mechanism, CRYPTO_DERIVE, &d.use) &&
                  take_second(call, in->second_key, &d) && read_templates(call, &d) && compute(call, &d) &&
                  make_objects(call, &d) && remember(call, d.use.object) &&
                  (d.second == d.use.object || remember(call, d.second)) && reply(call, &d);

        if (ok)
                vault_uses_note(call, d.use.object);
        for (size_t i = 0; i < CRYPTO_DERIVED_MAX; i++) {
                vault_object_unref(&d.objects[i]);
                crypto_key_unref(&d.keys[i]);
        }
        sec_wipe(&d.told, sizeof(d.told));
        vault_object_unref(&d.second);
        vault_use_end(&d.use);
        return ok;
}
