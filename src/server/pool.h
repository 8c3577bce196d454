/* A pool of threads with a queue of jobs: the lanes for what must not run in an event loop. */
#ifndef CHSM_SERVER_POOL_H
#define CHSM_SERVER_POOL_H

#include "base/err.h"

struct job {
        struct job *next;
        void (*run)(struct job *); /* on a thread of the pool; passes the job on */
};

struct pool;
struct pool *pool_new(const char *name, unsigned threads, struct err *);
void pool_submit(struct pool *, struct job *);
/* Runs what is queued, then ends the threads. NULL-safe. */
void pool_stop(struct pool **);

#endif
