/* Signing, verification, encryption, decryption and digests. */
#include "vault/key_use.h"
#include "vault/authorise.h"
#include "vault/policy_model.h"
#include "vault/quorum.h"
#include "vault/region.h"
#include "vault/uses.h"

bool vault_use_mechanism(struct vault_call *call, const Chsm__Mechanism *m, struct vault_use *use)
{
        use->mechanism = m ? crypto_mechanism_find(m->number) : NULL;
        if (!use->mechanism)
                return err_set(&call->err, ERR_MECHANISM, "mechanism 0x%llx is not offered",
                               m ? (unsigned long long)m->number : 0ull);
        call->mechanism = m->number;
        return vault_policy_mechanism(call, use->mechanism) &&
               ck_mech_param_decode(m->number, slice_of(m->parameter.data, m->parameter.len), &use->param,
                                    &call->err);
}

/* What the user and the key's other users have given for this use. Where approvals are missing the key is not
 * used, so that the user's own word still holds when they have come. */
static bool pay(struct vault_call *call, const struct vault_object *o, enum crypto_op op)
{
        if (!vault_authorised(call, o, op))
                return false;
        if (vault_quorum_pay_key(call, o, VAULT_SERVICE_KEY_USE))
                return true;
        if (call->err.id == ERR_QUORUM)
                call->spent_guards = call->spent_ops = 0;
        return false;
}

bool vault_use_begin(struct vault_call *call, const Chsm__ObjectRef *ref, enum err_id absent,
                     const Chsm__Mechanism *m, enum crypto_op op, struct vault_use *use)
{
        *use = (struct vault_use){ .object = vault_object_of(call, ref, absent) };
        if (!use->object)
                return false;
        call->object = use->object->handle;
        if (!vault_use_mechanism(call, m, use))
                return false;
        use->key = vault_object_key(call->vault, use->object, &call->err);
        return use->key && vault_policy_param(call, op, &use->param) &&
               crypto_operation_check(use->mechanism, op, use->key, &use->param, &call->err) &&
               (!vault_policy_approved_only(call->vault) ||
                crypto_operation_approved(use->mechanism, op, use->key, &use->param, &call->err)) &&
               vault_policy_use(call, use->object, op, use->mechanism) && pay(call, use->object, op);
}

void vault_use_end(struct vault_use *use)
{
        vault_object_unref(&use->object);
}

bool vault_use_remember(struct vault_call *call, const struct vault_object *o, uint32_t history)
{
        struct vault_object_parts parts = vault_object_parts_of(o);
        struct vault_object *changed = NULL;
        bool ok;

        if (!o->handle || (o->history & history) == history)
                return true;
        parts.history |= history;
        ok = vault_object_rewrite(call, o, &parts, &changed);
        vault_object_unref(&changed);
        return ok;
}

/* Use for data spoils later trust, so it is remembered of keys that could be trusted. */
static bool remembers(const struct vault_object *o)
{
        return o->handle && o->object_class == CKO_SECRET_KEY && !(o->history & VAULT_HISTORY_DATA);
}

bool vault_use_data(struct vault_call *call, struct vault_object *o)
{
        vault_uses_note(call, o);
        return !remembers(o) || vault_use_remember(call, o, vault_model_use_marks(CRYPTO_DIGEST));
}

bool vault_use_reply(struct vault_call *call, struct slice data, const uint8_t *iv, size_t iv_n)
{
        Chsm__DataResponse *r = arena_alloc(call->arena, sizeof(*r));

        if (!r)
                return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        chsm__data_response__init(r);
        r->data.data = (uint8_t *)(uintptr_t)data.p;
        r->data.len = data.n;
        if (iv) {
                r->iv.data = (uint8_t *)(uintptr_t)iv;
                r->iv.len = iv_n;
        }
        call->response->data = r;
        call->response->body_case = CHSM__RESPONSE__BODY_DATA;
        return true;
}

/* Room for the result; *n is its size. */
static uint8_t *room(struct vault_call *call, const struct vault_use *use, enum crypto_op op, size_t in_n,
                     size_t *n)
{
        uint8_t *out;

        *n = crypto_output_max(use->mechanism, op, use->key, &use->param, in_n);
        out = arena_alloc(call->arena, *n + 1);
        if (!out)
                err_set(&call->err, ERR_MEMORY, "the answer would be larger than one may be");
        return out;
}

static bool input_fits(struct vault_call *call, const struct vault_use *use, ProtobufCBinaryData data)
{
        return !vault_policy_approved_only(call->vault) ||
               crypto_input_approved(use->mechanism, slice_of(data.data, data.len), &call->err);
}

bool vault_sign(struct vault_call *call)
{
        const Chsm__SignRequest *in = call->request->sign;
        struct vault_use use;
        uint8_t *out = NULL;
        size_t n = 0;
        bool ok = vault_use_begin(call, in->key, ERR_KEY_HANDLE, in->mechanism, CRYPTO_SIGN, &use) &&
                  input_fits(call, &use, in->data) &&
                  (out = room(call, &use, CRYPTO_SIGN, in->data.len, &n)) &&
                  crypto_sign(call->vault->deps.crypto, use.mechanism, &use.param, use.key,
                              slice_of(in->data.data, in->data.len), out, &n, &call->err) &&
                  vault_use_data(call, use.object) && vault_use_reply(call, slice_of(out, n), NULL, 0);

        vault_use_end(&use);
        return ok;
}

bool vault_sign_recover(struct vault_call *call)
{
        const Chsm__SignRecoverRequest *in = call->request->sign_recover;
        struct vault_use use;
        uint8_t *out = NULL;
        size_t n = 0;
        bool ok = vault_use_begin(call, in->key, ERR_KEY_HANDLE, in->mechanism, CRYPTO_SIGN_RECOVER, &use) &&
                  input_fits(call, &use, in->data) &&
                  (out = room(call, &use, CRYPTO_SIGN_RECOVER, in->data.len, &n)) &&
                  crypto_sign_recover(call->vault->deps.crypto, use.mechanism, use.key,
                                      slice_of(in->data.data, in->data.len), out, &n, &call->err) &&
                  vault_use_data(call, use.object) && vault_use_reply(call, slice_of(out, n), NULL, 0);

        vault_use_end(&use);
        return ok;
}

bool vault_verify_recover(struct vault_call *call)
{
        const Chsm__VerifyRecoverRequest *in = call->request->verify_recover;
        struct slice signature = slice_of(in->signature.data, in->signature.len);
        struct vault_use use;
        uint8_t *out = NULL;
        size_t n = 0;
        bool ok =
            vault_use_begin(call, in->key, ERR_KEY_HANDLE, in->mechanism, CRYPTO_VERIFY_RECOVER, &use) &&
            (out = room(call, &use, CRYPTO_VERIFY_RECOVER, signature.n, &n)) &&
            crypto_verify_recover(call->vault->deps.crypto, use.mechanism, use.key, signature, out, &n,
                                  &call->err) &&
            vault_use_data(call, use.object) && vault_use_reply(call, slice_of(out, n), NULL, 0);

        vault_use_end(&use);
        return ok;
}

bool vault_verify(struct vault_call *call)
{
        const Chsm__VerifyRequest *in = call->request->verify;
        struct vault_use use;
        bool ok = vault_use_begin(call, in->key, ERR_KEY_HANDLE, in->mechanism, CRYPTO_VERIFY, &use) &&
                  crypto_verify(call->vault->deps.crypto, use.mechanism, &use.param, use.key,
                                slice_of(in->data.data, in->data.len),
                                slice_of(in->signature.data, in->signature.len), &call->err) &&
                  vault_use_data(call, use.object) && vault_call_done(call);

        vault_use_end(&use);
        return ok;
}

static bool all_zero(const uint8_t *p, size_t n)
{
        uint8_t any = 0;

        for (size_t i = 0; i < n; i++)
                any |= p[i];
        return any == 0;
}

bool vault_encrypt(struct vault_call *call)
{
        const Chsm__EncryptRequest *in = call->request->encrypt;
        struct vault_use use;
        uint8_t *out = NULL, *iv = arena_alloc(call->arena, 16);
        size_t n = 0;
        bool ok = vault_use_begin(call, in->key, ERR_KEY_HANDLE, in->mechanism, CRYPTO_ENCRYPT, &use) && iv &&
                  (out = room(call, &use, CRYPTO_ENCRYPT, in->data.len, &n)) &&
                  crypto_encrypt(call->vault->deps.crypto, use.mechanism, &use.param, use.key,
                                 slice_of(in->data.data, in->data.len), out, &n, iv, &call->err) &&
                  vault_use_data(call, use.object) &&
                  vault_use_reply(call, slice_of(out, n), all_zero(iv, 16) ? NULL : iv, 12);

        vault_use_end(&use);
        return ok;
}

bool vault_decrypt(struct vault_call *call)
{
        const Chsm__DecryptRequest *in = call->request->decrypt;
        struct vault_use use;
        uint8_t *out = NULL;
        size_t n = 0;
        bool ok = vault_use_begin(call, in->key, ERR_KEY_HANDLE, in->mechanism, CRYPTO_DECRYPT, &use) &&
                  (out = room(call, &use, CRYPTO_DECRYPT, in->data.len, &n)) &&
                  crypto_decrypt(call->vault->deps.crypto, use.mechanism, &use.param, use.key,
                                 slice_of(in->data.data, in->data.len), out, &n, &call->err) &&
                  vault_use_data(call, use.object) && vault_use_reply(call, slice_of(out, n), NULL, 0);

        vault_use_end(&use);
        return ok;
}

struct sec *vault_use_value(struct vault_call *call, const Chsm__ObjectRef *ref, struct vault_use *use)
{
        use->object = vault_object_of(call, ref, ERR_KEY_HANDLE);
        if (!use->object)
                return NULL;
        if (use->object->object_class != CKO_SECRET_KEY)
                err_set(&call->err, ERR_KEY_TYPE, "only the value of a secret key can be digested");
        else if (use->object->quorum)
                err_set(&call->err, ERR_KEY_FUNCTION,
                        "the value of a key that %u users must approve is not digested", use->object->quorum);
        else if (vault_policy_use(call, use->object, CRYPTO_DIGEST, use->mechanism) &&
                 (use->key = vault_object_key(call->vault, use->object, &call->err)))
                return crypto_key_material(use->key, &call->err);
        return NULL;
}

bool vault_digest(struct vault_call *call)
{
        const Chsm__DigestRequest *in = call->request->digest;
        struct vault_use use = { .object = NULL };
        uint8_t *out = arena_alloc(call->arena, 64);
        size_t n = 64;

        return (out || err_set(&call->err, ERR_MEMORY, "no memory for a digest")) &&
               vault_use_mechanism(call, in->mechanism, &use) &&
               crypto_operation_check(use.mechanism, CRYPTO_DIGEST, NULL, &use.param, &call->err) &&
               crypto_digest(call->vault->deps.crypto, use.mechanism, slice_of(in->data.data, in->data.len),
                             out, &n, &call->err) &&
               vault_use_reply(call, slice_of(out, n), NULL, 0);
}

static const Chsm__ObjectRef *key_of(const Chsm__Request *r)
{
        switch (r->body_case) {
        case CHSM__REQUEST__BODY_SIGN:
                return r->sign->key;
        case CHSM__REQUEST__BODY_VERIFY:
                return r->verify->key;
        case CHSM__REQUEST__BODY_SIGN_RECOVER:
                return r->sign_recover->key;
        case CHSM__REQUEST__BODY_VERIFY_RECOVER:
                return r->verify_recover->key;
        case CHSM__REQUEST__BODY_ENCRYPT:
                return r->encrypt->key;
        case CHSM__REQUEST__BODY_DECRYPT:
                return r->decrypt->key;
        case CHSM__REQUEST__BODY_STREAM_OPEN:
                return r->stream_open->key;
        default:
                return NULL;
        }
}

static bool signs_slowly(const Chsm__Request *request)
{
        const struct crypto_mechanism *m =
            request->body_case == CHSM__REQUEST__BODY_SIGN && request->sign->mechanism
                ? crypto_mechanism_find(request->sign->mechanism->number)
                : NULL;

        return m && crypto_mechanism_slow(m);
}

enum vault_cost vault_cost(struct vault *v, const Chsm__Request *request)
{
        const struct vault_command *row = vault_command_find((uint32_t)request->body_case);
        const Chsm__ObjectRef *ref = row && row->cost == VAULT_INLINE ? key_of(request) : NULL;
        struct vault_object *o = NULL;
        bool waits;

        if (signs_slowly(request))
                return VAULT_SLOW;
        if (ref && ref->handle && ref->handle <= UINT32_MAX)
                o = vault_objects_find(v, (uint32_t)ref->handle);
        waits = o && (remembers(o) || o->quorum);
        vault_object_unref(&o);
        waits = waits || request->authorisation.len; /* using one up is a change too */
        /* This node may have to wait for what the caller has seen, which no event loop does. */
        waits = waits || (request->ticket.len && vault_region_is_behind(v, request->min_revision));
        return waits && row && row->cost == VAULT_INLINE ? VAULT_COMMIT : row ? row->cost : VAULT_INLINE;
}
