/* Nodes around the HSM of the vault's tests, which is node 1: the others have a sealing key and an identity
 * of their own, and join through its store. */
#ifndef CHSM_TESTS_CLUSTER_NODES_H
#define CHSM_TESTS_CLUSTER_NODES_H

#include "operator.h"

#include "cluster/join.h"
#include "cluster/join_message.h"
#include "vault/cluster.h"

struct node {
        struct hsm *hsm;
        struct sec *file_key;
        struct crypto_identity *identity;
        struct cluster_join join;
        unsigned waits, waits_max;
        char told[64];
        void (*meddle)(struct node *); /* after node 1 had its turn */
        bool answers;                  /* node 1 has its turn while this one waits */
        size_t at;                     /* of the byte to spoil */
};

extern struct node node_member; /* node 1's side of the cluster */
extern struct operator node_operator;

struct sec *node_open_sealed(void *node, struct slice sealed, struct err *);
void node_make(struct node *, struct hsm *, uint32_t number, struct crypto_identity *);
void node_free(struct node *);
void node_two(struct node *, struct hsm *); /* hsm2, number 2, of node_operator */
/* The vault of a node that has joined. */
struct vault *node_vault(struct node *);
/* It is not let in, for that reason, and nothing is stored. */
void node_refused(struct node *, enum err_id, const char *words);

struct copy {
        struct buf value;
        bool found;
};
bool store_value(struct hsm *, struct slice key, struct copy *);
void store_set(struct hsm *, struct slice key, struct slice value);

int nodes_setup(void **state);
int nodes_teardown(void **state);

#endif
