/* Two regions in one process: the HSM of the vault's tests is primary, and a node with a store of its own
 * follows it, through a link that can be cut before a question arrives or after it was answered. */
#ifndef CHSM_TESTS_CLUSTER_REGIONS_H
#define CHSM_TESTS_CLUSTER_REGIONS_H

#include "../vault/calls.h"

#include "cluster/follow.h"
#include "vault/core.h"
#include "vault/region.h"

struct side {            /* one region's node */
        struct hsm *hsm; /* lends crypto, clock and owner */
        char *folder, *data;
        struct store *store;
        struct vault *vault;
        struct sec *file_key;
        struct crypto_identity *identity;
        struct vault_peer peer; /* as the other side sees it */
        struct cluster_join join;
        struct cluster_follow follow;
        uint32_t number;
        char name[16], address[16];
        struct side *other;
        unsigned calls, lose_question, lose_answer; /* every so many; 0: none */
        bool cut, asks_nobody;
        unsigned waits, waits_max;
};
extern struct side one, two; /* one: the HSM itself */

int regions_setup(void **state);
int regions_teardown(void **state);
/* A link anew, of a side with another identity or store. */
void side_join(struct side *);
void side_attach(struct side *, int64_t lease_ms);
void two_vault(void);
void two_restart(void); /* as after kill -9 and a new start */
void one_is(struct hsm *);
void one_restart(struct hsm *);
void begin(void);    /* the second region is filled and opened */
void catch_up(void); /* steps until it has what the primary has, or is to be filled anew */
void step(struct side *);
void assert_same(void); /* both stores hold the same, but for what a node keeps for itself */

/* The caller, speaking to that side from now on. */
struct caller *at(struct caller *, struct side *);
uint32_t promote(struct caller *, struct side *, struct crypto_key *owner, bool force);
uint32_t demote(struct caller *, struct side *);
/* It was refused, with these words. */
void refused(struct caller *, uint32_t rv, const char *words);

#endif
