/* How often the partition's history began again. Callers ask for nothing older than what they have seen, and
 * a store into which a partition was restored or moved counts its revisions anew: every caller of before
 * would be sent away for ever, as ahead of the node. So the count of histories goes in front of the revisions
 * that callers are told, together with the region's epoch (region.h). */
#ifndef CHSM_VAULT_HISTORY_H
#define CHSM_VAULT_HISTORY_H

#include "vault/core.h"

/* Puts a larger count than any before into the call's transaction. */
bool vault_history_begin(struct vault_call *);
int64_t vault_history_count(const struct vault *); /* 0: the first history */
/* p/told, for partition.c; it stands behind p/state, which has the keys that prove it. */
bool vault_history_apply(struct vault *, const struct store_event *, struct err *);

#endif
