#include "vault/policy.h"
#include "ck/encoding.h"

static bool unseen(struct vault_call *call, const Chsm__ObjectRef *ref, enum err_id absent)
{
        if (ref && ref->handle)
                return err_set(&call->err, absent, "there is no object with handle %llu for this user",
                               (unsigned long long)ref->handle);
        return err_set(&call->err, absent, "the request names no object of this application");
}

bool vault_policy_sees(const struct vault_object *o, const struct vault_login *login)
{
        switch (login->role) {
        case VAULT_CO:
                return o->handle != 0; /* attributes and trust only, see the rows of the commands */
        case VAULT_CU:
                return o->owner == login->user_id || !(o->flags & VAULT_PRIVATE) ||
                       o->object_class == CKO_PUBLIC_KEY || vault_object_is_shared_with(o, login->user_id);
        default:
                return !(o->flags & VAULT_PRIVATE);
        }
}

struct vault_object *vault_object_of(struct vault_call *call, const Chsm__ObjectRef *ref, enum err_id absent)
{
        struct vault_object *o = NULL;

        if (ref && ref->handle && ref->handle <= UINT32_MAX) {
                o = vault_objects_find(call->vault, (uint32_t)ref->handle);
        } else if (ref && ref->sealed.len) {
                o = vault_session_object_open(call, slice_of(ref->sealed.data, ref->sealed.len));
                if (!o && call->err.id != ERR_HANDLE)
                        return NULL;
        }
        if (o && vault_policy_sees(o, &call->login))
                return o;
        vault_object_unref(&o);
        call->err = ERR_INIT;
        unseen(call, ref, absent);
        return NULL;
}

bool vault_policy_owns(struct vault_call *call, const struct vault_object *o, const char *what)
{
        return o->owner == call->login.user_id ||
               err_set(&call->err, ERR_ACTION_PROHIBITED, "only the owner of key %u can %s it", o->handle,
                       what);
}

/* Usage attribute of each operation. */
static const struct {
        uint32_t flag;
        const char *name;
} usage_rows[] = {
        [CRYPTO_ENCRYPT] = { VAULT_ENCRYPT, "CKA_ENCRYPT" },
        [CRYPTO_DECRYPT] = { VAULT_DECRYPT, "CKA_DECRYPT" },
        [CRYPTO_SIGN] = { VAULT_SIGN, "CKA_SIGN" },
        [CRYPTO_VERIFY] = { VAULT_VERIFY, "CKA_VERIFY" },
        [CRYPTO_SIGN_RECOVER] = { VAULT_SIGN_RECOVER, "CKA_SIGN_RECOVER" },
        [CRYPTO_VERIFY_RECOVER] = { VAULT_VERIFY_RECOVER, "CKA_VERIFY_RECOVER" },
        [CRYPTO_WRAP] = { VAULT_WRAP, "CKA_WRAP" },
        [CRYPTO_UNWRAP] = { VAULT_UNWRAP, "CKA_UNWRAP" },
        [CRYPTO_DERIVE] = { VAULT_DERIVE, "CKA_DERIVE" },
};

static bool ever_trusted(const struct vault_object *o)
{
        return (o->flags & VAULT_TRUSTED) || (o->history & VAULT_HISTORY_TRUSTED);
}

static bool mechanism_allowed(const struct vault_object *o, uint64_t mechanism)
{
        const struct vault_attribute *a =
            vault_attribute_find(o->attributes, o->attribute_count, CKA_ALLOWED_MECHANISMS);
        struct reader in = reader_of(a ? a->value : SLICE_EMPTY);

        if (!a)
                return true;
        while (in.rest.n >= 8) {
                if (reader_u64(&in) == mechanism)
                        return true;
        }
        return false;
}

bool vault_policy_approved_only(struct vault *v)
{
        return !vault_settings_now(v).value[VAULT_SET_NON_FIPS];
}

bool vault_policy_mechanism(struct vault_call *call, const struct crypto_mechanism *m)
{
        return crypto_mechanism_functions_under(m, vault_policy_approved_only(call->vault)) ||
               err_set(&call->err, ERR_MECHANISM,
                       "%s is not FIPS-approved, and this partition offers no other "
                       "(non_fips)",
                       crypto_mechanism_name(m));
}

bool vault_policy_param(struct vault_call *call, enum crypto_op op, const struct ck_mech_param *p)
{
        uint8_t any = 0;

        if (p->kind != CK_PARAM_GCM || (op != CRYPTO_ENCRYPT && op != CRYPTO_WRAP))
                return true;
        for (size_t i = 0; i < p->u.gcm.iv.n; i++)
                any |= p->u.gcm.iv.p[i];
        return !any || vault_settings_now(call->vault).value[VAULT_SET_CALLER_IV] ||
               err_set(&call->err, ERR_MECHANISM_PARAM,
                       "the HSM makes the IV in this partition (caller_iv); give 12 zero bytes");
}

static bool approved_fits(struct vault_call *call, enum crypto_op op, const struct crypto_mechanism *m)
{
        return !crypto_mechanism_non_fips(m, op) || !vault_policy_approved_only(call->vault) ||
               err_set(&call->err, ERR_MECHANISM,
                       "%s is not FIPS-approved for this, and this partition offers no other (non_fips)",
                       crypto_mechanism_name(m));
}

bool vault_policy_use(struct vault_call *call, const struct vault_object *o, enum crypto_op op,
                      const struct crypto_mechanism *m)
{
        if (!approved_fits(call, op, m))
                return false;
        if (!(o->flags & usage_rows[op].flag))
                return err_set(&call->err, ERR_KEY_FUNCTION, "the key has %s=FALSE", usage_rows[op].name);
        if (!vault_policy_date(call, o, op))
                return false;
        if (!mechanism_allowed(o, crypto_mechanism_number(m)))
                return err_set(&call->err, ERR_MECHANISM, "%s is not in the key's CKA_ALLOWED_MECHANISMS",
                               crypto_mechanism_name(m));
        if (!ever_trusted(o))
                return true;
        if (op != CRYPTO_WRAP && op != CRYPTO_UNWRAP)
                return err_set(&call->err, ERR_KEY_FUNCTION,
                               "the key is or was trusted, and such a key only wraps and unwraps");
        if (!crypto_mechanism_authenticated(m))
                return err_set(&call->err, ERR_MECHANISM,
                               "a trusted key wraps and unwraps with AES key wrap or GCM, not %s",
                               crypto_mechanism_name(m));
        return true;
}

bool vault_policy_honoured(const struct vault_object *o, struct err *err)
{
        static const struct {
                uint32_t bit;
                const char *words;
        } spoils[] = {
                { VAULT_HISTORY_IMPORTED, "was not generated in the HSM" },
                { VAULT_HISTORY_LEFT, "has left the HSM" },
                { VAULT_HISTORY_EXTRACTABLE, "was extractable" },
                { VAULT_HISTORY_DATA, "was used for data" },
        };

        for (size_t i = 0; i < sizeof(spoils) / sizeof(spoils[0]); i++) {
                if (o->history & spoils[i].bit)
                        return err_set(err, ERR_WRAPPING_KEY,
                                       "the trusted key %s, so it opens nothing protected", spoils[i].words);
        }
        return true;
}

bool vault_policy_wrap(struct vault_call *call, const struct vault_object *wrapping,
                       const struct vault_object *target, const struct crypto_mechanism *m)
{
        if (target->owner != call->login.user_id)
                return err_set(&call->err, ERR_KEY_NOT_WRAPPABLE, "only the owner of a key can wrap it");
        if (!(target->flags & VAULT_EXTRACTABLE))
                return err_set(&call->err, ERR_KEY_UNEXTRACTABLE, "the key has CKA_EXTRACTABLE=FALSE");
        if ((wrapping->handle && wrapping->handle == target->handle) ||
            slice_equal(buf_slice(&wrapping->sealed), buf_slice(&target->sealed)))
                return err_set(&call->err, ERR_KEY_NOT_WRAPPABLE, "a key cannot wrap itself");
        if (!(target->flags & VAULT_WRAP_WITH_TRUSTED) && !ever_trusted(target))
                return true;
        if (!(wrapping->flags & VAULT_TRUSTED))
                return err_set(&call->err, ERR_KEY_NOT_WRAPPABLE,
                               "the key has CKA_WRAP_WITH_TRUSTED=TRUE and the wrapping key is not trusted");
        if (!crypto_mechanism_authenticated(m))
                return err_set(&call->err, ERR_MECHANISM, "%s does not protect what it wraps against changes",
                               crypto_mechanism_name(m));
        return vault_policy_honoured(wrapping, &call->err);
}

bool vault_policy_usage(struct vault_call *call, const struct vault_template *t, uint64_t object_class)
{
        static const uint64_t not_public[] = { CKA_DECRYPT, CKA_SIGN, CKA_SIGN_RECOVER, CKA_UNWRAP },
                              not_private[] = { CKA_ENCRYPT, CKA_VERIFY, CKA_VERIFY_RECOVER, CKA_WRAP };
        const uint64_t *never = object_class == CKO_PUBLIC_KEY ? not_public : not_private;
        size_t n = object_class == CKO_PUBLIC_KEY || object_class == CKO_PRIVATE_KEY ? 4 : 0;

        for (size_t i = 0; i < n; i++) {
                if (vault_template_bool(t, never[i], false))
                        return err_set(&call->err, ERR_TEMPLATE_INCONSISTENT, "a %s key cannot have %s=TRUE",
                                       object_class == CKO_PUBLIC_KEY ? "public" : "private",
                                       ck_attribute_find(never[i])->name);
        }
        return true;
}

bool vault_policy_template(struct vault_call *call, const struct vault_template *t, uint64_t object_class)
{
        bool hidden = object_class == CKO_PRIVATE_KEY || object_class == CKO_SECRET_KEY;
        bool token = vault_template_bool(t, CKA_TOKEN, false);

        if (vault_template_bool(t, CKA_TRUSTED, false))
                return err_set(&call->err, ERR_ATTRIBUTE_READ_ONLY,
                               "only a crypto officer makes a key trusted, after it was made");
        if (!vault_policy_usage(call, t, object_class))
                return false;
        if (!hidden)
                return true;
        if (!vault_template_bool(t, CKA_PRIVATE, true))
                return err_set(&call->err, ERR_TEMPLATE_INCONSISTENT,
                               "a private or secret key cannot have CKA_PRIVATE=FALSE");
        if (vault_template_bool(t, CKA_SENSITIVE, true))
                return true;
        if (token)
                return err_set(&call->err, ERR_TEMPLATE_INCONSISTENT,
                               "a private or secret token key cannot have CKA_SENSITIVE=FALSE; "
                               "leave the attribute out, or make a session key");
        return vault_settings_now(call->vault).value[VAULT_SET_NONSENSITIVE_SESSION] ||
               err_set(&call->err, ERR_TEMPLATE_INCONSISTENT,
                       "CKA_SENSITIVE=FALSE is off in this partition (allow_nonsensitive_session)");
}

static bool officer_change(struct vault_call *call, const struct vault_object *o, uint64_t type)
{
        if (type != CKA_TRUSTED)
                return err_set(&call->err, ERR_ATTRIBUTE_READ_ONLY,
                               "a crypto officer changes CKA_TRUSTED only; the rest is the owner's");
        if (!o->handle || (o->object_class != CKO_SECRET_KEY && o->object_class != CKO_PUBLIC_KEY))
                return err_set(&call->err, ERR_ATTRIBUTE_TYPE,
                               "only secret and public token keys can be trusted");
        return true;
}

/* Changes of a trusted key that could open what it has wrapped. */
static bool trusted_change(struct vault_call *call, const struct vault_object *o,
                           const struct ck_attribute_row *row)
{
        bool harmless = row->type == CKA_LABEL || row->type == CKA_ID || row->type == CKA_DESTROYABLE;

        return harmless || !ever_trusted(o) ||
               err_set(&call->err, ERR_ATTRIBUTE_READ_ONLY,
                       "the key is or was trusted; its %s stays as it is", row->name);
}

static bool read_only(struct vault_call *call, const struct ck_attribute_row *row, const char *why)
{
        return err_set(&call->err, ERR_ATTRIBUTE_READ_ONLY, "%s %s", row->name, why);
}

/* Does every entry of `part` stand in `whole`? Both are lists of mechanisms, or both are templates. */
static bool entries_within(enum ck_value kind, struct slice part, struct slice whole)
{
        struct reader in = reader_of(part), all;
        struct slice value = SLICE_EMPTY, other = SLICE_EMPTY;
        uint64_t type = 0, has = 0;
        bool found = true;

        while (found && (kind == CK_VALUE_TEMPLATE ? ck_template_next(&in, &type, &value) : in.rest.n >= 8)) {
                if (kind != CK_VALUE_TEMPLATE)
                        type = reader_u64(&in);
                all = reader_of(whole);
                found = false;
                while (!found &&
                       (kind == CK_VALUE_TEMPLATE ? ck_template_next(&all, &has, &other) : all.rest.n >= 8)) {
                        if (kind != CK_VALUE_TEMPLATE)
                                has = reader_u64(&all);
                        found = has == type && slice_equal(value, other);
                }
        }
        return found;
}

/* Nothing is known of what a session key has done. */
static bool unused(const struct vault_object *o)
{
        return o->handle && !(o->history & (VAULT_HISTORY_DATA | VAULT_HISTORY_WRAPPED));
}

/* May the value become another one, by this rule of its row? */
static bool rule_permits(struct vault_call *call, const struct vault_object *o,
                         const struct ck_attribute_row *row, enum ck_change rule, struct slice value)
{
        struct slice is = vault_object_attribute(o, row->type);
        bool was = false, wanted = false;

        (void)ck_value_bool(is, &was);
        (void)ck_value_bool(value, &wanted);
        switch (rule) {
        case CK_CHANGE_OWNER:
                return true;
        case CK_CHANGE_OWNER_SET:
                return (!was && wanted) || read_only(call, row, "can only become TRUE");
        case CK_CHANGE_OWNER_CLEAR:
                return (was && !wanted) || read_only(call, row, "can only become FALSE");
        case CK_CHANGE_OWNER_UNUSED:
                return unused(o) || read_only(call, row, "of a key that may have been used does not change");
        case CK_CHANGE_OWNER_LESS:
                return !is.p || entries_within(row->value, value, is) ||
                       read_only(call, row, "can only lose entries");
        case CK_CHANGE_OWNER_MORE:
                return entries_within(row->value, is, value) || read_only(call, row, "can only gain entries");
        case CK_CHANGE_OFFICER:
                return read_only(call, row, "is changed by a crypto officer only");
        default:
                return read_only(call, row, "does not change");
        }
}

bool vault_policy_change(struct vault_call *call, const struct vault_object *o, uint64_t type,
                         struct slice value)
{
        const struct ck_attribute_row *row = ck_attribute_find(type);
        enum ck_change rule = ck_attribute_change(row, o->object_class);

        if (!(row->classes & ck_attribute_class_bit(o->object_class)))
                return err_set(&call->err, ERR_ATTRIBUTE_TYPE, "such an object has no %s", row->name);
        if (call->login.role == VAULT_CO)
                return officer_change(call, o, type);
        if (slice_equal(vault_object_attribute(o, type), value) && rule != CK_CHANGE_NO &&
            rule != CK_CHANGE_OFFICER)
                return true;
        return rule_permits(call, o, row, rule, value) && trusted_change(call, o, row);
}

/* What may be said of the copy of an object that is not modifiable: where it is and what it is called. */
static bool names_it(uint64_t type)
{
        return type == CKA_TOKEN || type == CKA_LABEL || type == CKA_ID;
}

static bool copy_differs(struct vault_call *call, const struct vault_object *o, uint64_t type,
                         struct slice value)
{
        const struct ck_attribute_row *row = ck_attribute_find(type);
        enum ck_change rule = ck_attribute_copy(row, o->object_class);

        if (!(row->classes & ck_attribute_class_bit(o->object_class)))
                return err_set(&call->err, ERR_TEMPLATE_INCONSISTENT, "such an object has no %s", row->name);
        if (slice_equal(vault_object_attribute(o, type), value))
                return true;
        if (!(o->flags & VAULT_MODIFIABLE) && rule == CK_CHANGE_OWNER && !names_it(type))
                return err_set(&call->err, ERR_ACTION_PROHIBITED,
                               "the object has CKA_MODIFIABLE=FALSE, so its copy keeps %s", row->name);
        return rule_permits(call, o, row, rule, value);
}

/* A copy may be stricter than its original, never looser. */
bool vault_policy_copy(struct vault_call *call, const struct vault_object *o, const struct vault_template *t)
{
        if (!(o->flags & VAULT_COPYABLE))
                return err_set(&call->err, ERR_ACTION_PROHIBITED, "the object has CKA_COPYABLE=FALSE");
        if (ever_trusted(o))
                return err_set(&call->err, ERR_ACTION_PROHIBITED,
                               "a key that is or was trusted is not copied");
        for (size_t i = 0; i < t->n; i++) {
                if (!copy_differs(call, o, t->items[i].type, t->items[i].value))
                        return false;
        }
        return true;
}
