/* Event loops: each serves its connections on one thread. */
#ifndef CHSM_SERVER_LOOP_H
#define CHSM_SERVER_LOOP_H

#include "server/node.h"
#include "server/pool.h"

/* What all loops share; outlives them. */
struct server {
        struct schedule *schedule; /* NULL: the node makes no backups by itself */
        struct node *node;
        struct pool *commit, *slow;
        struct loop **loops;
        unsigned loop_count;
        _Atomic size_t connections;
        _Atomic bool stopping, draining;
        _Atomic uint64_t accepted, refused;
        _Atomic size_t in_flight; /* requests that the pools have */
};

/* listen_fd: accepted on by this loop and handed to all in turn, or -1. The thread starts with loop_start,
 * when all loops are in server.loops. */
struct loop *loop_new(struct server *, int listen_fd, struct err *);
bool loop_start(struct loop *, struct err *);
/* Any thread: looks up from waiting. */
void loop_wake(struct loop *);
/* Waits for the thread, which ends once server.stopping is set and its connections are gone. NULL-safe. */
void loop_join(struct loop **);

#endif
