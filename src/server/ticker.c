#include "server/ticker.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct ticker {
        void (*tick)(void *);
        void *arg;
        int every_ms;
        pthread_t thread;
        pthread_mutex_t lock;
        pthread_cond_t wake; /* of the monotonic clock: a day set back must not be a day's pause */
        bool stopping;
};

/* False: the end. */
static bool rest(struct ticker *t)
{
        struct timespec until;
        bool go_on;

        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += t->every_ms / 1000;
        until.tv_nsec += t->every_ms % 1000 * 1000000L;
        if (until.tv_nsec >= 1000000000L) {
                until.tv_sec++;
                until.tv_nsec -= 1000000000L;
        }
        pthread_mutex_lock(&t->lock);
        while (!t->stopping && pthread_cond_timedwait(&t->wake, &t->lock, &until) != ETIMEDOUT)
                continue;
        go_on = !t->stopping;
        pthread_mutex_unlock(&t->lock);
        return go_on;
}

static void *run(void *arg)
{
        struct ticker *t = arg;

        do
                t->tick(t->arg);
        while (rest(t));
        return NULL;
}

static void ticker_free(struct ticker *t)
{
        pthread_mutex_destroy(&t->lock);
        pthread_cond_destroy(&t->wake);
        free(t);
}

struct ticker *ticker_start(const char *what, int every_ms, void (*tick)(void *), void *arg, struct err *err)
{
        struct ticker *t = calloc(1, sizeof(*t));
        pthread_condattr_t monotonic;

        if (!t) {
                err_set(err, ERR_MEMORY, "no memory for the thread %s", what);
                return NULL;
        }
        *t = (struct ticker){ .tick = tick, .arg = arg, .every_ms = every_ms };
        pthread_mutex_init(&t->lock, NULL);
        pthread_condattr_init(&monotonic);
        pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
        pthread_cond_init(&t->wake, &monotonic);
        pthread_condattr_destroy(&monotonic);
        if (pthread_create(&t->thread, NULL, run, t) == 0)
                return t;
        ticker_free(t);
        err_set(err, ERR_MEMORY, "the thread %s cannot be started", what);
        return NULL;
}

void ticker_stop(struct ticker **tp)
{
        struct ticker *t = *tp;

        *tp = NULL;
        if (!t)
                return;
        pthread_mutex_lock(&t->lock);
        t->stopping = true;
        pthread_cond_signal(&t->wake);
        pthread_mutex_unlock(&t->lock);
        (void)pthread_join(t->thread, NULL);
        ticker_free(t);
}
