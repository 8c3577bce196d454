/* The pool under libchsm and under the daemon: connections to every endpoint, requests in flight, retry.
 *
 * It is a state machine over non-blocking connections and does no waiting of its own: the owner polls the
 * descriptors it names and calls client_pool_step. Not thread-safe: chsm.c locks, the daemon gives each of
 * its loops a pool of its own. */
#ifndef CHSM_CLIENT_POOL_H
#define CHSM_CLIENT_POOL_H

#include "base/clock.h"
#include "client/chsm.h"
#include <poll.h>

#define CLIENT_POOL_MOST 128 /* connections */

struct client_pool;

struct client_pool_config {
        struct chsm_options options;
        struct clock clock;
        uint8_t context[16]; /* of the hello messages the pool sends itself */
        bool learn;          /* and connect to the nodes that those it reaches tell of: pool_learn.c */
        const char *zone;    /* whose nodes are preferred; NULL or empty: none. Lent */
        /* Told when an endpoint is lost, each time for another reason, and when it is back (why: NULL). May
         * be NULL. */
        void (*notice)(const char *host, uint16_t port, const struct err *why);
};

struct client_pool *client_pool_new(const struct client_pool_config *, struct err *);
void client_pool_free(struct client_pool **); /* unanswered requests are told ERR_CONNECT; NULL-safe */
/* For a forked child: frees and closes, sends nothing, calls nobody back. */
void client_pool_abandon(struct client_pool **);
/* Connect at the next step although nothing is asked yet. */
void client_pool_connect(struct client_pool *);
/* True when every endpoint has failed since it last answered a hello. */
bool client_pool_unreachable(const struct client_pool *);

/* frame: encoded response without header, its id replaced by the caller's; NULL with err when no endpoint
 * answered in time. Valid during the call only. */
typedef void client_pool_reply(void *arg, uint8_t *frame, size_t n, const struct err *err);

/* Queues an encoded request (without header; its id field is replaced on the way, `caller_id` comes back).
 * The bytes are copied. deadline_ms from now. Sent at the next step or client_pool_flush. Returns a ticket
 * for client_pool_cancel, or 0 with err. */
uint64_t client_pool_submit(struct client_pool *, struct slice frame, uint64_t caller_id, int deadline_ms,
                            client_pool_reply *, void *arg, struct err *);
void client_pool_cancel(struct client_pool *, uint64_t);
/* Descriptors and events to poll for (at most cap), and the longest time to wait in ms (-1: for ever). */
size_t client_pool_fds(struct client_pool *, struct pollfd *, size_t cap, int *timeout_ms);
/* Reads, writes, reconnects, times out, calls back. fds: what poll returned, or NULL to look at everything.
 */
void client_pool_step(struct client_pool *, const struct pollfd *fds, size_t n);
void client_pool_flush(struct client_pool *);
size_t client_pool_in_flight(const struct client_pool *);
/* The last hello of any endpoint, or NULL. */
const Chsm__HelloResponse *client_pool_hello(const struct client_pool *);

/* A node as the pool sees it now. Texts are lent until the next step. */
struct client_pool_node {
        const char *host, *zone, *trouble; /* trouble: why it is not connected */
        uint16_t port;
        uint32_t number; /* 0: not known yet */
        bool connected, learned, preferred;
        bool rests;         /* others first: it asked for that, leaves, or is silent */
        size_t in_flight;   /* requests */
        int64_t latency_us; /* of uses; 0: not known */
        unsigned share;     /* per cent: less while it comes back */
};
/* How many, at most cap. */
size_t client_pool_nodes(const struct client_pool *, struct client_pool_node *, size_t cap);
/* Why the endpoints cannot be reached, for messages. */
void client_pool_trouble(const struct client_pool *, struct err *);

#endif
