/* A pool of threads with a queue of jobs: the lanes for what must not run in an event loop. */
#ifndef CHSM_SERVER_POOL_H
#define CHSM_SERVER_POOL_H

#include "base/err.h"

#include <stdbool.h>

struct job {
        struct job *next;
        void (*run)(struct job *); /* on a thread of the pool; passes the job on */
};

struct pool;
struct pool *pool_new(const char *name, unsigned threads, struct err *);
/* Any thread. False once the pool is stopped: the job is not run and stays the caller's. */
bool pool_submit(struct pool *, struct job *);
/* Takes no more jobs, runs what is queued, then ends the threads. Others may go on submitting, in vain.
 * NULL-safe. */
void pool_stop(struct pool *);
/* Stops it; nobody knows it any more. NULL-safe. */
void pool_free(struct pool **);

#endif
