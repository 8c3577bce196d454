/* The parts of a node behind its network: engine, store, audit log and vault, opened in order. */
#ifndef CHSM_SERVER_NODE_H
#define CHSM_SERVER_NODE_H

#include "events/events.h"
#include "server/certificates.h"
#include "server/conf.h"
#include "server/sealer.h"
#include "cluster/join.h"
#include "tls/tls.h"
#include <pthread.h>
#include <stdatomic.h>

struct node {
        const struct server_conf *conf;
        struct crypto *crypto;
        struct store *store;
        struct crypto_identity *identity; /* in a cluster */
        struct buf owner;                 /* PO.crt that a partition to be joined must have */
        struct server_sealer sealer;
        struct audit_writer *audit;
        struct events *events; /* NULL: no destination is configured */
        struct vault *vault;
        uint64_t seen; /* changes noted: seen.c */
        size_t noted;  /* bytes of records; 0: not in this run */
        struct certificates *certificates;
        _Atomic bool restored; /* the store is to be another one: the node is to start anew */
        uint16_t port;         /* as told to clients */
        char address[320];     /* host:port, as told to the other region */
        struct region *region; /* region.c; NULL: there is none to ask */
        pthread_mutex_t tls_lock;
        struct tls_context *tls; /* of the identity below */
        uint64_t tls_generation;
};

/* How the store of this configuration is opened; path: of the folder for one of this host. */
struct store_config node_store_config(const struct server_conf *, const char *path);
/* In a cluster: lets waiting nodes in, and tells that this one is there. Every second or so, one thread. */
void node_tick(struct node *);
/* port: as told to clients. Errors name part and cure. */
bool node_open(struct node *, const struct server_conf *, uint16_t port, struct err *);
void node_close(struct node *);
/* The context for a new connection, with a reference: made anew when the partition's certificate has changed
 * or after node_reload. NULL: err. */
struct tls_context *node_tls(struct node *, struct err *);
/* Reads the clients' certificates again at the next connection; opens the event log's file anew. */
void node_reload(struct node *);
/* node_cluster.c: opens identity and store of a cluster, and joins. signals: those that end the wait. */
bool node_cluster_open(struct node *, struct err *);
bool node_cluster_join(struct node *, struct err *);
struct cluster_join node_join_of(struct node *, bool (*go_on)(void *), void (*tell)(void *, const char *),
                                 void *arg);
/* The others know this node before it serves. */
bool node_cluster_begin(struct node *, struct err *);

#endif
