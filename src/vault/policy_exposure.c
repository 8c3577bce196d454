#include "vault/policy_exposure.h"

#define CREATED_BY(flags_)                                                                                   \
        {                                                                                                    \
                .object_class = CKO_SECRET_KEY, .flags = VAULT_SENSITIVE | (flags_), .strength = 256         \
        }

/* May a key that is born so, with a value that the attacker knows, wrap the target? */
static bool known_key_wraps(const struct vault_settings *s, const struct vault_parent *p,
                            const struct vault_key_facts *target)
{
        const struct vault_use_facts sealed = { .authenticated = true };
        struct vault_key_facts own = CREATED_BY(VAULT_WRAP);

        if (vault_model_birth(s, p, &own) != VAULT_ALLOWED)
                return false;
        own.history = vault_model_birth_marks(p, own.flags);
        return vault_model_use(s, &own, CRYPTO_WRAP, &sealed) == VAULT_ALLOWED &&
               vault_model_wrap(s, &own, target, false) == VAULT_ALLOWED;
}

static bool imported_key_wraps(const struct vault_settings *s, const struct vault_key_facts *target)
{
        const struct vault_parent given = { .how = VAULT_CREATED };

        return known_key_wraps(s, &given, target);
}

/* A known key unwraps what was wrapped under it outside, and what comes out is as known. */
static bool conjured_key_wraps(const struct vault_settings *s, const struct vault_key_facts *target)
{
        const struct vault_parent given = { .how = VAULT_CREATED };
        struct vault_key_facts opener = CREATED_BY(VAULT_UNWRAP);
        const struct vault_parent out = { .how = VAULT_UNWRAPPED, .key = &opener };

        return vault_model_birth(s, &given, &opener) == VAULT_ALLOWED && known_key_wraps(s, &out, target);
}

/* A key that wraps and decrypts opens what it has wrapped. */
static bool decrypting_key_wraps(const struct vault_settings *s, const struct vault_key_facts *target)
{
        const struct vault_use_facts sealed = { .authenticated = true };
        const struct vault_parent made = { .how = VAULT_GENERATED };
        struct vault_key_facts both = CREATED_BY(VAULT_WRAP | VAULT_DECRYPT);

        if (vault_model_birth(s, &made, &both) != VAULT_ALLOWED)
                return false;
        both.history = vault_model_birth_marks(&made, both.flags);
        return vault_model_use(s, &both, CRYPTO_WRAP, &sealed) == VAULT_ALLOWED &&
               vault_model_wrap(s, &both, target, false) == VAULT_ALLOWED &&
               vault_model_use(s, &both, CRYPTO_DECRYPT, &sealed) == VAULT_ALLOWED;
}

static bool is_public(const struct vault_settings *s, const struct vault_key_facts *k)
{
        (void)s;
        return k->object_class == CKO_PUBLIC_KEY;
}

static bool is_shown(const struct vault_settings *s, const struct vault_key_facts *k)
{
        (void)s;
        return !(k->flags & VAULT_SENSITIVE) && (k->flags & VAULT_EXTRACTABLE);
}

static bool was_given(const struct vault_settings *s, const struct vault_key_facts *k)
{
        (void)s;
        return k->history & VAULT_HISTORY_CLEAR;
}

static bool was_open(const struct vault_settings *s, const struct vault_key_facts *k)
{
        (void)s;
        return k->history & VAULT_HISTORY_OPEN;
}

static bool was_sent(const struct vault_settings *s, const struct vault_key_facts *k)
{
        (void)s;
        return k->history & VAULT_HISTORY_IMPORTED;
}

static bool was_agreed(const struct vault_settings *s, const struct vault_key_facts *k)
{
        (void)s;
        return k->history & VAULT_HISTORY_AGREED;
}

static bool is_closed(const struct vault_settings *s, const struct vault_key_facts *k)
{
        (void)s;
        return !(k->flags & VAULT_EXTRACTABLE);
}

static bool any(const struct vault_settings *s, const struct vault_key_facts *k)
{
        (void)s;
        (void)k;
        return true;
}

/* The first that is so; ways of reading ascend by their number of calls. */
static const struct {
        bool (*is)(const struct vault_settings *, const struct vault_key_facts *);
        enum vault_exposure exposure;
        const char *path;
} rows[] = {
        { is_public, VAULT_EXPOSED_PUBLIC, "a public key" },
        { is_shown, VAULT_EXPOSED_READABLE, "C_GetAttributeValue(CKA_VALUE)" },
        { was_given, VAULT_EXPOSED_OUTSIDE, "its value was given in clear: who gave it has it" },
        { imported_key_wraps, VAULT_EXPOSED_EXPORTABLE,
          "C_CreateObject(AES key of a known value, CKA_WRAP); C_WrapKey(under it)" },
        { conjured_key_wraps, VAULT_EXPOSED_EXPORTABLE,
          "C_CreateObject(AES key of a known value, CKA_UNWRAP); C_UnwrapKey(a blob made outside, CKA_WRAP); "
          "C_WrapKey(under it)" },
        { decrypting_key_wraps, VAULT_EXPOSED_EXPORTABLE,
          "C_GenerateKey(CKA_WRAP, CKA_DECRYPT); C_WrapKey(under it); C_Decrypt" },
        { was_open, VAULT_EXPOSED_OUTSIDE,
          "it was extractable under any key, or can be derived again as a readable one; what was taken then "
          "is not "
          "known" },
        { was_sent, VAULT_EXPOSED_OUTSIDE, "it came in wrapped: who holds the key that wrapped it has it" },
        { was_agreed, VAULT_EXPOSED_OUTSIDE,
          "it was agreed on: the other side, who has the other private key or sent the ciphertext, has it" },
        { is_closed, VAULT_EXPOSED_NOT, "not extractable" },
        { any, VAULT_EXPOSED_NOT, "it leaves under trusted keys only" },
};

static const char *const names[] = { "public", "protected", "exportable by its owner alone", "known outside",
                                     "readable" };

static const char *note_of(const struct vault_settings *s, const struct vault_key_facts *k)
{
        bool leaves = (k->flags & VAULT_EXTRACTABLE) && (k->flags & VAULT_WRAP_WITH_TRUSTED);

        if (k->flags & VAULT_TRUSTED) {
                enum vault_rule rule = vault_model_honoured(s, k);

                return rule == VAULT_ALLOWED ? "trusted: it opens protected keys"
                                             : vault_rule_row(rule)->words;
        }
        if (leaves && s->value[VAULT_SET_WRAP_STRENGTH] == VAULT_WRAP_ANY)
                return "a weaker trusted key may wrap it (wrap_strength 0)";
        if (leaves && s->value[VAULT_SET_WRAP_STRENGTH] == VAULT_WRAP_RSA_OK && k->strength > 112)
                return "a trusted RSA-2048 key, which is weaker, may wrap it (wrap_strength 1)";
        return "";
}

struct vault_exposure_report vault_exposure_of(const struct vault_settings *s,
                                               const struct vault_key_facts *k)
{
        struct vault_exposure_report r = { .note = note_of(s, k) };
        size_t i = 0;

        while (!rows[i].is(s, k))
                i++;
        r.exposure = rows[i].exposure;
        r.name = names[r.exposure];
        r.path = rows[i].path;
        return r;
}
