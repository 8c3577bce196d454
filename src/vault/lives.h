/* What is remembered of key values beyond their objects, by fingerprint: HMAC of the value under a key of the
 * partition, never shown. Kept where roles are separate, of values that come in again: what was wrapped,
 * unwrapped or given. A record is never deleted. spec/key-rules.md A06, rule 6. */
#ifndef CHSM_VAULT_LIVES_H
#define CHSM_VAULT_LIVES_H

#include "crypto/key.h"
#include "vault/core.h"

bool vault_lives_open(struct vault *, struct err *);
void vault_lives_close(struct vault *); /* NULL-safe */

/* A value as it stands in memory. */
struct vault_life {
        struct slice store_key; /* in the call's arena */
        store_rev rev;          /* 0: no record */
        uint32_t marks;         /* of enum vault_history */
};
/* The halves of a pair are one value. */
bool vault_life_of(struct vault_call *, const struct crypto_key *, struct vault_life *);
/* Adds marks in the call's transaction; in any case the verdict that rests on the life is guarded. */
bool vault_life_add(struct vault_call *, const struct vault_life *, uint32_t marks);

#endif
