/* What this node knows of the store, record by record, and the books that say what must be in it.
 *
 * Each transaction that changes what the partition is (apply_rows.c: .booked) also writes its lane's page of
 * the books, k/<u32 node>/<u8 lane>: a count of changes, and the sum, over all changes of the lane, of a
 * keyed hash of what came minus that of what went. So all pages together equal the sum over all records,
 * without a record that every writer would have to wait for. Whoever removes a record, puts an older value
 * back or leaves a change out makes the two differ; hashes and sums are under keys of the partition.
 * docs/decisions.md. */
#ifndef CHSM_VAULT_LEDGER_H
#define CHSM_VAULT_LEDGER_H

#include "vault/core.h"

bool vault_ledger_open(struct vault *, struct err *);
void vault_ledger_close(struct vault *); /* NULL-safe */

/* Held while changes are noted and taken by memory. */
void vault_ledger_lock(struct vault *);
void vault_ledger_unlock(struct vault *);

/* Notes a change; older ones than what is known are left out. The lock is held, but while loading at open. */
bool vault_ledger_note(struct vault *, const struct store_event *, struct err *);
/* Is it newer than what is known, or the same? */
bool vault_ledger_is_current(struct vault *, const struct store_event *);
/* Do records and books agree? Where they are made elsewhere (a region that follows) or anew, that is not
 * asked. */
bool vault_ledger_agrees(struct vault *);
/* All changes in the books. */
uint64_t vault_ledger_changes(struct vault *);
/* The next page that is written brings the books to what the records are: for what comes from a backup, which
 * leaves records out, and for what the operator accepted. */
void vault_ledger_rebase(struct vault *);

/* As vault_ledger_rebase was called, and nothing was written since. */
bool vault_ledger_is_rebased(struct vault *);
/* The next page that is written counts so many changes more. */
void vault_ledger_lift(struct vault *, uint64_t changes);

/* Booked records: revision, and a number of their hash in the books, never 0. The lock is held. */
bool vault_ledger_booked(struct vault *, struct slice key, store_rev *rev, uint64_t *hash);
void vault_ledger_each(struct vault *, bool (*visit)(void *arg, struct slice key, store_rev, uint64_t hash),
                       void *arg);
/* Appends what changed since the last call, as vault_noted_entry; false: that is not known. The lock is held.
 */
bool vault_ledger_fresh(struct vault *, struct buf *out);

/* Revision and value as noted; false: absent. value: a hash that is good within this process. */
bool vault_ledger_row(struct vault *, struct slice key, store_rev *rev, uint64_t *value);
uint64_t vault_ledger_value(struct slice value);
/* A sweep: from begin to end, keys that go are remembered, and those that were seen. The lock is held. */
bool vault_ledger_sweep_begin(struct vault *);
void vault_ledger_seen(struct vault *, struct slice key);
bool vault_ledger_went(struct vault *, struct slice key);
/* The keys not seen whose last change is not after rev. */
void vault_ledger_unseen(struct vault *, store_rev rev, void (*visit)(void *arg, struct slice key),
                         void *arg);
void vault_ledger_sweep_end(struct vault *);

/* Adds to a transaction the page of the lane, with its guard, and guards on what it changes without one: the
 * sums are right only if that is what was known. Slices live in the call's arena. */
bool vault_books_add(struct vault_call *, uint32_t lane, struct store_guard *, size_t *guards,
                     size_t guards_max, struct store_op *, size_t *ops);
#define VAULT_BOOKS_GUARDS(ops) ((ops) + 1) /* guards it adds at most */

/* ---- sweep.c ---- */
/* From now on the feed is held against the books. False: they differ already. */
bool vault_watch_begin(struct vault *, struct err *);
/* What the feed brought, before memory takes it. */
void vault_watch_events(struct vault *, store_rev rev, const struct store_event *, size_t n);

#endif
