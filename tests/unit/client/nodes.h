/* Nodes that are no more than what they say: a dialer, a clock and answers for a pool, all in the test's
 * hands.
 *
 * Time stands still but for nodes_pass. A node answers hellos at once and keeps requests until the test lets
 * it answer; stopped, it takes bytes and does nothing. */
#ifndef CHSM_TESTS_CLIENT_NODES_H
#define CHSM_TESTS_CLIENT_NODES_H

#include "test.h"

#include "client/pool.h"
#include "wire/frame.h"

#define NODES_MAX 80
#define HELD_MAX  256

struct nodes;
struct node {
        struct nodes *all;
        char host[280];
        uint16_t port;
        const char *alias; /* another name of it, which is what is configured; NULL: none */
        uint32_t number;
        uint32_t claims; /* says that it is this one; 0: the truth */
        char zone[32];
        bool down;    /* nobody listens */
        bool stopped; /* the process does nothing */
        bool hidden;  /* the others do not tell of it */
        uint8_t partition;
        struct held {
                uint64_t id;
                struct node_conn *conn;
        } held[HELD_MAX];   /* requests */
        size_t held_n, got; /* got: requests in all */
        unsigned dialled, hellos;
        struct node_conn *conn, *conns; /* the last one; all of them */
};

struct nodes {
        int64_t now_us;
        struct node list[NODES_MAX];
        size_t n;
        struct client_pool *pool;
        unsigned lost, back; /* notices */
        size_t answered, failed;
        struct err last;
};

/* n nodes "10.0.0.1" and on, numbers from 1. */
void nodes_init(struct nodes *, size_t n);
void nodes_clear(struct nodes *);
/* A pool with the first `seeds` of them configured. */
void nodes_pool(struct nodes *, size_t seeds, const char *zone);
void nodes_pool_learning(struct nodes *, size_t seeds);
/* Time passes a millisecond at a time, with the steps of the pool. */
void nodes_pass(struct nodes *, int64_t ms);
void nodes_step(struct nodes *);
/* Submits a request of that kind and lets it be sent; which node has it, or NULL. */
struct node *nodes_ask(struct nodes *, Chsm__Request__BodyCase, uint64_t stream);
struct node *nodes_sign(struct nodes *);
/* Answers all that the node has; at the pool's next step they are heard. */
void node_answer(struct node *);
/* As another kind of answer. */
void node_put_off(struct node *, enum err_id);
/* The connection is reset, and until it is up again nobody listens. */
void node_kill(struct node *);
/* Goes on with what it was sent meanwhile. */
void node_continue(struct node *);

#endif
