/* What a node notes of its store's records beside it (data_dir/records), so that what is gone from a store,
 * or is older there than it was, can be named. That something is wrong, the books say and the note of the
 * count of changes (seen.c); this only says which records.
 *
 * A head, whether all records are in it (there may be too many), then entries: u16 length and key, u64
 * revision, u64 of the record's hash in the books, 0: it went. Later ones of a key count; a torn one at the
 * end is left out. */
#ifndef CHSM_VAULT_NOTED_H
#define CHSM_VAULT_NOTED_H

#include "vault/core.h"

void vault_noted_entry(struct buf *, struct slice key, store_rev, uint64_t hash);
/* Which records differ, in words, cut to the size; empty: not known, or none does. */
void vault_noted_words(struct vault *, char *out, size_t size);

#endif
