#include "vault/policy.h"
#include "ck/encoding.h"
#include "vault/lives.h"
#include "vault/policy_model.h"
#include "vault/policy_words.h"
#include "vault/version.h"

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
        return o->owner == call->login.user_id || vault_words_not_owner(call, o, ERR_ACTION_PROHIBITED, what);
}

static bool refuse(struct vault_call *call, enum vault_rule rule)
{
        const struct vault_rule_row *row = vault_rule_row(rule);

        return rule == VAULT_ALLOWED || err_set(&call->err, row->err, "%s", row->words);
}

struct vault_key_facts vault_policy_facts(const struct vault_object *o)
{
        return (struct vault_key_facts){ .object_class = o->object_class,
                                         .flags = o->flags,
                                         .quorum = o->quorum != 0,
                                         .history = o->history | vault_model_flag_marks(o->flags) };
}

static bool ever_trusted(const struct vault_object *o)
{
        struct vault_key_facts facts = vault_policy_facts(o);

        return vault_model_ever_trusted(&facts);
}

/* Name of the usage attribute of each operation. */
static const char *const usage_names[] = {
        [CRYPTO_ENCRYPT] = "CKA_ENCRYPT",
        [CRYPTO_DECRYPT] = "CKA_DECRYPT",
        [CRYPTO_SIGN] = "CKA_SIGN",
        [CRYPTO_VERIFY] = "CKA_VERIFY",
        [CRYPTO_SIGN_RECOVER] = "CKA_SIGN_RECOVER",
        [CRYPTO_VERIFY_RECOVER] = "CKA_VERIFY_RECOVER",
        [CRYPTO_WRAP] = "CKA_WRAP",
        [CRYPTO_UNWRAP] = "CKA_UNWRAP",
        [CRYPTO_DERIVE] = "CKA_DERIVE",
        [CRYPTO_ENCAPSULATE] = "CKA_ENCAPSULATE",
        [CRYPTO_DECAPSULATE] = "CKA_DECAPSULATE",
};

static bool mechanism_allowed(struct vault_call *call, const struct vault_object *o,
                              const struct crypto_mechanism *m)
{
        const struct vault_attribute *a =
            vault_attribute_find(o->attributes, o->attribute_count, CKA_ALLOWED_MECHANISMS);
        struct reader in = reader_of(a ? a->value : SLICE_EMPTY);

        if (!a)
                return true;
        while (in.rest.n >= 8) {
                if (reader_u64(&in) == crypto_mechanism_number(m))
                        return true;
        }
        return err_set(&call->err, ERR_MECHANISM, "%s is not in the key's CKA_ALLOWED_MECHANISMS",
                       crypto_mechanism_name(m));
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
                       "(non_fips=0, which nobody loosens; see getPolicy)",
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
                       "%s is not FIPS-approved for this, and this partition offers no other (non_fips=0, "
                       "which nobody loosens; see getPolicy)",
                       crypto_mechanism_name(m));
}

/* Whether a CBC padding is right is an oracle of what is inside; wrapped keys do not need it. Key rules E04.
 */
static bool padding_fits(struct vault_call *call, enum crypto_op op, const struct crypto_mechanism *m)
{
        uint64_t number = crypto_mechanism_number(m);
        bool pads = number == CKM_AES_CBC_PAD || number == CKM_DES3_CBC_PAD || number == CKM_DES_CBC_PAD;

        return op != CRYPTO_UNWRAP || !pads ||
               !vault_settings_now(call->vault).value[VAULT_SET_SEPARATE_ROLES] ||
               err_set(&call->err, ERR_MECHANISM,
                       "%s does not unwrap keys in this partition (separate_roles=1, which nobody loosens; "
                       "see getPolicy)",
                       crypto_mechanism_name(m));
}

bool vault_policy_use(struct vault_call *call, const struct vault_object *o, enum crypto_op op,
                      const struct crypto_mechanism *m)
{
        struct vault_settings settings = vault_settings_now(call->vault);
        struct vault_key_facts facts = vault_policy_facts(o);
        uint64_t number = crypto_mechanism_number(m);
        /* RSA-OAEP has no key of its own to authenticate with; what it encrypts cannot be changed either. */
        const struct vault_use_facts how = { .authenticated = crypto_mechanism_authenticated(m) ||
                                                              number == CKM_RSA_PKCS_OAEP ||
                                                              number == CKM_RSA_AES_KEY_WRAP,
                                             .raw_rsa = number == CKM_RSA_X_509 };
        enum vault_rule rule;

        if (!approved_fits(call, op, m) || !padding_fits(call, op, m))
                return false;
        rule = vault_model_use(&settings, &facts, op, &how);
        if (rule == VAULT_RULE_USAGE)
                return vault_words_usage(call, o, usage_names[op]);
        return vault_policy_date(call, o, op) && mechanism_allowed(call, o, m) &&
               (rule == VAULT_ALLOWED || vault_words_of(call, rule, o));
}

/* Bits of work to break a key, as SP 800-57 counts them. */
static uint32_t strength_of(const struct crypto_key *key)
{
        static const struct {
                uint32_t bits, strength;
        } rsa[] = { { 15360, 256 }, { 7680, 192 }, { 4096, 144 }, { 3072, 128 }, { 2048, 112 }, { 0, 80 } };
        uint32_t bits = crypto_key_bits(key);
        size_t i = 0;

        switch (crypto_key_type(key)) {
        case CKK_RSA:
                while (bits < rsa[i].bits)
                        i++;
                return rsa[i].strength;
        case CKK_EC:
        case CKK_EC_EDWARDS:
        case CKK_EC_MONTGOMERY:
                return bits / 2;
        case CKK_DES2:
                return 80;
        case CKK_DES3:
                return 112;
        default:
                return bits < 256 ? bits : 256;
        }
}

static bool weigh(struct vault_call *call, struct vault_object *o, struct vault_key_facts *facts)
{
        struct crypto_key *key = vault_object_key(call->vault, o, &call->err);

        *facts = vault_policy_facts(o);
        facts->strength = key ? strength_of(key) : 0;
        return key != NULL;
}

bool vault_policy_wrap(struct vault_call *call, struct vault_object *wrapping, struct vault_object *target)
{
        struct vault_settings settings = vault_settings_now(call->vault);
        struct vault_key_facts with, what;
        enum vault_rule rule;
        bool same = (wrapping->handle && wrapping->handle == target->handle) ||
                    slice_equal(buf_slice(&wrapping->sealed), buf_slice(&target->sealed));

        if (target->owner != call->login.user_id)
                return vault_words_not_owner(call, target, vault_rule_row(VAULT_RULE_WRAP_OWNER)->err,
                                             "wrap");
        if (target->quorum)
                return vault_words_of(call, VAULT_RULE_QUORUM_WRAP, target);
        if (!weigh(call, wrapping, &with) || !weigh(call, target, &what))
                return false;
        rule = vault_model_wrap(&settings, &with, &what, same);
        return rule == VAULT_ALLOWED || vault_words_wrap(call, rule, wrapping, &with, target, &what);
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

/* What the template says, and what its silence will mean to the rules of birth. */
static struct vault_key_facts facts_of_template(const struct vault_settings *s,
                                                const struct vault_template *t, uint64_t object_class)
{
        struct vault_key_facts facts = { .object_class = object_class,
                                         .flags = vault_flags_of(t->items, t->n) };

        if (!vault_template_has(t, CKA_SENSITIVE))
                facts.flags |= VAULT_SENSITIVE;
        if (!vault_template_has(t, CKA_WRAP_WITH_TRUSTED) && s->value[VAULT_SET_BORN_PROTECTED])
                facts.flags |= VAULT_WRAP_WITH_TRUSTED;
        return facts;
}

bool vault_policy_template(struct vault_call *call, const struct vault_template *t, uint64_t object_class)
{
        struct vault_settings settings = vault_settings_now(call->vault);
        struct vault_key_facts facts = facts_of_template(&settings, t, object_class);
        const struct vault_parent born = { .how = VAULT_GENERATED };
        bool hidden = object_class == CKO_PRIVATE_KEY || object_class == CKO_SECRET_KEY;

        if (vault_template_bool(t, CKA_TRUSTED, false))
                return refuse(call, VAULT_RULE_TRUST_IS_GIVEN);
        if (!vault_policy_usage(call, t, object_class))
                return false;
        if (hidden && !vault_template_bool(t, CKA_PRIVATE, true))
                return err_set(&call->err, ERR_TEMPLATE_INCONSISTENT,
                               "a private or secret key cannot have CKA_PRIVATE=FALSE");
        return refuse(call, vault_model_birth(&settings, &born, &facts));
}

/* A value that a generating mechanism makes of its parameter, a password, is given. */
static enum vault_birth birth_of(const struct vault_origin *origin)
{
        if (origin->how)
                return (enum vault_birth)origin->how;
        switch (origin->mode) {
        case CK_IN_CREATE:
                return VAULT_CREATED;
        case CK_IN_UNWRAP:
                return VAULT_UNWRAPPED;
        case CK_IN_DERIVE:
                return VAULT_DERIVED;
        default:
                return origin->history & VAULT_HISTORY_IMPORTED ? VAULT_CREATED : VAULT_GENERATED;
        }
}

static bool separate(const struct vault_settings *s)
{
        return s->value[VAULT_SET_SEPARATE_ROLES];
}

bool vault_policy_birth(struct vault_call *call, const struct vault_template *t, const struct crypto_key *key,
                        const struct vault_origin *origin, uint32_t *history)
{
        struct vault_settings settings = vault_settings_now(call->vault);
        const struct vault_parent parent = { .how = birth_of(origin), .key = origin->parent };
        struct vault_key_facts facts = { .flags = vault_flags_of(t->items, t->n),
                                         .history = origin->history };
        bool given = parent.how == VAULT_CREATED && (facts.flags & VAULT_TOKEN);
        bool again = key && separate(&settings) && (given || parent.how == VAULT_UNWRAPPED);
        struct vault_life life;

        *history = origin->history;
        if (!key)
                return true;
        if (again && !vault_life_of(call, key, &life))
                return false;
        facts.object_class = (uint64_t)crypto_key_class_of(key);
        facts.history |= again ? life.marks : 0;
        *history = facts.history | vault_model_birth_marks(&parent, facts.flags);
        return refuse(call, vault_model_birth(&settings, &parent, &facts)) &&
               (!again || vault_life_add(call, &life, vault_model_life_marks(*history)));
}

bool vault_policy_leaves(struct vault_call *call, const struct vault_object *o, const struct crypto_key *key)
{
        struct vault_settings settings = vault_settings_now(call->vault);
        struct vault_life life;

        return !separate(&settings) ||
               (vault_life_of(call, key, &life) &&
                vault_life_add(call, &life, vault_model_life_marks(vault_policy_facts(o).history)));
}

bool vault_policy_inherit(struct vault_call *call, const struct vault_parent *parent,
                          struct vault_template *t)
{
        static const uint64_t types[] = { CKA_SENSITIVE, CKA_EXTRACTABLE, CKA_WRAP_WITH_TRUSTED };
        uint32_t have = vault_model_must_have(parent), lack = vault_model_must_lack(parent);
        struct vault_settings settings = vault_settings_now(call->vault);
        struct vault_key_facts facts;

        for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
                uint32_t flag = vault_flag_of(types[i]);

                if (((have | lack) & flag) && !vault_template_has(t, types[i]) &&
                    !vault_template_set_bool(call, t, types[i], have & flag))
                        return false;
        }
        facts = facts_of_template(&settings, t, vault_template_number(t, CKA_CLASS, CKO_SECRET_KEY));
        return refuse(call, vault_model_birth(&settings, parent, &facts));
}

static bool officer_change(struct vault_call *call, const struct vault_object *o, uint64_t type)
{
        if (type != CKA_TRUSTED)
                return err_set(
                    &call->err, ERR_ATTRIBUTE_READ_ONLY,
                    "a crypto officer changes CKA_TRUSTED (134) only; the rest is for its owner, user %u",
                    o->owner);
        if (!o->handle || (o->object_class != CKO_SECRET_KEY && o->object_class != CKO_PUBLIC_KEY))
                return err_set(&call->err, ERR_ATTRIBUTE_TYPE,
                               "only secret and public token keys can be trusted");
        return true;
}

/* Flags with those that the template names. */
static uint32_t flags_with(uint32_t flags, const struct vault_attribute *items, size_t n)
{
        for (size_t i = 0; i < n; i++)
                flags &= ~vault_flag_of(items[i].type);
        return flags | vault_flags_of(items, n);
}

/* A change or copy, by the rules of keys. */
static bool becomes(struct vault_call *call, const struct vault_object *o, enum vault_birth how,
                    const struct vault_attribute *items, size_t n)
{
        struct vault_settings settings = vault_settings_now(call->vault);
        struct vault_key_facts was = vault_policy_facts(o), is = was;
        const struct vault_parent parent = { .how = how, .key = &was };

        is.flags = flags_with(o->flags, items, n);
        return refuse(call, vault_model_birth(&settings, &parent, &is));
}

/* Changes of a trusted key that could open what it has wrapped. */
static bool trusted_change(struct vault_call *call, const struct vault_object *o,
                           const struct ck_attribute_row *row)
{
        bool harmless = row->type == CKA_LABEL || row->type == CKA_ID || row->type == CKA_DESTROYABLE;

        return harmless || !ever_trusted(o) || vault_words_of(call, VAULT_RULE_TRUSTED_CHANGE, o);
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
                return vault_words_officer_only(call, o, row);
        default:
                return read_only(call, row, "does not change");
        }
}

bool vault_policy_change(struct vault_call *call, const struct vault_object *o, uint64_t type,
                         struct slice value)
{
        const struct ck_attribute_row *row = ck_attribute_find(type);
        enum ck_change rule = ck_attribute_change(row, o->object_class);
        struct vault_attribute change;

        if (!(row->classes & ck_attribute_class_bit(o->object_class)))
                return err_set(&call->err, ERR_ATTRIBUTE_TYPE, "such an object has no %s", row->name);
        if (call->login.role == VAULT_CO)
                return officer_change(call, o, type);
        if (!vault_version_allows(call, o, type, value))
                return false;
        if (slice_equal(vault_object_attribute(o, type), value) && rule != CK_CHANGE_NO &&
            rule != CK_CHANGE_OFFICER)
                return true;
        change = (struct vault_attribute){ type, value };
        return rule_permits(call, o, row, rule, value) && trusted_change(call, o, row) &&
               becomes(call, o, VAULT_CHANGED, &change, 1);
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
                return err_set(&call->err, ERR_ACTION_PROHIBITED,
                               "the object has CKA_COPYABLE=FALSE, which nobody can change");
        if (o->quorum)
                return vault_words_of(call, VAULT_RULE_QUORUM_COPY, o);
        if (ever_trusted(o))
                return vault_words_of(call, VAULT_RULE_TRUSTED_COPY, o);
        for (size_t i = 0; i < t->n; i++) {
                if (!copy_differs(call, o, t->items[i].type, t->items[i].value))
                        return false;
        }
        return becomes(call, o, VAULT_COPIED, t->items, t->n);
}
