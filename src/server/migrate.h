/* chsm-server migrate: a partition from one kind of store into the other, on the host of its node.
 * docs/cluster.md.
 *
 * The old store is marked before the new one is there, so at no moment can both be served; broken off in
 * between, the same command goes on. */
#ifndef CHSM_SERVER_MIGRATE_H
#define CHSM_SERVER_MIGRATE_H

#include "crypto/crypto.h"
#include "store/store.h"

/* The program's part from the word migrate on; its exit code. */
int server_migrate(int argc, char **argv);

/* ---- migrate_compare.c ---- */
struct migrate_sums {
        uint64_t records, of_prefix[128];
        uint8_t digest[32];
};
/* Is it left out of a move? The mark, and what nodes of a cluster say of themselves and to each other. */
bool migrate_leaves(struct slice key);
/* Reads the whole store; tell (may be NULL) hears how many records it has read. */
bool migrate_sum(struct store *, struct crypto *, struct migrate_sums *, void (*tell)(void *, uint64_t),
                 void *arg, struct err *);
/* Prints both; false: they differ. */
bool migrate_same(const struct migrate_sums *from, const struct migrate_sums *to, const char *from_name,
                  const char *to_name);

#endif
