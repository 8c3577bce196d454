/* The parts of a node behind its network: engine, store, audit log and vault, opened in order. */
#ifndef CHSM_SERVER_NODE_H
#define CHSM_SERVER_NODE_H

#include "events/events.h"
#include "server/conf.h"
#include "server/sealer.h"
#include "tls/tls.h"
#include <pthread.h>
#include <stdatomic.h>

struct node {
        const struct server_conf *conf;
        struct crypto *crypto;
        struct store *store;
        struct server_sealer sealer;
        struct audit_writer *audit;
        struct events *events; /* NULL: no destination is configured */
        struct vault *vault;
        pthread_mutex_t tls_lock;
        struct tls_context *tls; /* of the identity below */
        uint64_t tls_generation;
};

/* port: as told to clients. Errors name part and cure. */
bool node_open(struct node *, const struct server_conf *, uint16_t port, struct err *);
void node_close(struct node *);
/* The context for a new connection, with a reference: made anew when the partition's certificate has changed
 * or after node_reload. NULL: err. */
struct tls_context *node_tls(struct node *, struct err *);
/* Reads the clients' certificates again at the next connection; opens the event log's file anew. */
void node_reload(struct node *);

#endif
