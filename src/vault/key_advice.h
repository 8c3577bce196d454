/* What the documentation advises against, as a review of keys finds it: one row each in key_advice_rows.c.
 * Pure: what is known of a key goes in as facts. docs/key-life.md */
#ifndef CHSM_VAULT_KEY_ADVICE_H
#define CHSM_VAULT_KEY_ADVICE_H

#include "vault/object.h"

/* What the reviewer asks for; 0: as advised. */
struct vault_advice_limits {
        uint32_t unused_days;   /* 90 */
        uint32_t expiring_days; /* 30 */
        uint32_t old_days;      /* 365 */
};

enum vault_severity { VAULT_ADVICE_NOTE = 1, VAULT_ADVICE_WARNING = 2, VAULT_ADVICE_SERIOUS = 3 };

struct vault_advice_facts {
        uint64_t object_class;
        uint32_t flags, history;
        size_t shared;       /* users it is shared with */
        uint64_t state;      /* CHSM_KEY_CURRENT ... */
        int64_t age_days;    /* -1: not known */
        int64_t unused_days; /* since the last use, or since it was made; -1: not known */
        int64_t days_left;   /* until CKA_END_DATE; INT64_MAX: it has none */
        bool officers_alone; /* fewer than two could log in; about the partition, when object_class is none */
        struct vault_advice_limits limits;
};

struct vault_advice_row {
        const char *name; /* "extractable-untrusted" */
        enum vault_severity severity;
        bool of_partition;
        bool (*applies)(const struct vault_advice_facts *);
        const char *words; /* what is wrong with it */
        const char *cure;  /* the command; "%u" stands for the handle, once */
};
/* NULL past the end. */
const struct vault_advice_row *vault_advice_at(size_t i);

struct vault_advice_limits vault_advice_limits_of(const Chsm__AuditKeysRequest *);
struct vault_advice_facts vault_advice_facts_of(struct vault *, const struct vault_object *,
                                                const struct vault_advice_limits *);
/* All rows that apply, in the call's arena; o NULL: those of the partition. False: no memory (call->err). */
bool vault_advice_give(struct vault_call *, const struct vault_object *, const struct vault_advice_limits *,
                       Chsm__KeyAdvice ***list, size_t *n);

#endif
