/* Keys of files come in under the user KEK. spec/semantics.md 9 and 11; spec/key-rules.md rule 3.
 *
 * The KEK decrypts nothing here: it is trusted, and a trusted key does nothing but wrap and unwrap. The value
 * comes inside the channel, and becomes what it would be if the KEK had unwrapped it; but since its sender
 * knows it, it counts as given in clear too. */
#include "vault/key_move.h"
#include "vault/policy_model.h"
#include "vault/quorum.h"
#include "vault/uses.h"
#include "vault/wish.h"

#define WRAPPED_MORE 32 /* bytes that RFC 5649 adds at most, and some */

static bool kek_lacks(struct vault_call *call, const struct vault_object *kek, const char *attribute)
{
        return err_set(&call->err, ERR_KEY_FUNCTION,
                       "key %u is not a user KEK: it has %s=FALSE, and imports need it; its owner can run: "
                       "setAttribute -o %u -a %s -v 1",
                       kek->handle, attribute, kek->handle, attribute + 4);
}

/* spec/semantics.md 11: trusted, ENCRYPT and UNWRAP. Where roles are separate a key that wraps encrypts
 * nothing, and WRAP stands for it. */
static bool is_kek(struct vault_call *call, const struct vault_object *kek)
{
        bool separate = vault_settings_now(call->vault).value[VAULT_SET_SEPARATE_ROLES];

        if (kek->object_class != CKO_SECRET_KEY || kek->key_type != CKK_AES)
                return err_set(&call->err, ERR_UNWRAPPING_KEY_TYPE,
                               "key %u is not a user KEK: it is no AES key", kek->handle);
        if (!(kek->flags & VAULT_UNWRAP))
                return kek_lacks(call, kek, "CKA_UNWRAP");
        if (!(kek->flags & (separate ? VAULT_WRAP : VAULT_ENCRYPT)))
                return kek_lacks(call, kek, separate ? "CKA_WRAP" : "CKA_ENCRYPT");
        if (!(kek->flags & VAULT_TRUSTED))
                return err_set(&call->err, ERR_UNWRAPPING_KEY,
                               "key %u is not a user KEK: it is not TRUSTED; a CO can run: setAttribute %u "
                               "134 1",
                               kek->handle, kek->handle);
        return vault_policy_date(call, kek, CRYPTO_UNWRAP) &&
               vault_quorum_pay_key(call, kek, VAULT_SERVICE_KEY_USE);
}

/* The new key once more, wrapped as C_WrapKey would: the policy decides. */
static bool wrap(struct vault_call *call, struct vault_object *kek, struct vault_object *o,
                 struct crypto_key *key, ProtobufCBinaryData *out)
{
        const struct crypto_mechanism *m = crypto_mechanism_find(CKM_AES_KEY_WRAP_KWP);
        struct crypto_key *with = vault_object_key(call->vault, kek, &call->err);
        struct sec *value = crypto_key_material(key, &call->err);
        size_t n = value ? sec_size(value) + WRAPPED_MORE : 0;
        uint8_t *bytes = arena_alloc(call->arena, n + 1);
        bool ok = with && value && vault_policy_use(call, kek, CRYPTO_WRAP, m) &&
                  vault_policy_wrap(call, kek, o) &&
                  (bytes || err_set(&call->err, ERR_MEMORY, "no memory for a wrapped key")) &&
                  crypto_wrap(call->vault->deps.crypto, m, NULL, with, key, bytes, &n, NULL, &call->err);

        sec_free(&value);
        *out = (ProtobufCBinaryData){ ok ? n : 0, bytes };
        return ok;
}

/* What is remembered of the value of a token key was remembered at its birth, in this transaction. */
static bool leave(struct vault_call *call, struct vault_object *kek, struct vault_object *o,
                  struct crypto_key *key, ProtobufCBinaryData *out)
{
        return wrap(call, kek, o, key, out) && (o->handle || vault_policy_leaves(call, o, key));
}

static bool reply(struct vault_call *call, struct vault_object *o, ProtobufCBinaryData wrapped)
{
        Chsm__ImportKeyResponse *r = arena_alloc(call->arena, sizeof(*r));

        if (!r)
                return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        chsm__import_key_response__init(r);
        r->object = vault_object_answer(call, o);
        r->wrapped = wrapped;
        call->object = o->handle;
        call->response->import_key = r;
        call->response->body_case = CHSM__RESPONSE__BODY_IMPORT_KEY;
        return r->object != NULL;
}

/* The template, brought to what the KEK demands. */
static bool settle(struct vault_call *call, const struct vault_object *kek, struct vault_template *t,
                   uint32_t shared[VAULT_SHARED_MAX])
{
        const Chsm__ImportKeyRequest *in = call->request->import_key;
        struct vault_key_facts facts = vault_policy_facts(kek);
        const struct vault_parent parent = { .how = VAULT_UNWRAPPED, .key = &facts };

        return vault_template_read(call, in->template_, in->n_template_, CK_IN_UNWRAP, t) &&
               vault_force_template(call, kek, CKA_UNWRAP_TEMPLATE, t) &&
               vault_policy_inherit(call, &parent, t) &&
               vault_wish_sharers(call, in->share_with, in->n_share_with, t, shared) &&
               (!in->unique_id || vault_wish_id_free(call, t));
}

bool vault_import_key(struct vault_call *call)
{
        const Chsm__ImportKeyRequest *in = call->request->import_key;
        struct vault_origin origin = { .mode = CK_IN_CREATE,
                                       .mechanism = CK_UNAVAILABLE_INFORMATION,
                                       .quorum = in->quorum,
                                       .history = VAULT_HISTORY_IMPORTED |
                                                  (in->wrapped ? vault_model_wrap_marks() : 0) };
        struct vault_object *kek = vault_object_of(call, in->kek, ERR_UNWRAPPING_KEY), *o = NULL;
        struct crypto_key *key = NULL;
        struct vault_template t;
        uint32_t shared[VAULT_SHARED_MAX];
        uint64_t object_class, key_type;
        ProtobufCBinaryData wrapped = { 0, NULL };
        bool ok =
            kek && is_kek(call, kek) && settle(call, kek, &t, shared) &&
            vault_unwrap_kind(call, &t, &object_class, &key_type) &&
            crypto_key_open_foreign(call->vault->deps.crypto, (enum crypto_key_class)object_class, key_type,
                                    slice_of(in->value.data, in->value.len), &key, &call->err) &&
            vault_object_make(call, &t, key, &origin, shared, in->n_share_with, &o) &&
            (!in->wrapped || leave(call, kek, o, key, &wrapped)) &&
            vault_use_remember(call, kek, vault_model_use_marks(CRYPTO_UNWRAP)) && reply(call, o, wrapped);

        if (ok) {
                call->second_object = kek->handle;
                vault_uses_note(call, kek);
        }
        vault_object_unref(&o);
        vault_object_unref(&kek);
        crypto_key_unref(&key);
        return ok;
}
