/* Keys that come in wrapped, and what a key forces on those that come out of it. spec/semantics.md 11;
 * spec/key-rules.md A, B, C. */
#include "ck/encoding.h"
#include "vault/key_move.h"
#include "vault/object_rules.h"
#include "vault/policy_model.h"
#include "vault/uses.h"
#include "vault/wish.h"

/* Attributes that a key forces on what comes out of it. */
bool vault_force_template(struct vault_call *call, const struct vault_object *key, uint64_t which,
                          struct vault_template *t)
{
        struct reader in = reader_of(vault_object_attribute(key, which));
        struct slice value;
        uint64_t type;

        while (ck_template_next(&in, &type, &value)) {
                if (vault_template_has(t, type) && !slice_equal(vault_template_get(t, type), value))
                        return err_set(&call->err, ERR_TEMPLATE_INCONSISTENT,
                                       "%s is not what the key's %s demands", ck_attribute_find(type)->name,
                                       ck_attribute_find(which)->name);
                if (!vault_template_set(call, t, type, value))
                        return false;
        }
        return true;
}

/* The template must not say otherwise; silent templates get the value. */
bool vault_force_bool(struct vault_call *call, struct vault_template *t, uint64_t type, bool value,
                      const char *why)
{
        if (vault_template_bool(t, type, value) != value)
                return err_set(&call->err, ERR_TEMPLATE_INCONSISTENT, "%s must be %s: %s",
                               ck_attribute_find(type)->name, value ? "TRUE" : "FALSE", why);
        return vault_template_set_bool(call, t, type, value);
}

bool vault_unwrap_kind(struct vault_call *call, const struct vault_template *t, uint64_t *object_class,
                       uint64_t *key_type)
{
        *object_class = vault_template_number(t, CKA_CLASS, CKO_SECRET_KEY);
        *key_type = vault_template_number(t, CKA_KEY_TYPE, CK_UNAVAILABLE_INFORMATION);
        if (!vault_rules_required(call, t, *object_class, CK_IN_UNWRAP))
                return false;
        if (*object_class != CKO_SECRET_KEY && *object_class != CKO_PRIVATE_KEY)
                return err_set(&call->err, ERR_TEMPLATE_INCONSISTENT,
                               "such an operation makes secret or private keys");
        return vault_policy_template(call, t, *object_class);
}

bool vault_unwrap_key(struct vault_call *call)
{
        const Chsm__UnwrapKeyRequest *in = call->request->unwrap_key;
        struct vault_use use;
        struct vault_template t;
        struct crypto_key *key = NULL;
        struct vault_object *o = NULL;
        struct vault_key_facts facts;
        struct vault_parent parent = { .how = VAULT_UNWRAPPED, .key = &facts };
        struct vault_origin origin = { .mode = CK_IN_UNWRAP,
                                       .mechanism = CK_UNAVAILABLE_INFORMATION,
                                       .parent = &facts,
                                       .quorum = in->quorum };
        uint32_t shared[VAULT_SHARED_MAX];
        uint64_t object_class, key_type, length;
        bool ok = vault_use_begin_move(call, in->unwrapping_key, in->mechanism, CRYPTO_UNWRAP, &use) &&
                  vault_template_read(call, in->template_, in->n_template_, CK_IN_UNWRAP, &t) &&
                  vault_force_template(call, use.object, CKA_UNWRAP_TEMPLATE, &t);

        if (ok)
                facts = vault_policy_facts(use.object);
        ok = ok && vault_policy_inherit(call, &parent, &t) &&
             vault_unwrap_kind(call, &t, &object_class, &key_type) &&
             vault_wish_sharers(call, in->share_with, in->n_share_with, &t, shared) &&
             (!in->unique_id || vault_wish_id_free(call, &t));
        length = ok ? vault_template_number(&t, CKA_VALUE_LEN, 0) : 0;
        ok = ok &&
             crypto_unwrap(call->vault->deps.crypto, use.mechanism, &use.param, use.key,
                           slice_of(in->wrapped.data, in->wrapped.len), (enum crypto_key_class)object_class,
                           key_type, length, &key, &call->err) &&
             vault_object_make(call, &t, key, &origin, shared, in->n_share_with, &o) &&
             vault_use_remember(call, use.object, vault_model_use_marks(CRYPTO_UNWRAP)) &&
             vault_object_reply(call, o);
        if (ok) {
                call->second_object = use.object->handle;
                vault_uses_note(call, use.object);
        }
        vault_object_unref(&o);
        crypto_key_unref(&key);
        vault_use_end(&use);
        return ok;
}
