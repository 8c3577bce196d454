/* rotateKey and retireKey. The new version is a key like any other: freshly generated here, under the rules
 * of birth as they are today, so rotation gives no power that generation would not, and what the old value
 * has been through stays with the old value. docs/key-life.md */
#include "vault/object_rules.h"
#include "vault/policy.h"
#include "vault/quorum.h"
#include "vault/version.h"

#include "crypto/mechanism.h"

#define FAMILY_SIZE 16

/* What does not follow: trust is an officer's word about one value; dates were meant for the old version. The
 * rest is what the key says itself. */
static const uint64_t own[] = { CKA_TRUSTED,         CKA_START_DATE, CKA_END_DATE,     CKA_CHECK_VALUE,
                                CKA_PUBLIC_KEY_INFO, CKA_EC_PARAMS,  CKA_PARAMETER_SET };

static bool follows(uint64_t type, uint32_t mode)
{
        const struct ck_attribute_row *row = ck_attribute_find(type);

        for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
                if (own[i] == type)
                        return false;
        }
        return row && !row->read_only && (row->may & mode);
}

/* ---- may it be rotated ---- */

static bool is_key(const struct vault_object *o)
{
        return o->object_class == CKO_SECRET_KEY || o->object_class == CKO_PRIVATE_KEY ||
               o->object_class == CKO_PUBLIC_KEY;
}

/* The key of a request, when the caller may do this to it. */
static struct vault_object *key_of(struct vault_call *call, const Chsm__ObjectRef *ref, const char *what)
{
        struct vault_object *o = vault_object_of(call, ref, ERR_KEY_HANDLE);
        bool ok = o != NULL;

        if (ok && (!o->handle || !is_key(o)))
                ok = err_set(&call->err, ERR_KEY_HANDLE,
                             "only token keys have versions; a session key is "
                             "made anew");
        ok = ok && vault_policy_owns(call, o, what);
        if (ok && !(o->flags & VAULT_MODIFIABLE))
                ok = err_set(&call->err, ERR_ACTION_PROHIBITED,
                             "key %u has CKA_MODIFIABLE=FALSE, so what it may do stays", o->handle);
        if (!ok)
                vault_object_unref(&o);
        return o;
}

static bool is_current(struct vault_call *call, const struct vault_object *o)
{
        struct vault_version v = vault_version_of(o);

        return v.state == CHSM_KEY_CURRENT ||
               err_set(&call->err, ERR_ACTION_PROHIBITED,
                       "key %u is version %llu and not the current one, which is what rotates (getKeyInfo -k "
                       "%u lists them)",
                       o->handle, (unsigned long long)v.number, o->handle);
}

/* The other half of a pair, the caller's own and in the same state; *half stays NULL when there is none. */
static bool half_of(struct vault_call *call, const struct vault_object *o, struct vault_object **half)
{
        struct slice info = vault_object_attribute(o, CKA_PUBLIC_KEY_INFO);
        uint64_t other = o->object_class == CKO_PUBLIC_KEY ? CKO_PRIVATE_KEY : CKO_PUBLIC_KEY;
        struct vault_template wanted = { .n = 0 };
        struct vault_object *found[32];
        bool more;
        size_t n;

        *half = NULL;
        if (o->object_class == CKO_SECRET_KEY || !info.n)
                return true;
        if (!vault_template_set_number(call, &wanted, CKA_CLASS, other) ||
            !vault_template_set(call, &wanted, CKA_PUBLIC_KEY_INFO, info) ||
            !vault_objects_search(call, &wanted, 0, 0, 32, found, &n, &more))
                return false;
        for (size_t i = 0; i < n; i++) {
                if (!*half && found[i]->owner == o->owner && (found[i]->flags & VAULT_MODIFIABLE) &&
                    vault_version_of(found[i]).state == vault_version_of(o).state)
                        *half = vault_object_ref(found[i]);
                vault_object_unref(&found[i]);
        }
        return true;
}

/* ---- the old version ---- */

static bool template_of(struct vault_call *call, const struct vault_object *o, struct vault_template *t)
{
        t->n = 0;
        for (size_t i = 0; i < o->attribute_count; i++) {
                if (!vault_template_set(call, t, o->attributes[i].type, o->attributes[i].value))
                        return false;
        }
        return true;
}

static bool put_state(struct vault_call *call, const struct vault_object *o, const struct vault_version *v)
{
        struct vault_object_parts parts = vault_object_parts_of(o);
        struct vault_object *changed = NULL;
        struct vault_template t;
        bool ok = template_of(call, o, &t) && vault_version_take(call, &t, v);

        parts.attributes = t.items;
        parts.attribute_count = t.n;
        ok = ok && vault_object_rewrite(call, o, &parts, &changed);
        vault_object_unref(&changed);
        return ok;
}

/* ---- the new one ---- */

/* A rotation at work. */
struct rotation {
        struct vault_version version; /* of the old one, from now on */
        const Chsm__RotateKeyRequest *in;
        const struct crypto_mechanism *mechanism;
};

/* Made keys, kept across runs of the handler. */
struct made {
        struct crypto_key *key, *public_key;
};

static void made_clear(void *arg)
{
        struct made *made = arg;

        crypto_key_unref(&made->key);
        crypto_key_unref(&made->public_key);
}

static struct made *made_of(struct vault_call *call)
{
        struct made *made = call->memo;

        if (made)
                return made;
        made = arena_alloc(call->arena, sizeof(*made));
        if (!made)
                err_set(&call->err, ERR_MEMORY, "no memory for a key");
        call->memo = made;
        call->memo_clear = made ? made_clear : NULL;
        return made;
}

/* What the old version was, for the template that makes the new one. */
static bool new_template(struct vault_call *call, const struct rotation *r, const struct vault_object *o,
                         uint32_t mode, struct vault_template *t)
{
        struct vault_version v = r->version;

        t->n = 0;
        for (size_t i = 0; i < o->attribute_count; i++) {
                if (follows(o->attributes[i].type, mode) &&
                    !vault_template_set(call, t, o->attributes[i].type, o->attributes[i].value))
                        return false;
        }
        v.number++;
        v.state = CHSM_KEY_CURRENT;
        return (!r->in->start_date.len ||
                vault_template_set(call, t, CKA_START_DATE,
                                   slice_of(r->in->start_date.data, r->in->start_date.len))) &&
               (!r->in->end_date.len ||
                vault_template_set(call, t, CKA_END_DATE,
                                   slice_of(r->in->end_date.data, r->in->end_date.len))) &&
               vault_version_take(call, t, &v);
}

/* A public half of its own for a private key that came without one. */
static bool public_template(struct vault_call *call, const struct rotation *r,
                            const struct vault_object *priv, struct vault_template *t)
{
        struct vault_version v = r->version;

        t->n = 0;
        v.number++;
        v.state = CHSM_KEY_CURRENT;
        return vault_template_set_bool(call, t, CKA_TOKEN, true) &&
               vault_template_set(call, t, CKA_LABEL, vault_object_attribute(priv, CKA_LABEL)) &&
               vault_template_set(call, t, CKA_ID, vault_object_attribute(priv, CKA_ID)) &&
               vault_version_take(call, t, &v);
}

static struct vault_origin origin_of(const struct rotation *r, uint32_t mode, uint32_t quorum)
{
        return (struct vault_origin){ .mode = mode,
                                      .mechanism = crypto_mechanism_number(r->mechanism),
                                      .local = true,
                                      .always_sensitive = true,
                                      .never_extractable = true,
                                      .quorum = quorum };
}

/* The mechanism that makes such keys out of nothing but chance. */
static bool mechanism_for(struct vault_call *call, uint64_t key_type, enum crypto_op op, struct rotation *r)
{
        const struct crypto_mechanism *m;

        for (size_t i = 0; (m = crypto_mechanism_at(i)); i++) {
                if ((crypto_mechanism_functions(m) >> op & 1) && crypto_mechanism_key_type(m, key_type) &&
                    !crypto_mechanism_from_parameter(m)) {
                        r->mechanism = m;
                        call->mechanism = crypto_mechanism_number(m);
                        return vault_policy_mechanism(call, m);
                }
        }
        return err_set(&call->err, ERR_KEY_TYPE,
                       "no mechanism makes keys of this type, so it does not rotate");
}

static bool rotate_secret(struct vault_call *call, struct rotation *r, struct vault_object *o)
{
        struct crypto_key *old = vault_object_key(call->vault, o, &call->err);
        struct crypto_key_spec spec = { .key_type = o->key_type };
        struct vault_origin origin;
        struct vault_object *fresh = NULL;
        struct vault_template t;
        struct made *made = old ? made_of(call) : NULL;
        bool ok = made && mechanism_for(call, o->key_type, CRYPTO_GENERATE, r) &&
                  new_template(call, r, o, CK_IN_GENERATE, &t) &&
                  vault_policy_template(call, &t, CKO_SECRET_KEY);

        if (ok && !made->key) {
                spec.bits = crypto_key_bits(old);
                ok = crypto_key_generate(call->vault->deps.crypto, &spec, &made->key, &call->err);
        }
        if (ok)
                origin = origin_of(r, CK_IN_GENERATE, o->quorum);
        ok = ok && vault_object_make(call, &t, made->key, &origin, o->shared, o->shared_count, &fresh) &&
             put_state(call, o, &r->version) && vault_object_reply(call, fresh);
        if (ok) {
                call->object = fresh->handle;
                call->second_object = o->handle;
        }
        vault_object_unref(&fresh);
        return ok;
}

/* Size, curve and exponent of the old pair. */
static bool make_pair(struct vault_call *call, const struct crypto_key *old, struct made *made)
{
        struct crypto_key_spec spec = { .key_type = crypto_key_type(old),
                                        .bits = crypto_key_bits(old),
                                        .approved_only = vault_policy_approved_only(call->vault) };
        struct buf curve = BUF_INIT, exponent = BUF_INIT, set = BUF_INIT;
        struct reader in;
        bool ok = true;

        if (made->key)
                return true;
        if (crypto_key_component(old, CKA_EC_PARAMS, &curve, NULL))
                spec.curve = buf_slice(&curve);
        if (spec.key_type == CKK_RSA && crypto_key_component(old, CKA_PUBLIC_EXPONENT, &exponent, NULL))
                spec.exponent = buf_slice(&exponent);
        if (crypto_key_has_set(spec.key_type) && crypto_key_component(old, CKA_PARAMETER_SET, &set, NULL)) {
                in = reader_of(buf_slice(&set));
                spec.parameter_set = reader_u64(&in);
        }
        ok = buf_ok(&curve) && buf_ok(&exponent) && buf_ok(&set)
                 ? crypto_key_pair_generate(call->vault->deps.crypto, &spec, &made->key, &made->public_key,
                                            &call->err)
                 : err_set(&call->err, ERR_MEMORY, "no memory for a key pair");
        buf_clear(&curve);
        buf_clear(&exponent);
        buf_clear(&set);
        return ok;
}

static bool pair_reply(struct vault_call *call, struct vault_object *pub, struct vault_object *priv)
{
        Chsm__KeyPairResponse *r = arena_alloc(call->arena, sizeof(*r));

        if (!r)
                return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        chsm__key_pair_response__init(r);
        r->public_key = vault_object_answer(call, pub);
        r->private_key = vault_object_answer(call, priv);
        call->response->key_pair = r;
        call->response->body_case = CHSM__RESPONSE__BODY_KEY_PAIR;
        return r->public_key && r->private_key;
}

static bool pair_templates(struct vault_call *call, const struct rotation *r, const struct vault_object *priv,
                           const struct vault_object *pub, struct vault_template t[2], uint32_t history[2])
{
        return (pub ? new_template(call, r, pub, CK_IN_PUBLIC, &t[0])
                    : public_template(call, r, priv, &t[0])) &&
               new_template(call, r, priv, CK_IN_PRIVATE, &t[1]) &&
               vault_policy_pair(call, &t[0], &t[1], &history[0], &history[1]) &&
               vault_policy_template(call, &t[0], CKO_PUBLIC_KEY) &&
               vault_policy_template(call, &t[1], CKO_PRIVATE_KEY);
}

/* pub may be NULL: there is none. */
static bool rotate_halves(struct vault_call *call, struct rotation *r, struct vault_object *priv,
                          struct vault_object *pub)
{
        struct crypto_key *old = vault_object_key(call->vault, priv, &call->err);
        struct vault_object *fresh_pub = NULL, *fresh = NULL;
        struct vault_template t[2];
        struct vault_origin origin;
        uint32_t history[2] = { 0, 0 };
        struct made *made = old ? made_of(call) : NULL;
        bool ok = made && mechanism_for(call, priv->key_type, CRYPTO_GENERATE_PAIR, r) &&
                  pair_templates(call, r, priv, pub, t, history) && make_pair(call, old, made);

        if (ok)
                origin = origin_of(r, CK_IN_PUBLIC, 0);
        origin.history = history[0];
        ok = ok && vault_object_make(call, &t[0], made->public_key, &origin, NULL, 0, &fresh_pub);
        if (ok)
                origin = origin_of(r, CK_IN_PRIVATE, priv->quorum);
        origin.history = history[1];
        ok = ok &&
             vault_object_make(call, &t[1], made->key, &origin, priv->shared, priv->shared_count, &fresh) &&
             put_state(call, priv, &r->version) && (!pub || put_state(call, pub, &r->version)) &&
             pair_reply(call, fresh_pub, fresh);
        if (ok) {
                call->object = fresh->handle;
                call->second_object = priv->handle;
        }
        vault_object_unref(&fresh_pub);
        vault_object_unref(&fresh);
        return ok;
}

static bool rotate_pair(struct vault_call *call, struct rotation *r, struct vault_object *o)
{
        struct vault_object *half = NULL;
        bool ok = half_of(call, o, &half);

        if (ok && o->object_class == CKO_PUBLIC_KEY && !half)
                ok = err_set(&call->err, ERR_KEY_HANDLE,
                             "the private half of key %u is not here, or not the caller's: a pair rotates as "
                             "a pair",
                             o->handle);
        ok = ok &&
             (o->object_class == CKO_PUBLIC_KEY ? vault_quorum_pay_key(call, half, VAULT_SERVICE_KEY_MGMT) &&
                                                      rotate_halves(call, r, half, o)
                                                : rotate_halves(call, r, o, half));
        vault_object_unref(&half);
        return ok;
}

/* The family of the old version, or the first id of one. */
static bool family_of(struct vault_call *call, const struct vault_object *o, struct vault_version *v)
{
        uint8_t *id;

        *v = vault_version_of(o);
        v->state = CHSM_KEY_SUPERSEDED;
        if (v->family.n)
                return true;
        id = arena_alloc(call->arena, FAMILY_SIZE);
        if (!id)
                return err_set(&call->err, ERR_MEMORY, "no memory for a key");
        v->family = slice_of(id, FAMILY_SIZE);
        return crypto_random(call->vault->deps.crypto, id, FAMILY_SIZE, &call->err);
}

bool vault_rotate_key(struct vault_call *call)
{
        struct rotation r = { .in = call->request->rotate_key };
        struct vault_object *o = key_of(call, r.in->key, "rotate");
        bool ok = o && is_current(call, o) && family_of(call, o, &r.version) &&
                  vault_quorum_pay_key(call, o, VAULT_SERVICE_KEY_MGMT);

        ok =
            ok && (o->object_class == CKO_SECRET_KEY ? rotate_secret(call, &r, o) : rotate_pair(call, &r, o));
        vault_object_unref(&o);
        return ok;
}

/* ---- retirement ---- */

bool vault_retire_key(struct vault_call *call)
{
        struct vault_object *o = key_of(call, call->request->retire_key->key, "retire"), *half = NULL;
        struct vault_version v;
        bool ok = o && half_of(call, o, &half) && vault_quorum_pay_key(call, o, VAULT_SERVICE_KEY_MGMT);

        if (ok) {
                call->object = o->handle;
                v = vault_version_of(o);
                if (v.state == CHSM_KEY_CURRENT)
                        ok = err_set(&call->err, ERR_ACTION_PROHIBITED,
                                     "key %u is the current version; rotateKey -k %u makes a newer one first",
                                     o->handle, o->handle);
                else if (v.state == CHSM_KEY_RETIRED)
                        ok = err_set(&call->err, ERR_ACTION_PROHIBITED, "key %u is retired already",
                                     o->handle);
        }
        if (ok) {
                v.state = CHSM_KEY_RETIRED;
                ok = put_state(call, o, &v) && (!half || put_state(call, half, &v)) && vault_call_done(call);
        }
        vault_object_unref(&half);
        vault_object_unref(&o);
        return ok;
}
