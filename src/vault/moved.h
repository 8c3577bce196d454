/* A partition that was moved to another store: p/went in the old one says where, so that what stayed behind
 * is not served by mistake as well. docs/cluster.md, "From one node to a cluster". */
#ifndef CHSM_VAULT_MOVED_H
#define CHSM_VAULT_MOVED_H

#include "vault/core.h"

#define VAULT_MOVED_KEY SLICE_LIT("p/went")

/* Marks the partition as moved to `place`, or takes the mark away (NULL), with a record in the audit chain.
 */
bool vault_moved_mark(struct vault *, const char *place, struct err *);
/* Begins the audit chain of what came from `place`. */
bool vault_moved_begin(struct vault *, const char *place, struct err *);
/* Is it marked? place: where it went, cut to the size. */
bool vault_moved_away(struct vault *, char *place, size_t size);
/* Part of vault_partition_apply. */
bool vault_moved_apply(struct vault *, const struct store_event *, struct err *);
/* After loading: false for a partition that was moved away, unless the vault was opened to move it. */
bool vault_moved_check(struct vault *, struct err *);

#endif
