/* Keys that leave, wrapped by another. spec/semantics.md 11; spec/key-rules.md A, B. */
#include "ck/encoding.h"
#include "vault/key_move.h"
#include "vault/policy_model.h"
#include "vault/uses.h"

/* What the key's WRAP_TEMPLATE demands of what it wraps. */
static bool wrap_template_fits(struct vault_call *call, const struct vault_object *wrapping,
                               const struct vault_object *target)
{
        struct reader in = reader_of(vault_object_attribute(wrapping, CKA_WRAP_TEMPLATE));
        struct slice value;
        uint64_t type;

        while (ck_template_next(&in, &type, &value)) {
                const struct vault_attribute *has =
                    vault_attribute_find(target->attributes, target->attribute_count, type);
                if (!has || !slice_equal(has->value, value))
                        return err_set(&call->err, ERR_KEY_NOT_WRAPPABLE,
                                       "the wrapping key's CKA_WRAP_TEMPLATE does not fit the key");
        }
        return true;
}

/* Refusals of a key's type and size have numbers of their own where it wraps or unwraps. */
bool vault_use_begin_move(struct vault_call *call, const Chsm__ObjectRef *ref, const Chsm__Mechanism *m,
                          enum crypto_op op, struct vault_use *use)
{
        bool wraps = op == CRYPTO_WRAP;

        if (vault_use_begin(call, ref, wraps ? ERR_WRAPPING_KEY : ERR_UNWRAPPING_KEY, m, op, use))
                return true;
        if (call->err.id == ERR_KEY_TYPE)
                call->err.id = wraps ? ERR_WRAPPING_KEY_TYPE : ERR_UNWRAPPING_KEY_TYPE;
        else if (call->err.id == ERR_KEY_SIZE)
                call->err.id = wraps ? ERR_WRAPPING_KEY_SIZE : ERR_UNWRAPPING_KEY_SIZE;
        return false;
}

bool vault_wrap_key(struct vault_call *call)
{
        const Chsm__WrapKeyRequest *in = call->request->wrap_key;
        struct vault_use use;
        struct vault_object *target = NULL;
        struct crypto_key *key = NULL;
        uint8_t *out = NULL, *iv = arena_alloc(call->arena, 16);
        size_t n = 16384;
        bool ok;

        use.object = NULL;
        target = vault_object_of(call, in->key, ERR_KEY_HANDLE);
        ok = target && iv && vault_use_begin_move(call, in->wrapping_key, in->mechanism, CRYPTO_WRAP, &use) &&
             vault_policy_wrap(call, use.object, target) && wrap_template_fits(call, use.object, target) &&
             (key = vault_object_key(call->vault, target, &call->err)) &&
             (out = arena_alloc(call->arena, n)) &&
             crypto_wrap(call->vault->deps.crypto, use.mechanism, &use.param, use.key, key, out, &n, iv,
                         &call->err) &&
             vault_policy_leaves(call, target, key) &&
             vault_use_remember(call, target, vault_model_wrap_marks()) &&
             vault_use_remember(call, use.object, vault_model_use_marks(CRYPTO_WRAP));
        if (ok) {
                bool made = false;
                for (size_t i = 0; i < 16; i++)
                        made = made || iv[i];
                call->object = target->handle;
                call->second_object = use.object->handle;
                vault_uses_note(call, use.object);
                ok = vault_use_reply(call, slice_of(out, n), made ? iv : NULL, 12);
        } else if (!call->err.id) {
                err_set(&call->err, ERR_MEMORY, "no memory for a wrapped key");
        }
        vault_use_end(&use);
        vault_object_unref(&target);
        return ok;
}
