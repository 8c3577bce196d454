/* What a new object is when its template is silent: defaults by row, class and key type, and what the HSM
 * knows itself. spec/semantics.md 10, spec/interfaces.md 1.6. */
#include "vault/object_rules.h"
#include "vault/policy.h"
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
        { CKO_PUBLIC_KEY, CKK_ML_KEM, VAULT_ENCAPSULATE },
        { CKO_PRIVATE_KEY, CKK_ML_KEM, VAULT_DECAPSULATE },
        { CKO_PUBLIC_KEY, CKK_ML_DSA, VAULT_VERIFY },
        { CKO_PRIVATE_KEY, CKK_ML_DSA, VAULT_SIGN },
        { CKO_PUBLIC_KEY, CKK_SLH_DSA, VAULT_VERIFY },
        { CKO_PRIVATE_KEY, CKK_SLH_DSA, VAULT_SIGN },
        { CKO_SECRET_KEY, CKK_AES, VAULT_ENCRYPT | VAULT_DECRYPT | VAULT_WRAP | VAULT_UNWRAP },
        { CKO_SECRET_KEY, CKK_DES, VAULT_ENCRYPT | VAULT_DECRYPT },
        { CKO_SECRET_KEY, CKK_DES2, VAULT_ENCRYPT | VAULT_DECRYPT },
        { CKO_SECRET_KEY, CKK_DES3, VAULT_ENCRYPT | VAULT_DECRYPT },
        { CKO_SECRET_KEY, CKK_AES_XTS, VAULT_ENCRYPT | VAULT_DECRYPT },
        { CKO_SECRET_KEY, CKK_CHACHA20, VAULT_ENCRYPT | VAULT_DECRYPT },
        { CKO_SECRET_KEY, CKK_HKDF, VAULT_DERIVE },
        { CKO_SECRET_KEY, CKK_GENERIC_SECRET, VAULT_SIGN | VAULT_VERIFY | VAULT_DERIVE },
};

static const uint64_t usages[] = { CKA_ENCRYPT, CKA_DECRYPT,        CKA_SIGN,       CKA_SIGN_RECOVER,
                                   CKA_VERIFY,  CKA_VERIFY_RECOVER, CKA_WRAP,       CKA_UNWRAP,
                                   CKA_DERIVE,  CKA_ENCAPSULATE,    CKA_DECAPSULATE };

/* Keys whose agreement everybody expects: they may derive unless the template says no. */
static bool agrees(uint64_t object_class, uint64_t key_type)
{
        return object_class == CKO_PRIVATE_KEY && (key_type == CKK_EC || key_type == CKK_EC_MONTGOMERY);
}

/* Flags that a silent template gets. One that names a usage, allowed or not, knows what it wants; but OpenSC
 * says CKA_DERIVE of every public key. */
static uint32_t sensible(const struct vault_template *t, uint64_t object_class, uint64_t key_type)
{
        uint32_t derive = agrees(object_class, key_type) ? VAULT_DERIVE : 0;

        for (size_t i = 0; i < sizeof(usages) / sizeof(usages[0]); i++) {
                if (vault_template_has(t, usages[i]) &&
                    (usages[i] != CKA_DERIVE || object_class != CKO_PUBLIC_KEY))
                        return derive;
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
        if (row->type == CKA_VALUE && object_class == CKO_DATA)
                return vault_template_set(call, t, CKA_VALUE, SLICE_EMPTY);
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
        case CK_DEFAULT_CONFIG: /* as documented, extractable and wrapped by any key; else born protected */
                return vault_template_set_bool(
                    call, t, row->type,
                    vault_settings_now(call->vault).value[VAULT_SET_BORN_PROTECTED] !=
                        (row->type == CKA_EXTRACTABLE));
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
        uint32_t bit = ck_attribute_class_bit(object_class),
                 usage = vault_policy_default_usage(call, t, sensible(t, object_class, key_type));
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
                if ((row->classes & bit) && ck_attribute_needed(row, bit, mode) &&
                    !vault_template_has(t, row->type))
                        return err_set(&call->err, ERR_TEMPLATE_INCOMPLETE, "the template lacks %s",
                                       row->name);
        }
        return true;
}

/* What the caller said of a key that the key itself says too. */
static bool claim_holds(struct vault_call *call, uint64_t type, struct slice given, struct slice has)
{
        if (!given.n || (type != CKA_CHECK_VALUE && type != CKA_PUBLIC_KEY_INFO) || slice_equal(given, has))
                return true;
        return err_set(&call->err, ERR_ATTRIBUTE_VALUE,
                       has.n ? "%s is not that of this key" : "%s was given, and such a key has none",
                       ck_attribute_find(type)->name);
}

/* Takes a component of the key into the template; what the caller said of it must be true. */
static bool from_key(struct vault_call *call, struct vault_template *t, struct crypto_key *key, uint64_t type)
{
        struct buf value = BUF_INIT;
        bool has = crypto_key_component(key, type, &value, NULL);
        struct slice copy = has ? arena_copy(call->arena, buf_slice(&value)) : SLICE_EMPTY;
        bool ok =
            !has || (buf_ok(&value) && copy.p) || err_set(&call->err, ERR_MEMORY, "no memory for an object");

        buf_clear(&value);
        ok = ok && claim_holds(call, type, vault_template_get(t, type), copy);
        if (has)
                return ok && vault_template_set(call, t, type, copy);
        if (ok && vault_template_get(t, type).n)
                ok = err_set(&call->err, ERR_TEMPLATE_INCONSISTENT, "such a key has no %s",
                             ck_attribute_find(type)->name);
        vault_template_remove(t, type);
        return ok;
}

bool vault_rules_components(struct vault_call *call, struct vault_template *t, uint64_t object_class,
                            struct crypto_key *key)
{
        uint32_t bit = ck_attribute_class_bit(object_class);
        static const uint64_t open[] = { CKA_MODULUS,     CKA_MODULUS_BITS, CKA_PUBLIC_EXPONENT,
                                         CKA_EC_PARAMS,   CKA_EC_POINT,     CKA_PUBLIC_KEY_INFO,
                                         CKA_CHECK_VALUE, CKA_VALUE_LEN,    CKA_PARAMETER_SET };

        /* An empty one asks for an object without it. */
        bool unchecked = vault_template_has(t, CKA_CHECK_VALUE) && !vault_template_get(t, CKA_CHECK_VALUE).n;

        for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
                if ((ck_attribute_find(open[i])->classes & bit) && !from_key(call, t, key, open[i]))
                        return false;
        }
        /* The value of a public key is open; only those of a parameter set have one. */
        if (object_class == CKO_PUBLIC_KEY && !from_key(call, t, key, CKA_VALUE))
                return false;
        if (vault_template_has(t, CKA_CHECK_VALUE) &&
            !vault_template_set(call, t, CKA_CLOUDHSM_KCV, vault_template_get(t, CKA_CHECK_VALUE)))
                return false;
        if (unchecked)
                vault_template_remove(t, CKA_CHECK_VALUE);
        return vault_template_set_number(call, t, CKA_KEY_TYPE, crypto_key_type(key));
}

bool vault_rules_unique(struct vault_call *call, struct vault_template *t)
{
        uint8_t unique[16];
        struct buf text = BUF_INIT;
        struct slice id;

        if (!crypto_random(call->vault->deps.crypto, unique, sizeof(unique), &call->err))
                return false;
        buf_put_hex(&text, slice_of(unique, sizeof(unique)));
        id = arena_copy(call->arena, buf_slice(&text));
        buf_clear(&text);
        return (id.p && vault_template_set(call, t, CKA_UNIQUE_ID, id)) ||
               err_set(&call->err, ERR_MEMORY, "no memory for an object");
}

bool vault_rules_computed(struct vault_call *call, struct vault_template *t, uint64_t object_class,
                          const struct vault_origin *origin)
{
        bool hidden = object_class == CKO_PRIVATE_KEY || object_class == CKO_SECRET_KEY;
        bool key = hidden || object_class == CKO_PUBLIC_KEY;
        bool sensitive = vault_template_bool(t, CKA_SENSITIVE, false);
        bool extractable = vault_template_bool(t, CKA_EXTRACTABLE, false);
        bool ok = vault_rules_unique(call, t) && vault_template_set_number(call, t, CKA_CLASS, object_class);

        if (ok && key)
                ok = vault_template_set_bool(call, t, CKA_LOCAL, origin->local) &&
                     vault_template_set_number(call, t, CKA_KEY_GEN_MECHANISM, origin->mechanism);
        if (ok && hidden)
                ok = vault_template_set_bool(call, t, CKA_ALWAYS_SENSITIVE,
                                             origin->always_sensitive && sensitive) &&
                     vault_template_set_bool(call, t, CKA_NEVER_EXTRACTABLE,
                                             origin->never_extractable && !extractable);
        return ok;
}

/* RSA: a right to sign is a right to sign with recovery, so the two change together. */
static bool recovery_goes_along(struct vault_call *call, struct vault_template *t,
                                const struct vault_template *changes, uint64_t type, uint64_t recover)
{
        bool both = vault_template_has(changes, type) == vault_template_has(changes, recover);
        uint64_t from = vault_template_has(changes, type) ? type : recover;
        uint64_t to = from == type ? recover : type;

        if (both)
                return vault_template_bool(t, type, false) == vault_template_bool(t, recover, false) ||
                       err_set(&call->err, ERR_TEMPLATE_INCONSISTENT,
                               "%s of an RSA key is the same as its %s", ck_attribute_find(recover)->name,
                               ck_attribute_find(type)->name);
        return vault_template_set_bool(call, t, to, vault_template_bool(t, from, false));
}

bool vault_rules_agree(struct vault_call *call, struct vault_template *t,
                       const struct vault_template *changes, uint64_t object_class, uint64_t key_type)
{
        struct slice from = vault_template_get(t, CKA_START_DATE),
                     until = vault_template_get(t, CKA_END_DATE);

        if (from.n && until.n && memcmp(from.p, until.p, 8) > 0)
                return err_set(&call->err, ERR_TEMPLATE_INCONSISTENT,
                               "CKA_START_DATE %.8s is after CKA_END_DATE %.8s", (const char *)from.p,
                               (const char *)until.p);
        if (object_class == CKO_PUBLIC_KEY && !vault_template_set_bool(call, t, CKA_DERIVE, false))
                return false;
        if (changes && key_type == CKK_RSA && object_class == CKO_PRIVATE_KEY)
                return recovery_goes_along(call, t, changes, CKA_SIGN, CKA_SIGN_RECOVER);
        if (changes && key_type == CKK_RSA && object_class == CKO_PUBLIC_KEY)
                return recovery_goes_along(call, t, changes, CKA_VERIFY, CKA_VERIFY_RECOVER);
        return true;
}
