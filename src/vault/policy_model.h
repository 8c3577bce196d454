/* The rules about keys, as pure functions on what is known of a key.
 *
 * policy.c asks them for every call and gives the refusals their words; tests/unit/vault/test_policy_model.c
 * asks them in an exhaustive search for sequences of calls that would break what the rules promise; auditKeys
 * asks them how each key could be read. There is no other description of the rules. docs/key-policy.md has
 * them as a table. */
#ifndef CHSM_VAULT_POLICY_MODEL_H
#define CHSM_VAULT_POLICY_MODEL_H

#include "crypto/mechanism.h"
#include "vault/object.h"
#include "vault/setting.h"

/* What a refusal rests on; policy_rule_rows.c has code and words of each. The marks are not refusals: they
 * are what is remembered of a key, and stand here so that the model test can show that each is needed. */
enum vault_rule {
        VAULT_ALLOWED,
        /* birth */
        VAULT_RULE_TRUST_IS_GIVEN,   /* nobody is born trusted */
        VAULT_RULE_READABLE_TOKEN,   /* token keys are sensitive */
        VAULT_RULE_READABLE_SESSION, /* allow_nonsensitive_session */
        VAULT_RULE_BORN_PROTECTED,   /* born_protected */
        VAULT_RULE_TWO_ROLES,        /* separate_roles */
        VAULT_RULE_KNOWN_WRAPS,      /* separate_roles: a value from outside does not wrap */
        VAULT_RULE_CHILD_WRAPS,      /* separate_roles: a value that can be derived again does not wrap */
        VAULT_RULE_AGREED_WRAPS,     /* separate_roles: what a peer has by encapsulation does not wrap */
        VAULT_RULE_SENT_WRAPS,       /* separate_roles: what anybody could have sent does not wrap */
        VAULT_RULE_ROLE_GAINED,      /* separate_roles: copies and changes give no role */
        /* what a key passes on */
        VAULT_RULE_UNWRAPPED_HIDDEN,
        VAULT_RULE_UNWRAPPED_WWT,
        VAULT_RULE_CHILD_HIDDEN,
        VAULT_RULE_CHILD_UNEXTRACTABLE,
        VAULT_RULE_CHILD_WWT,
        VAULT_RULE_STAYS_HIDDEN,
        VAULT_RULE_STAYS_UNEXTRACTABLE,
        VAULT_RULE_STAYS_WWT,
        VAULT_RULE_QUORUM_COPY, /* what several must approve stays so */
        VAULT_RULE_QUORUM_WRAP,
        VAULT_RULE_QUORUM_SPLIT,
        VAULT_RULE_QUORUM_CHILD,
        VAULT_RULE_TRUSTED_COPY,
        VAULT_RULE_TRUSTED_CHANGE,
        VAULT_RULE_OFFICER_ONLY, /* trust is the officer's */
        /* use */
        VAULT_RULE_USAGE,
        VAULT_RULE_TRUSTED_ONLY_WRAPS,
        VAULT_RULE_TRUSTED_UNAUTHENTICATED,
        VAULT_RULE_TWO_ROLES_WRAP,
        VAULT_RULE_RAW_RSA,
        /* wrapping */
        VAULT_RULE_WRAP_OWNER,
        VAULT_RULE_WRAP_UNEXTRACTABLE,
        VAULT_RULE_WRAP_ITSELF,
        VAULT_RULE_WRAP_KNOWN,
        VAULT_RULE_WRAP_UNTRUSTED,
        VAULT_RULE_WRAP_WEAKER,
        /* trust that opens nothing protected */
        VAULT_RULE_SPOILT_IMPORTED,
        VAULT_RULE_SPOILT_DERIVED,
        VAULT_RULE_SPOILT_AGREED,
        VAULT_RULE_SPOILT_EXTRACTABLE,
        VAULT_RULE_SPOILT_DATA,
        VAULT_RULE_SPOILT_HALF,
        /* giving trust */
        VAULT_RULE_TRUST_TWIN,
        VAULT_RULE_TRUST_BORN,
        /* marks */
        VAULT_MARK_LEFT,
        VAULT_MARK_EXTRACTABLE,
        VAULT_MARK_DATA,
        VAULT_MARK_COPIED,
        VAULT_MARK_TRUSTED,
        VAULT_MARK_HALF,
        VAULT_MARK_IMPORTED,
        VAULT_MARK_DERIVED,
        VAULT_MARK_AGREED,
        VAULT_MARK_SESSION,
        VAULT_MARK_ROLES,
        VAULT_MARK_LIVES,
        /* of what comes in masked */
        VAULT_MARK_INSERTED,
        VAULT_RULE_INSERTED_LESS,
        VAULT_RULE_INSERTED_TRUST,
        VAULT_RULES,
};

struct vault_rule_row {
        enum err_id err;
        const char *words;
};
const struct vault_rule_row *vault_rule_row(enum vault_rule);

/* What is known of a key that decisions rest on. */
struct vault_key_facts {
        uint64_t object_class;
        uint32_t flags, history;
        uint32_t strength; /* bits, of the work to break it */
        bool quorum;       /* several users must approve its uses */
};

/* How an object comes about; copies and changes have the object itself as parent. */
enum vault_birth {
        VAULT_GENERATED = 1,
        VAULT_CREATED = 2,
        VAULT_UNWRAPPED = 4,
        VAULT_DERIVED = 8,
        VAULT_COPIED = 16,
        VAULT_CHANGED = 32,
        VAULT_ENCAPSULATED = 64, /* parent: the public key, which passes nothing on */
        VAULT_DECAPSULATED = 128,
};

struct vault_parent {
        enum vault_birth how;
        const struct vault_key_facts *key; /* unwrapping key, base key, original; NULL: none */
        bool agreement;                    /* derived by ECDH or HKDF, or decapsulated */
        bool peer;     /* what is derived, another has too: of a private key and a point */
        bool readable; /* the child is asked for as a session object that can be read */
};

/* What the mechanism of a use is like. */
struct vault_use_facts {
        bool authenticated; /* what it wraps cannot be changed unseen */
        bool raw_rsa;
};

/* Flags that the new object must have (clear: must not have) for what it comes from. */
uint32_t vault_model_must_have(const struct vault_parent *);
uint32_t vault_model_must_lack(const struct vault_parent *);
/* Agreement and extraction from keys made in a session may give readable children: Java and OpenSSL need it.
 */
bool vault_model_child_may_be_readable(const struct vault_parent *);
/* May such an object come about? key->history: what is remembered of its value, the marks below included. */
enum vault_rule vault_model_birth(const struct vault_settings *, const struct vault_parent *,
                                  const struct vault_key_facts *key);
/* Must uses of it be approved because uses of what it comes from must? */
bool vault_model_passes_quorum(const struct vault_parent *);
/* What is remembered of it from birth: bits of enum vault_history, by flags and by what it comes from. */
uint32_t vault_model_birth_marks(const struct vault_parent *, uint32_t flags);
/* What the flags of a living object say that is remembered. */
uint32_t vault_model_flag_marks(uint32_t flags);

/* What is remembered of a value beyond the object, by its fingerprint, for its next lives. */
uint32_t vault_model_life_marks(uint32_t history);

/* A masked key that is inserted: its flags and history as they were when it was masked, and those that it had
 * when it was deleted here since then, gone; NULL: it was not. */
uint32_t vault_model_inserted_flags(uint32_t masked, const uint32_t *gone);
uint32_t vault_model_inserted_history(uint32_t masked, uint32_t gone);

enum vault_rule vault_model_use(const struct vault_settings *, const struct vault_key_facts *, enum crypto_op,
                                const struct vault_use_facts *);
/* What a use adds to the history of the key used. */
uint32_t vault_model_use_marks(enum crypto_op);
/* What wrapping adds to the history of the target. */
uint32_t vault_model_wrap_marks(void);
/* Both lives of a copied key: uses of one are not seen at the other. */
uint32_t vault_model_copy_marks(void);
enum vault_rule vault_model_wrap(const struct vault_settings *, const struct vault_key_facts *wrapping,
                                 const struct vault_key_facts *target, bool same);
/* May it be split into shares, or a share be joined with others? What comes of it is a derived key. */
enum vault_rule vault_model_split(const struct vault_key_facts *);
/* Can trust in it be relied on for protected keys? */
enum vault_rule vault_model_honoured(const struct vault_settings *, const struct vault_key_facts *);
/* May an officer make it trusted? twin: another object has the same value. */
enum vault_rule vault_model_trust(const struct vault_settings *, const struct vault_key_facts *, bool twin);
uint32_t vault_model_trust_marks(void);
/* Trust in a public key counts when its private half only ever could unwrap: does it, and what is then
 * remembered of that half. */
bool vault_model_half_counts(const struct vault_settings *, const struct vault_key_facts *half);
uint32_t vault_model_half_marks(void);
bool vault_model_ever_trusted(const struct vault_key_facts *);

/* Of the usage flags that a silent template would get, those that give no second role. */
uint32_t vault_model_default_usage(const struct vault_settings *, uint32_t given, uint32_t wanted);

#endif
