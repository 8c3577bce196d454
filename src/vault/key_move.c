/* Keys that leave, come in, or are derived. spec/semantics.md 11; spec/key-rules.md A, B, D. */
#include "ck/encoding.h"
#include "vault/key_use.h"
#include "vault/object_rules.h"

#define CHILD_MIN 16 /* bytes: spec/key-rules.md rule 5 */

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

/* Attributes that a key forces on what comes out of it. */
static bool force_template(struct vault_call *call, const struct vault_object *key, uint64_t which,
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
static bool force_bool(struct vault_call *call, struct vault_template *t, uint64_t type, bool value,
                       const char *why)
{
        if (vault_template_bool(t, type, value) != value)
                return err_set(&call->err, ERR_TEMPLATE_INCONSISTENT, "%s must be %s: %s",
                               ck_attribute_find(type)->name, value ? "TRUE" : "FALSE", why);
        return vault_template_set_bool(call, t, type, value);
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
        ok = target && iv &&
             vault_use_begin(call, in->wrapping_key, ERR_WRAPPING_KEY, in->mechanism, CRYPTO_WRAP, &use) &&
             vault_policy_wrap(call, use.object, target, use.mechanism) &&
             wrap_template_fits(call, use.object, target) &&
             (key = vault_object_key(call->vault, target, &call->err)) &&
             (out = arena_alloc(call->arena, n)) &&
             crypto_wrap(call->vault->deps.crypto, use.mechanism, &use.param, use.key, key, out, &n, iv,
                         &call->err) &&
             vault_use_remember(call, target, VAULT_HISTORY_LEFT) &&
             vault_use_remember(call, use.object, VAULT_HISTORY_WRAPPED);
        if (ok) {
                bool made = false;
                for (size_t i = 0; i < 16; i++)
                        made = made || iv[i];
                call->object = target->handle;
                call->second_object = use.object->handle;
                ok = vault_use_reply(call, slice_of(out, n), made ? iv : NULL, 12);
        } else if (!call->err.id) {
                err_set(&call->err, ERR_MEMORY, "no memory for a wrapped key");
        }
        vault_use_end(&use);
        vault_object_unref(&target);
        return ok;
}

/* Class and type of what a template asks for, and that it may ask so. */
static bool wanted_kind(struct vault_call *call, const struct vault_template *t, uint32_t mode,
                        uint64_t *object_class, uint64_t *key_type)
{
        *object_class = vault_template_number(t, CKA_CLASS, 0);
        *key_type = vault_template_number(t, CKA_KEY_TYPE, CK_UNAVAILABLE_INFORMATION);
        if (!vault_rules_required(call, t, *object_class, mode))
                return false;
        if (*object_class != CKO_SECRET_KEY && (*object_class != CKO_PRIVATE_KEY || mode == CK_IN_DERIVE))
                return err_set(&call->err, ERR_TEMPLATE_INCONSISTENT, "such an operation makes %s keys",
                               mode == CK_IN_DERIVE ? "secret" : "secret or private");
        return vault_policy_template(call, t, *object_class);
}

bool vault_unwrap_key(struct vault_call *call)
{
        const Chsm__UnwrapKeyRequest *in = call->request->unwrap_key;
        struct vault_use use;
        struct vault_template t;
        struct crypto_key *key = NULL;
        struct vault_object *o = NULL;
        struct vault_origin origin = { .mode = CK_IN_UNWRAP,
                                       .mechanism = CK_UNAVAILABLE_INFORMATION,
                                       .history = VAULT_HISTORY_IMPORTED };
        uint64_t object_class, key_type, length;
        bool ok = vault_use_begin(call, in->unwrapping_key, ERR_UNWRAPPING_KEY, in->mechanism, CRYPTO_UNWRAP,
                                  &use) &&
                  vault_template_read(call, in->template_, in->n_template_, CK_IN_UNWRAP, &t) &&
                  force_template(call, use.object, CKA_UNWRAP_TEMPLATE, &t) &&
                  force_bool(call, &t, CKA_SENSITIVE, true,
                             "a key that was outside in a wrapped form stays hidden");

        if (ok && ((use.object->flags & VAULT_TRUSTED) || (use.object->history & VAULT_HISTORY_TRUSTED)))
                ok = force_bool(call, &t, CKA_WRAP_WITH_TRUSTED, true, "a trusted key unwrapped it");
        ok = ok && wanted_kind(call, &t, CK_IN_UNWRAP, &object_class, &key_type);
        length = ok ? vault_template_number(&t, CKA_VALUE_LEN, 0) : 0;
        ok = ok &&
             crypto_unwrap(call->vault->deps.crypto, use.mechanism, &use.param, use.key,
                           slice_of(in->wrapped.data, in->wrapped.len), (enum crypto_key_class)object_class,
                           key_type, length, &key, &call->err) &&
             vault_object_make(call, &t, key, &origin, NULL, 0, &o) &&
             vault_use_remember(call, use.object, VAULT_HISTORY_WRAPPED) && vault_object_reply(call, o);
        if (ok)
                call->second_object = use.object->handle;
        vault_object_unref(&o);
        crypto_key_unref(&key);
        vault_use_end(&use);
        return ok;
}

/* Agreement and extraction from keys of one's own session may give readable children: Java and OpenSSL need
 * it. */
static bool may_be_readable(const struct vault_object *base, uint64_t mechanism)
{
        return !base->handle && (mechanism == CKM_ECDH1_DERIVE || mechanism == CKM_ECDH1_COFACTOR_DERIVE ||
                                 mechanism == CKM_HKDF_DERIVE);
}

/* A child is never looser than what it comes from. */
static bool inherit(struct vault_call *call, const struct vault_object *base, struct vault_template *t,
                    struct vault_origin *origin)
{
        bool never = false, always = false;

        (void)ck_value_bool(vault_object_attribute(base, CKA_NEVER_EXTRACTABLE), &never);
        (void)ck_value_bool(vault_object_attribute(base, CKA_ALWAYS_SENSITIVE), &always);
        origin->never_extractable = origin->never_extractable && never;
        origin->always_sensitive = origin->always_sensitive && always;
        origin->history |=
            base->history & (VAULT_HISTORY_IMPORTED | VAULT_HISTORY_LEFT | VAULT_HISTORY_EXTRACTABLE);
        if (may_be_readable(base, origin->mechanism))
                return true;
        if ((base->flags & VAULT_SENSITIVE) &&
            !force_bool(call, t, CKA_SENSITIVE, true, "the base key is sensitive"))
                return false;
        if (!(base->flags & VAULT_EXTRACTABLE) &&
            !force_bool(call, t, CKA_EXTRACTABLE, false, "the base key is not extractable"))
                return false;
        return !(base->flags & VAULT_WRAP_WITH_TRUSTED) ||
               force_bool(call, t, CKA_WRAP_WITH_TRUSTED, true, "the base key has it");
}

static bool child_length(struct vault_call *call, const struct vault_template *t, size_t *length)
{
        uint64_t n = vault_template_number(t, CKA_VALUE_LEN, 0);

        *length = (size_t)n;
        if (vault_template_has(t, CKA_VALUE_LEN) && (n < CHILD_MIN || n > 3072))
                return err_set(&call->err, ERR_KEY_SIZE, "a derived key has %d to 3072 bytes, not %llu",
                               CHILD_MIN, (unsigned long long)n);
        return true;
}

bool vault_derive_key(struct vault_call *call)
{
        const Chsm__DeriveKeyRequest *in = call->request->derive_key;
        struct vault_use use;
        struct vault_template t;
        struct crypto_key *key = NULL;
        struct vault_object *o = NULL;
        struct vault_origin origin = { .mode = CK_IN_DERIVE,
                                       .never_extractable = true,
                                       .always_sensitive = true };
        uint64_t object_class, key_type;
        size_t length;
        bool ok = vault_use_begin(call, in->base_key, ERR_KEY_HANDLE, in->mechanism, CRYPTO_DERIVE, &use) &&
                  vault_template_read(call, in->template_, in->n_template_, CK_IN_DERIVE, &t);

        origin.mechanism = call->mechanism;
        ok = ok && force_template(call, use.object, CKA_DERIVE_TEMPLATE, &t) &&
             inherit(call, use.object, &t, &origin) &&
             wanted_kind(call, &t, CK_IN_DERIVE, &object_class, &key_type) &&
             child_length(call, &t, &length) &&
             crypto_derive_key(call->vault->deps.crypto, use.mechanism, &use.param, use.key, NULL, key_type,
                               length, &key, &call->err);
        origin.mechanism = CK_UNAVAILABLE_INFORMATION; /* CKA_KEY_GEN_MECHANISM is for generated keys */
        if (ok && crypto_key_bits(key) < CHILD_MIN * 8)
                ok = err_set(&call->err, ERR_KEY_SIZE, "a derived key has at least %d bytes", CHILD_MIN);
        ok = ok && vault_object_make(call, &t, key, &origin, NULL, 0, &o) &&
             (use.object->object_class != CKO_SECRET_KEY ||
              vault_use_remember(call, use.object, VAULT_HISTORY_DATA)) &&
             vault_object_reply(call, o);
        vault_object_unref(&o);
        crypto_key_unref(&key);
        vault_use_end(&use);
        return ok;
}
