/* Inside the loops: connections and the jobs they wait for. */
#ifndef CHSM_SERVER_LOOP_INTERNAL_H
#define CHSM_SERVER_LOOP_INTERNAL_H

#include "server/loop.h"
#include "wire/frame.h"
#include "wire/conn.h"

#include <sys/queue.h>

struct conn {
        struct conn *next, *prev; /* of the loop */
        struct loop *loop;
        struct wire_conn *wire;
        struct wire_reader *reader;
        struct vault_peer peer;
        struct buf out;
        size_t out_at;      /* bytes of out that are sent */
        unsigned in_flight; /* jobs not yet back */
        size_t held;        /* bytes of their requests */
        uint32_t interest;  /* epoll events asked for */
        int64_t since_ms;   /* of the last byte from the peer */
        TAILQ_ENTRY(conn) again;
        bool is_again; /* stands in the loop's list */
        bool shaking, wants_write, closing, raised;
};

/* A request on its way through a pool. */
struct request_job {
        struct job job;
        struct request_job *next;
        struct loop *loop;
        struct conn *conn;
        struct arena *arena; /* holds the request */
        const Chsm__Request *request;
        size_t n; /* bytes of it */
        struct buf answer;
        bool ticket_valid;
};

TAILQ_HEAD(conn_list, conn);

struct loop {
        struct server *server;
        pthread_t thread;
        bool started;
        int epoll, wake, listener;
        struct conn *conns;
        struct arena *arena;
        pthread_mutex_t lock; /* inbox and done */
        int *inbox;           /* accepted sockets handed over */
        size_t inbox_n, inbox_cap;
        struct request_job *done;
        struct request_job *spare; /* the loop's own */
        size_t spares;
        unsigned next_loop;
        struct conn_list again; /* those with frames left that no event will tell of */
};

/* ---- conn.c ---- */
void conn_open(struct loop *, int fd);
/* Moves the connection on as far as it goes; may free it. */
void conn_step(struct conn *);
/* A job's answer is back. */
void conn_done(struct request_job *);
void conn_close(struct conn *);
/* Puts it at the end of the loop's list of those to be stepped again, or takes it out. */
void conn_again(struct conn *, bool again);

int64_t loop_now(void);
struct request_job *loop_job(struct loop *);
void loop_job_free(struct loop *, struct request_job *);

#endif
