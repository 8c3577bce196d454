#include "vault/policy_model.h"

/* The model test includes this file and switches rules off one by one. */
#ifndef VAULT_RULE_HOLDS
#define VAULT_RULE_HOLDS(rule) ((void)(rule), true)
#endif

#define ROLES_ALL                                                                                            \
        (VAULT_HISTORY_ROLE_WRAP | VAULT_HISTORY_ROLE_CIPHER | VAULT_HISTORY_ROLE_SIGN |                     \
         VAULT_HISTORY_ROLE_DERIVE)
#define WRAPS   (VAULT_WRAP | VAULT_UNWRAP)
#define CIPHERS (VAULT_ENCRYPT | VAULT_DECRYPT)
#define DERIVES (VAULT_DERIVE | VAULT_ENCAPSULATE | VAULT_DECAPSULATE)
#define SIGNS   (VAULT_SIGN | VAULT_SIGN_RECOVER | VAULT_VERIFY | VAULT_VERIFY_RECOVER)

/* One decision: the first row whose condition is met and that holds. */
struct verdict {
        bool met;
        enum vault_rule rule;
};

static enum vault_rule first(const struct verdict *rows, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                if (rows[i].met && VAULT_RULE_HOLDS(rows[i].rule))
                        return rows[i].rule;
        }
        return VAULT_ALLOWED;
}
#define FIRST(rows) first(rows, sizeof(rows) / sizeof((rows)[0]))

static uint32_t mark(enum vault_rule rule, uint32_t bits)
{
        return VAULT_RULE_HOLDS(rule) ? bits : 0;
}

static bool set(const struct vault_settings *s, enum vault_setting which)
{
        return s->value[which] != 0;
}

static bool hidden(const struct vault_key_facts *k)
{
        return k->object_class == CKO_SECRET_KEY || k->object_class == CKO_PRIVATE_KEY;
}

bool vault_model_ever_trusted(const struct vault_key_facts *k)
{
        return (k->flags & VAULT_TRUSTED) || (k->history & VAULT_HISTORY_TRUSTED);
}

/* ---- roles ---- */

static uint32_t roles_of(uint32_t flags)
{
        return (flags & WRAPS ? VAULT_HISTORY_ROLE_WRAP : 0u) |
               (flags & CIPHERS ? VAULT_HISTORY_ROLE_CIPHER : 0u) |
               (flags & SIGNS ? VAULT_HISTORY_ROLE_SIGN : 0u) |
               (flags & DERIVES ? VAULT_HISTORY_ROLE_DERIVE : 0u);
}

/* Derivation goes with encryption or signatures, as keys of agreement sign too; it does not go with wrapping.
 */
static bool two_roles(uint32_t roles)
{
        return ((roles & VAULT_HISTORY_ROLE_WRAP) &&
                (roles & ROLES_ALL & ~(uint32_t)VAULT_HISTORY_ROLE_WRAP)) ||
               ((roles & VAULT_HISTORY_ROLE_CIPHER) && (roles & VAULT_HISTORY_ROLE_SIGN));
}

uint32_t vault_model_default_usage(const struct vault_settings *s, uint32_t given, uint32_t wanted)
{
        if (!set(s, VAULT_SET_SEPARATE_ROLES) || !two_roles(roles_of(given | wanted)))
                return wanted;
        if (roles_of(given))
                return 0;
        /* Where a key could do both, it signs, so that the halves of a pair agree. */
        return wanted & ~(uint32_t)(wanted & SIGNS ? WRAPS | CIPHERS : WRAPS);
}

/* ---- birth ---- */

#define AGREED (VAULT_ENCAPSULATED | VAULT_DECAPSULATED)

/* What a key passes on to what comes out of it. */
static const struct inherit_row {
        uint32_t how;
        uint32_t if_flag;    /* the parent has it */
        uint32_t if_history; /* or this */
        uint32_t unless;     /* and does not have this flag */
        uint32_t have, lack;
        enum vault_rule rule;
} inherit_rows[] = {
        { .how = VAULT_UNWRAPPED, .have = VAULT_SENSITIVE, .rule = VAULT_RULE_UNWRAPPED_HIDDEN },
        { .how = VAULT_UNWRAPPED,
          .if_flag = VAULT_TRUSTED,
          .if_history = VAULT_HISTORY_TRUSTED,
          .have = VAULT_WRAP_WITH_TRUSTED,
          .rule = VAULT_RULE_UNWRAPPED_WWT },
        { .how = VAULT_DERIVED | VAULT_DECAPSULATED,
          .if_flag = VAULT_SENSITIVE,
          .have = VAULT_SENSITIVE,
          .rule = VAULT_RULE_CHILD_HIDDEN },
        { .how = VAULT_DERIVED | VAULT_DECAPSULATED,
          .unless = VAULT_EXTRACTABLE,
          .lack = VAULT_EXTRACTABLE,
          .rule = VAULT_RULE_CHILD_UNEXTRACTABLE },
        { .how = VAULT_DERIVED | VAULT_DECAPSULATED,
          .if_flag = VAULT_WRAP_WITH_TRUSTED,
          .have = VAULT_WRAP_WITH_TRUSTED,
          .rule = VAULT_RULE_CHILD_WWT },
        { .how = VAULT_COPIED | VAULT_CHANGED,
          .if_flag = VAULT_SENSITIVE,
          .have = VAULT_SENSITIVE,
          .rule = VAULT_RULE_STAYS_HIDDEN },
        { .how = VAULT_COPIED | VAULT_CHANGED,
          .unless = VAULT_EXTRACTABLE,
          .lack = VAULT_EXTRACTABLE,
          .rule = VAULT_RULE_STAYS_UNEXTRACTABLE },
        { .how = VAULT_COPIED | VAULT_CHANGED,
          .if_flag = VAULT_WRAP_WITH_TRUSTED,
          .have = VAULT_WRAP_WITH_TRUSTED,
          .rule = VAULT_RULE_STAYS_WWT },
};
#define INHERIT_ROWS (sizeof(inherit_rows) / sizeof(inherit_rows[0]))

bool vault_model_child_may_be_readable(const struct vault_parent *p)
{
        return (p->how & (VAULT_DERIVED | VAULT_DECAPSULATED)) && p->agreement && p->readable && p->key &&
               !(p->key->flags & (VAULT_TOKEN | VAULT_WRAP_WITH_TRUSTED)) &&
               (p->key->history & VAULT_HISTORY_SESSION);
}

static bool inherits(const struct inherit_row *row, const struct vault_parent *p)
{
        bool conditional = row->if_flag || row->if_history;

        if (!p->key || !(row->how & p->how) || vault_model_child_may_be_readable(p))
                return false;
        return VAULT_RULE_HOLDS(row->rule) && !(p->key->flags & row->unless) &&
               (!conditional || (p->key->flags & row->if_flag) || (p->key->history & row->if_history));
}

uint32_t vault_model_must_have(const struct vault_parent *p)
{
        uint32_t flags = 0;

        for (size_t i = 0; i < INHERIT_ROWS; i++)
                flags |= inherits(&inherit_rows[i], p) ? inherit_rows[i].have : 0;
        return flags;
}

uint32_t vault_model_must_lack(const struct vault_parent *p)
{
        uint32_t flags = 0;

        for (size_t i = 0; i < INHERIT_ROWS; i++)
                flags |= inherits(&inherit_rows[i], p) ? inherit_rows[i].lack : 0;
        return flags;
}

static enum vault_rule inheritance(const struct vault_parent *p, const struct vault_key_facts *key)
{
        for (size_t i = 0; i < INHERIT_ROWS; i++) {
                const struct inherit_row *row = &inherit_rows[i];

                if (inherits(row, p) && ((row->have & ~key->flags) || (row->lack & key->flags)))
                        return row->rule;
        }
        return VAULT_ALLOWED;
}

static enum vault_rule roles_at_birth(const struct vault_parent *p, const struct vault_key_facts *key)
{
        bool same = p->how & (VAULT_COPIED | VAULT_CHANGED);
        const struct verdict rows[] = {
                { p->how == VAULT_CREATED && (key->flags & VAULT_WRAP), VAULT_RULE_KNOWN_WRAPS },
                { p->how == VAULT_DERIVED && (key->flags & WRAPS), VAULT_RULE_CHILD_WRAPS },
                { (p->how & AGREED) && (key->flags & WRAPS), VAULT_RULE_AGREED_WRAPS },
                { p->how == VAULT_UNWRAPPED && p->key && p->key->object_class == CKO_PRIVATE_KEY &&
                      (key->flags & VAULT_WRAP),
                  VAULT_RULE_SENT_WRAPS },
                { same && p->key && (roles_of(key->flags) & ~p->key->history), VAULT_RULE_ROLE_GAINED },
                { !same && two_roles(roles_of(key->flags) | key->history), VAULT_RULE_TWO_ROLES },
        };

        return FIRST(rows);
}

enum vault_rule vault_model_birth(const struct vault_settings *s, const struct vault_parent *p,
                                  const struct vault_key_facts *key)
{
        bool readable = hidden(key) && !(key->flags & VAULT_SENSITIVE);
        bool same = p->how & (VAULT_COPIED | VAULT_CHANGED);
        const struct verdict rows[] = {
                { !same && (key->flags & VAULT_TRUSTED), VAULT_RULE_TRUST_IS_GIVEN },
                { same && (key->flags & VAULT_TRUSTED & ~p->key->flags), VAULT_RULE_OFFICER_ONLY },
                { p->how == VAULT_COPIED && p->key->quorum, VAULT_RULE_QUORUM_COPY },
                { p->how == VAULT_COPIED && vault_model_ever_trusted(p->key), VAULT_RULE_TRUSTED_COPY },
                { p->how == VAULT_CHANGED && vault_model_ever_trusted(p->key) &&
                      ((key->flags ^ p->key->flags) & ~(uint32_t)VAULT_DESTROYABLE),
                  VAULT_RULE_TRUSTED_CHANGE },
                { readable && (key->flags & VAULT_TOKEN), VAULT_RULE_READABLE_TOKEN },
                { readable && !same && !set(s, VAULT_SET_NONSENSITIVE_SESSION), VAULT_RULE_READABLE_SESSION },
                { hidden(key) && !same && set(s, VAULT_SET_BORN_PROTECTED) &&
                      (key->flags & VAULT_EXTRACTABLE) && !(key->flags & VAULT_WRAP_WITH_TRUSTED),
                  VAULT_RULE_BORN_PROTECTED },
        };
        enum vault_rule rule = FIRST(rows);

        if (rule == VAULT_ALLOWED)
                rule = inheritance(p, key);
        if (rule == VAULT_ALLOWED && set(s, VAULT_SET_SEPARATE_ROLES))
                rule = roles_at_birth(p, key);
        return rule;
}

bool vault_model_passes_quorum(const struct vault_parent *p)
{
        return (p->how & (VAULT_DERIVED | VAULT_DECAPSULATED | VAULT_CHANGED)) && p->key && p->key->quorum &&
               (p->how == VAULT_CHANGED || VAULT_RULE_HOLDS(VAULT_RULE_QUORUM_CHILD));
}

uint32_t vault_model_flag_marks(uint32_t flags)
{
        bool open =
            (flags & VAULT_EXTRACTABLE) && (!(flags & VAULT_WRAP_WITH_TRUSTED) || !(flags & VAULT_SENSITIVE));

        return mark(VAULT_MARK_EXTRACTABLE, flags & VAULT_EXTRACTABLE ? VAULT_HISTORY_EXTRACTABLE : 0) |
               (open ? VAULT_HISTORY_OPEN : 0u) | mark(VAULT_MARK_ROLES, roles_of(flags));
}

/* What a child has from its base. What could be derived again as a readable key is as good as read. */
static uint32_t child_marks(const struct vault_parent *p)
{
        const uint32_t passed = VAULT_HISTORY_IMPORTED | VAULT_HISTORY_LEFT | VAULT_HISTORY_EXTRACTABLE |
                                VAULT_HISTORY_OPEN | VAULT_HISTORY_CLEAR | VAULT_HISTORY_AGREED;
        uint32_t base = p->key ? p->key->history : 0;

        return mark(VAULT_MARK_DERIVED, VAULT_HISTORY_DERIVED) | (base & passed) |
               (p->peer ? mark(VAULT_MARK_AGREED, VAULT_HISTORY_AGREED) : 0u) |
               (p->agreement && (base & VAULT_HISTORY_SESSION) ? VAULT_HISTORY_OPEN : 0u);
}

uint32_t vault_model_birth_marks(const struct vault_parent *p, uint32_t flags)
{
        uint32_t marks = vault_model_flag_marks(flags);

        if (!(flags & VAULT_TOKEN) && p->how != VAULT_COPIED && p->how != VAULT_CHANGED)
                marks |= mark(VAULT_MARK_SESSION, VAULT_HISTORY_SESSION);
        switch (p->how) {
        case VAULT_CREATED:
                return marks | mark(VAULT_MARK_IMPORTED, VAULT_HISTORY_IMPORTED) | VAULT_HISTORY_CLEAR;
        case VAULT_UNWRAPPED:
                return marks | mark(VAULT_MARK_IMPORTED, VAULT_HISTORY_IMPORTED);
        case VAULT_DERIVED:
                return marks | child_marks(p);
        case VAULT_ENCAPSULATED:
        case VAULT_DECAPSULATED:
                return marks | mark(VAULT_MARK_AGREED, VAULT_HISTORY_AGREED);
        case VAULT_COPIED:
                return marks | p->key->history | vault_model_copy_marks();
        case VAULT_CHANGED:
                return marks | p->key->history;
        default:
                return marks;
        }
}

uint32_t vault_model_life_marks(uint32_t history)
{
        return mark(VAULT_MARK_LIVES, history & (ROLES_ALL | VAULT_HISTORY_TRUSTED));
}

/* ---- masked objects ---- */

/* Trust is given by officers and not brought in. */
uint32_t vault_model_inserted_flags(uint32_t masked, const uint32_t *gone)
{
        uint32_t flags = gone && VAULT_RULE_HOLDS(VAULT_RULE_INSERTED_LESS) ? *gone : masked;

        return VAULT_RULE_HOLDS(VAULT_RULE_INSERTED_TRUST) ? flags & ~(uint32_t)VAULT_TRUSTED : flags;
}

uint32_t vault_model_inserted_history(uint32_t masked, uint32_t gone)
{
        return masked | VAULT_HISTORY_MASKED | mark(VAULT_MARK_INSERTED, gone);
}

/* ---- use ---- */

static const uint32_t usage_flags[] = {
        [CRYPTO_ENCRYPT] = VAULT_ENCRYPT,
        [CRYPTO_DECRYPT] = VAULT_DECRYPT,
        [CRYPTO_SIGN] = VAULT_SIGN,
        [CRYPTO_VERIFY] = VAULT_VERIFY,
        [CRYPTO_SIGN_RECOVER] = VAULT_SIGN_RECOVER,
        [CRYPTO_VERIFY_RECOVER] = VAULT_VERIFY_RECOVER,
        [CRYPTO_WRAP] = VAULT_WRAP,
        [CRYPTO_UNWRAP] = VAULT_UNWRAP,
        [CRYPTO_DERIVE] = VAULT_DERIVE,
        [CRYPTO_ENCAPSULATE] = VAULT_ENCAPSULATE,
        [CRYPTO_DECAPSULATE] = VAULT_DECAPSULATE,
};

static uint32_t usage_of(enum crypto_op op)
{
        return (unsigned)op < sizeof(usage_flags) / sizeof(usage_flags[0]) ? usage_flags[op] : 0;
}

enum vault_rule vault_model_use(const struct vault_settings *s, const struct vault_key_facts *k,
                                enum crypto_op op, const struct vault_use_facts *how)
{
        bool wraps = op == CRYPTO_WRAP || op == CRYPTO_UNWRAP, trusted = vault_model_ever_trusted(k);
        bool private_use = op == CRYPTO_SIGN || op == CRYPTO_SIGN_RECOVER || op == CRYPTO_DECRYPT;
        const struct verdict rows[] = {
                { usage_of(op) & ~k->flags, VAULT_RULE_USAGE },
                { trusted && !wraps, VAULT_RULE_TRUSTED_ONLY_WRAPS },
                { trusted && !how->authenticated, VAULT_RULE_TRUSTED_UNAUTHENTICATED },
                { wraps && set(s, VAULT_SET_SEPARATE_ROLES) && two_roles(k->history),
                  VAULT_RULE_TWO_ROLES_WRAP },
                { how->raw_rsa && private_use && (k->flags & VAULT_UNWRAP), VAULT_RULE_RAW_RSA },
        };

        return FIRST(rows);
}

uint32_t vault_model_use_marks(enum crypto_op op)
{
        if (op == CRYPTO_WRAP || op == CRYPTO_UNWRAP)
                return VAULT_HISTORY_WRAPPED;
        return mark(VAULT_MARK_DATA, VAULT_HISTORY_DATA);
}

uint32_t vault_model_wrap_marks(void)
{
        return mark(VAULT_MARK_LEFT, VAULT_HISTORY_LEFT);
}

uint32_t vault_model_copy_marks(void)
{
        return mark(VAULT_MARK_COPIED, VAULT_HISTORY_DATA);
}

uint32_t vault_model_trust_marks(void)
{
        return mark(VAULT_MARK_TRUSTED, VAULT_HISTORY_TRUSTED);
}

/* ---- wrapping and trust ---- */

static bool weaker(const struct vault_settings *s, const struct vault_key_facts *wrapping,
                   const struct vault_key_facts *target)
{
        uint8_t level = s->value[VAULT_SET_WRAP_STRENGTH];

        if (level == VAULT_WRAP_ANY || wrapping->strength >= target->strength)
                return false;
        return level == VAULT_WRAP_EQUAL || wrapping->object_class != CKO_PUBLIC_KEY ||
               wrapping->strength < 112;
}

/* That a trusted key wraps with authenticated mechanisms only is a rule of its use. */
enum vault_rule vault_model_wrap(const struct vault_settings *s, const struct vault_key_facts *wrapping,
                                 const struct vault_key_facts *target, bool same)
{
        bool foreign =
            wrapping->object_class == CKO_PUBLIC_KEY && (wrapping->history & VAULT_HISTORY_IMPORTED);
        bool guarded = (target->flags & VAULT_WRAP_WITH_TRUSTED) || vault_model_ever_trusted(target) ||
                       set(s, VAULT_SET_BORN_PROTECTED);
        enum vault_rule spoilt = vault_model_honoured(s, wrapping);
        const struct verdict rows[] = {
                { target->quorum, VAULT_RULE_QUORUM_WRAP },
                { !(target->flags & VAULT_EXTRACTABLE), VAULT_RULE_WRAP_UNEXTRACTABLE },
                { same, VAULT_RULE_WRAP_ITSELF },
                { foreign && set(s, VAULT_SET_SEPARATE_ROLES), VAULT_RULE_WRAP_KNOWN },
                { guarded && !(wrapping->flags & VAULT_TRUSTED), VAULT_RULE_WRAP_UNTRUSTED },
                { guarded && spoilt != VAULT_ALLOWED, spoilt },
                { guarded && weaker(s, wrapping, target), VAULT_RULE_WRAP_WEAKER },
        };

        return FIRST(rows);
}

enum vault_rule vault_model_split(const struct vault_key_facts *k)
{
        const struct verdict rows[] = {
                { k->quorum, VAULT_RULE_QUORUM_SPLIT },
                { vault_model_ever_trusted(k), VAULT_RULE_TRUSTED_ONLY_WRAPS },
        };

        return FIRST(rows);
}

enum vault_rule vault_model_honoured(const struct vault_settings *s, const struct vault_key_facts *k)
{
        bool half = k->object_class == CKO_PUBLIC_KEY && !(k->history & VAULT_HISTORY_PAIRED);
        const struct verdict rows[] = {
                { k->history & VAULT_HISTORY_IMPORTED, VAULT_RULE_SPOILT_IMPORTED },
                { k->history & VAULT_HISTORY_DERIVED, VAULT_RULE_SPOILT_DERIVED },
                { k->history & VAULT_HISTORY_AGREED, VAULT_RULE_SPOILT_AGREED },
                { k->history & (VAULT_HISTORY_LEFT | VAULT_HISTORY_EXTRACTABLE),
                  VAULT_RULE_SPOILT_EXTRACTABLE },
                { k->history & (VAULT_HISTORY_DATA | VAULT_HISTORY_SESSION), VAULT_RULE_SPOILT_DATA },
                { set(s, VAULT_SET_BORN_PROTECTED) &&
                      (k->history & ROLES_ALL & ~(uint32_t)VAULT_HISTORY_ROLE_WRAP),
                  VAULT_RULE_SPOILT_DATA },
                { half, VAULT_RULE_SPOILT_HALF },
        };

        return FIRST(rows);
}

enum vault_rule vault_model_trust(const struct vault_settings *s, const struct vault_key_facts *k, bool twin)
{
        const struct verdict rows[] = {
                { twin, VAULT_RULE_TRUST_TWIN },
                { set(s, VAULT_SET_BORN_PROTECTED) && vault_model_honoured(s, k) != VAULT_ALLOWED,
                  VAULT_RULE_TRUST_BORN },
        };

        return FIRST(rows);
}

bool vault_model_half_counts(const struct vault_settings *s, const struct vault_key_facts *half)
{
        struct vault_settings strict = *s;

        strict.value[VAULT_SET_BORN_PROTECTED] =
            1; /* what it could do counts, as its uses are not remembered */
        return vault_model_honoured(&strict, half) == VAULT_ALLOWED;
}

uint32_t vault_model_half_marks(void)
{
        return mark(VAULT_MARK_HALF, VAULT_HISTORY_TRUSTED);
}
