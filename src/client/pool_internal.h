/* What the files pool*.c share: requests, connections and the pool. Not for other files. */
#ifndef CHSM_CLIENT_POOL_INTERNAL_H
#define CHSM_CLIENT_POOL_INTERNAL_H

#include "client/pool.h"
#include "client/pool_choose.h"
#include "wire/frame.h"

#define POOL_ZONE_SIZE 32
#define POOL_ALIVE_MS  1000 /* for the answer to a hello, until a node is given up */

enum pool_state { POOL_DOWN, POOL_HANDSHAKE, POOL_HELLO, POOL_READY };

struct pool_conn {
        struct pool_gauge *gauge; /* its own, beside those of the others */
        const char *host;         /* NULL: this place is free */
        uint16_t port;
        bool is_new;           /* and to be dialled although nothing is asked */
        bool learned;          /* not configured: a node told of it */
        bool leaves;           /* is no node of the cluster any more: freed when it has no requests */
        uint32_t expected;     /* number of the node that was said to be there; 0: any */
        int64_t missing_since; /* that the first answer did not tell of it; 0: the last did */
        int64_t learn_at;      /* when this node is asked for the others again */
        enum pool_state state;
        struct wire_conn *conn;
        struct wire_reader *reader;
        struct buf out;
        size_t out_at;      /* written so far */
        bool want_write;    /* the handshake waits for writability */
        bool broken;        /* a write failed outside of a step: the next step closes */
        bool elevated;      /* the node has seen a valid ticket here: large frames may go */
        uint64_t hello_id;  /* unanswered hello, or 0 */
        uint64_t elevates;  /* wire id of the request whose ticket that hello carries, or 0 */
        int64_t retry_at;   /* when down: not before */
        int64_t give_up_at; /* until ready, or until a hello that asks whether it lives is answered */
        int64_t heard_at;   /* of anything, since it has requests */
        int64_t asked_at;   /* the unanswered hello went out */
        bool doubled;       /* since then its uses were given to others as well */
        unsigned failures;  /* since the last hello answered */
        uint32_t node;      /* number of the node that answers here; 0: not yet known */
        char zone[POOL_ZONE_SIZE];
        struct err trouble; /* why it went down last */
};

struct pool_request {
        struct pool_request *next, *prev; /* in the queue of those waiting for a connection */
        struct pool_conn *conn;           /* sent here; NULL: waiting */
        struct pool_conn *first;          /* has it as well, and was silent; NULL: none */
        bool use;                         /* may be done twice at once: wire_frame_use */
        int64_t sent_us;
        uint64_t wire_id, caller_id;
        uint32_t node; /* that alone can do it; 0: any */
        int64_t deadline, not_before;
        unsigned attempts;
        unsigned elsewhere; /* nodes whose region does not do it */
        uint32_t put_off;   /* reason of the last node that wanted it asked again; 0: none did */
        client_pool_reply *reply;
        void *arg;
        size_t n;
        uint8_t frame[];
};

struct pool_hello { /* kept until the end: callers hold pointers into it */
        struct pool_hello *older;
        struct arena *arena;
        const Chsm__HelloResponse *response;
};

struct client_pool {
        struct client_pool_config config;
        struct pool_conn *conns;
        struct pool_gauge *gauges; /* of the same index */
        size_t conn_count;         /* places taken once */
        size_t conn_room;
        uint8_t partition[16]; /* of the first hello of a configured node */
        bool partition_known;
        struct pool_request **slots; /* by low half of the wire id, less one */
        size_t slot_count, in_flight;
        int64_t soonest;                   /* no deadline is before; of no meaning without requests */
        struct pool_request *first, *last; /* waiting */
        int64_t now, now_us;               /* of this step */
        uint32_t sequence, chance;
        size_t chosen; /* the last connection that was */
        bool wanted;   /* connect although nothing is asked yet */
        struct pool_hello *hello;
};

int64_t pool_now(const struct client_pool *);
struct pool_request *pool_request_find(const struct client_pool *, uint64_t wire_id);
/* Takes the request out and calls back. frame NULL: err. */
void pool_request_end(struct client_pool *, struct pool_request *, uint8_t *frame, size_t n,
                      const struct err *);
/* Back into the queue, to be sent again after a while (at once the first time). */
void pool_request_again(struct client_pool *, struct pool_request *);
/* Back into the queue, for another node; whoever answers first has done it. */
void pool_request_double(struct client_pool *, struct pool_request *);

/* pool_watch.c: a node that has requests and says nothing is asked whether it lives. Only where there are
 * others. When something is due next (INT64_MAX: nothing), and doing it. */
int64_t pool_watch_due(const struct client_pool *, const struct pool_conn *);
void pool_watch(struct client_pool *, struct pool_conn *);

bool pool_conn_dial(struct client_pool *, struct pool_conn *);
void pool_conn_down(struct client_pool *, struct pool_conn *, const struct err *);
void pool_conn_step(struct client_pool *, struct pool_conn *);
/* Writes what is queued; a failure only marks the connection as broken. */
void pool_conn_flush(struct pool_conn *);
bool pool_conn_send(struct pool_conn *, struct slice frame);
bool pool_conn_hello(struct client_pool *, struct pool_conn *, struct slice ticket, struct slice context);
/* pool_learn.c: what a hello tells of other nodes is taken over; false: a learned address is that of a node
 * that is none of this cluster's. When a node is to be asked again, and asking, and freeing those that are
 * gone. */
bool pool_learn_take(struct client_pool *, struct pool_conn *, const Chsm__HelloResponse *, struct err *);
int64_t pool_learn_due(const struct client_pool *, const struct pool_conn *);
void pool_learn_step(struct client_pool *, struct pool_conn *);

void pool_conn_close(struct pool_conn *);
/* A write failed: nobody is to choose it, and the next step closes it. */
void pool_conn_break(struct pool_conn *);

#endif
