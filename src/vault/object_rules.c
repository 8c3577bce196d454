/* What a new object is when its template is silent: defaults by row, class and key type, and what the HSM
 * knows itself. spec/semantics.md 10, spec/interfaces.md 1.6. */
#include "vault/object_rules.h"
#include "ck/encoding.h"

/* The sensible usage of each kind of key, for templates that name none. */
static const struct {
        uint64_t object_class, key_type;
        uint32_t flags;
} usage_rows[] = {
        { CKO_PUBLIC_KEY, CKK_RSA, VAULT_ENCRYPT | VAULT_VERIFY | VAULT_VERIFY_RECOVER | VAULT_WRAP },
        { CKO_PRIVATE_KEY, CKK_RSA, VAULT_DECRYPT | VAULT_SIGN | VAULT_SIGN_RECOVER | VAULT_UNWRAP },
        { CKO_PUBLIC_KEY, CKK_EC, VAULT_VERIFY },
        { CKO_PRIVATE_KEY, CKK_EC, VAULT_SIGN | VAULT_DERIVE },
        { CKO_PUBLIC_KEY, CKK_EC_EDWARDS, VAULT_VERIFY },
        { CKO_PRIVATE_KEY, CKK_EC_EDWARDS, VAULT_SIGN },
        { CKO_PRIVATE_KEY, CKK_EC_MONTGOMERY, VAULT_DERIVE },
        { CKO_SECRET_KEY, CKK_AES, VAULT_ENCRYPT | VAULT_DECRYPT | VAULT_WRAP | VAULT_UNWRAP },
        { CKO_SECRET_KEY, CKK_GENERIC_SECRET, VAULT_SIGN | VAULT_VERIFY | VAULT_DERIVE },
        { CKO_SECRET_KEY, CKK_DES, VAULT_ENCRYPT | VAULT_DECRYPT },
        { CKO_SECRET_KEY, CKK_DES2, VAULT_ENCRYPT | VAULT_DECRYPT },
        { CKO_SECRET_KEY, CKK_DES3, VAULT_ENCRYPT | VAULT_DECRYPT },
        { CKO_SECRET_KEY, CKK_AES_XTS, VAULT_ENCRYPT | VAULT_DECRYPT },
        { CKO_SECRET_KEY, CKK_CHACHA20, VAULT_ENCRYPT | VAULT_DECRYPT },
        { CKO_SECRET_KEY, CKK_HKDF, VAULT_DERIVE },
};

static const uint64_t usages[] = { CKA_ENCRYPT,        CKA_DECRYPT, CKA_SIGN,   CKA_SIGN_RECOVER, CKA_VERIFY,
                                   CKA_VERIFY_RECOVER, CKA_WRAP,    CKA_UNWRAP, CKA_DERIVE };

static uint32_t sensible(const struct vault_template *t, uint64_t object_class, uint64_t key_type)
{
        for (size_t i = 0; i < sizeof(usages) / sizeof(usages[0]); i++) {
                if (vault_template_bool(t, usages[i], false))
                        return 0; /* the caller knows what he wants */
        }
        for (size_t i = 0; i < sizeof(usage_rows) / sizeof(usage_rows[0]); i++) {
                if (usage_rows[i].object_class == object_class && usage_rows[i].key_type == key_type)
                        return usage_rows[i].flags;
        }
        return object_class == CKO_SECRET_KEY ? VAULT_SIGN | VAULT_VERIFY : 0; /* HMAC key types */
}

static bool class_default(uint64_t type, uint64_t object_class, uint32_t usage)
{
        bool hidden = object_class == CKO_PRIVATE_KEY || object_class == CKO_SECRET_KEY;

        if (type == CKA_PRIVATE || type == CKA_SENSITIVE)
                return hidden;
        return usage & vault_flag_of(type);
}

static bool set_default(struct vault_call *call, struct vault_template *t, const struct ck_attribute_row *row,
                        uint64_t object_class, uint32_t usage)
{
        switch (row->fallback) {
        case CK_DEFAULT_FALSE:
                return vault_template_set_bool(call, t, row->type, false);
        case CK_DEFAULT_TRUE:
                return vault_template_set_bool(call, t, row->type, true);
        case CK_DEFAULT_EMPTY:
                return vault_template_set(call, t, row->type, SLICE_EMPTY);
        case CK_DEFAULT_ZERO:
                return vault_template_set_number(call, t, row->type, 0);
        case CK_DEFAULT_CLASS:
                return vault_template_set_bool(call, t, row->type,
                                               class_default(row->type, object_class, usage));
        case CK_DEFAULT_CONFIG: /* extractable as documented; trusted wrapping is asked for by the interfaces
                                 */
                return vault_template_set_bool(call, t, row->type, row->type == CKA_EXTRACTABLE);
        default:
                return true;
        }
}

/* Recovery goes with signing: it follows CKA_SIGN or CKA_VERIFY when absent and says the same when given. */
static bool recovery_follows(struct vault_call *call, struct vault_template *t, uint64_t object_class,
                             uint32_t usage)
{
        bool private_key = object_class == CKO_PRIVATE_KEY;
        uint64_t type = private_key ? CKA_SIGN : CKA_VERIFY,
                 recover = private_key ? CKA_SIGN_RECOVER : CKA_VERIFY_RECOVER;
        bool set = vault_template_bool(t, type, usage & vault_flag_of(type));

        if (vault_template_bool(t, recover, set) != set)
                return err_set(&call->err, ERR_TEMPLATE_INCONSISTENT,
                               "%s of an RSA key is the same as its %s; leave it out",
                               ck_attribute_find(recover)->name, ck_attribute_find(type)->name);
        return vault_template_set_bool(call, t, recover, set);
}

bool vault_rules_defaults(struct vault_call *call, struct vault_template *t, uint64_t object_class,
                          uint64_t key_type)
{
        uint32_t bit = ck_attribute_class_bit(object_class), usage = sensible(t, object_class, key_type);
        const struct ck_attribute_row *row;

        /* OpenSC asks for it on every EC public key; such a key derives nothing, and reads so. */
        if (object_class == CKO_PUBLIC_KEY && !vault_template_set_bool(call, t, CKA_DERIVE, false))
                return false;
        if (key_type == CKK_RSA && !recovery_follows(call, t, object_class, usage))
                return false;
        for (size_t i = 0; i < t->n; i++) {
                row = ck_attribute_find(t->items[i].type);
                if (!(row->classes & bit))
                        return err_set(&call->err, ERR_TEMPLATE_INCONSISTENT, "such an object has no %s",
                                       row->name);
        }
        for (size_t i = 0; (row = ck_attribute_at(i)); i++) {
                if ((row->classes & bit) && !vault_template_has(t, row->type) &&
                    !set_default(call, t, row, object_class, usage))
                        return false;
        }
        return true;
}

bool vault_rules_required(struct vault_call *call, const struct vault_template *t, uint64_t object_class,
                          uint32_t mode)
{
        uint32_t bit = ck_attribute_class_bit(object_class);
        const struct ck_attribute_row *row;

        for (size_t i = 0; (row = ck_attribute_at(i)); i++) {
                if ((row->classes & bit) && (row->must & mode) && !vault_template_has(t, row->type))
                        return err_set(&call->err, ERR_TEMPLATE_INCOMPLETE, "the template lacks %s",
                                       row->name);
        }
        return true;
}

/* Takes a component of the key into the template; what the caller said of it must be true. */
static bool from_key(struct vault_call *call, struct vault_template *t, struct crypto_key *key, uint64_t type)
{
        struct buf value = BUF_INIT;
        struct slice given = vault_template_get(t, type), copy;
        bool ok = true;

        if (!crypto_key_component(key, type, &value, NULL)) {
                buf_clear(&value);
                return true; /* such a key has none */
        }
        copy = arena_copy(call->arena, buf_slice(&value));
        if (!buf_ok(&value) || !copy.p)
                ok = err_set(&call->err, ERR_MEMORY, "no memory for an object");
        else if (given.n && type == CKA_CHECK_VALUE && !slice_equal(given, copy))
                ok = err_set(&call->err, ERR_ATTRIBUTE_VALUE, "CKA_CHECK_VALUE is not that of this key");
        else
                ok = vault_template_set(call, t, type, copy);
        buf_clear(&value);
        return ok;
}

bool vault_rules_components(struct vault_call *call, struct vault_template *t, uint64_t object_class,
                            struct crypto_key *key)
{
        uint32_t bit = ck_attribute_class_bit(object_class);
        static const uint64_t open[] = { CKA_MODULUS,     CKA_MODULUS_BITS, CKA_PUBLIC_EXPONENT,
                                         CKA_EC_PARAMS,   CKA_EC_POINT,     CKA_PUBLIC_KEY_INFO,
                                         CKA_CHECK_VALUE, CKA_VALUE_LEN };

        for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
                if ((ck_attribute_find(open[i])->classes & bit) && !from_key(call, t, key, open[i]))
                        return false;
        }
        if (vault_template_has(t, CKA_CHECK_VALUE) &&
            !vault_template_set(call, t, CKA_CLOUDHSM_KCV, vault_template_get(t, CKA_CHECK_VALUE)))
                return false;
        return vault_template_set_number(call, t, CKA_KEY_TYPE, crypto_key_type(key));
}

bool vault_rules_computed(struct vault_call *call, struct vault_template *t, uint64_t object_class,
                          const struct vault_origin *origin)
{
        bool hidden = object_class == CKO_PRIVATE_KEY || object_class == CKO_SECRET_KEY;
        bool key = hidden || object_class == CKO_PUBLIC_KEY;
        bool sensitive = vault_template_bool(t, CKA_SENSITIVE, false);
        bool extractable = vault_template_bool(t, CKA_EXTRACTABLE, false);
        uint8_t unique[16];
        struct buf text = BUF_INIT;
        struct slice id;
        bool ok;

        if (!crypto_random(call->vault->deps.crypto, unique, sizeof(unique), &call->err))
                return false;
        buf_put_hex(&text, slice_of(unique, sizeof(unique)));
        id = arena_copy(call->arena, buf_slice(&text));
        buf_clear(&text);
        ok = id.p && vault_template_set(call, t, CKA_UNIQUE_ID, id) &&
             vault_template_set_number(call, t, CKA_CLASS, object_class);
        if (ok && key)
                ok = vault_template_set_bool(call, t, CKA_LOCAL, origin->local) &&
                     vault_template_set_number(call, t, CKA_KEY_GEN_MECHANISM, origin->mechanism);
        if (ok && hidden)
                ok = vault_template_set_bool(call, t, CKA_ALWAYS_SENSITIVE,
                                             origin->always_sensitive && sensitive) &&
                     vault_template_set_bool(call, t, CKA_NEVER_EXTRACTABLE,
                                             origin->never_extractable && !extractable);
        return ok || err_set(&call->err, ERR_MEMORY, "no memory for an object");
}
