/* Joining: how a node gets the partition's master key from another one, through the store, which never sees
 * it in clear. DESIGN section 5.6; docs/cluster.md.
 *
 * Store keys: j/<u32 node>q the request, j/<u32 node>a the answer to it. */
#ifndef CHSM_CLUSTER_JOIN_H
#define CHSM_CLUSTER_JOIN_H

#include "crypto/identity.h"
#include "vault/vault.h"

struct cluster_join {
        struct store *store;
        struct crypto *crypto;
        struct vault_sealer sealer;
        struct clock clock;
        struct crypto_identity *identity; /* NULL: the node cannot join, only be where it is already */
        uint32_t number;                  /* of this node */
        struct slice owner;               /* PO.crt (DER) that the partition must have; empty: any */
        const char *permit_folder; /* join-permit.txt is written there for the owner, join-permit.sig read */
        bool (*go_on)(void *arg);  /* called every 200 ms or so while it waits; false: give up */
        void (*tell)(void *arg, const char *what); /* what it waits for, when that changes */
        void *arg;
};

/* Returns when the store holds a master key that this node can open, or is empty and this node is number 1,
 * which makes partitions. False: err, or go_on said so (then ERR_NONE). Before the vault is opened. */
bool cluster_join(const struct cluster_join *, struct err *);

/* Answers the requests of other nodes, as a member that serves. Called every second or so, one thread at a
 * time. A request that is refused gets the reason as its answer, and the log has it. */
bool cluster_answer(struct vault *, const struct cluster_join *, struct err *);

/* A node of another region, which sends the same request over the network instead: the answer for it, and who
 * it is. */
struct cluster_admitted {
        uint32_t number;
        char name[CRYPTO_IDENTITY_NAME_MAX];
        uint8_t certificate[32]; /* SHA-256 */
};
bool cluster_admit(struct vault *, const struct cluster_join *, struct slice request,
                   struct cluster_admitted *, struct buf *answer, struct err *);

/* Leaves what the owner has to sign in join-permit.txt and takes his signature from join-permit.sig, where
 * there is one: most partitions ask for none. */
bool join_permit_read(const struct cluster_join *, struct slice partition, struct buf *permit, struct err *);

#define JOIN_KEY_MAX 8
/* which: 'q' or 'a'. The slice lends from out. */
struct slice join_key(uint32_t number, char which, uint8_t out[JOIN_KEY_MAX]);

#endif
