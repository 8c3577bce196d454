#include "server/watch.h"
#include "vault/cluster.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define EVERY_MS 1000

struct watch {
        struct server *server;
        pthread_t thread;
        bool started, stopping;
        pthread_mutex_t lock;
        pthread_cond_t wake;
        uint64_t calls; /* at the last look */
        int64_t at_us, cpu_us;
};

static int64_t time_us(clockid_t clock)
{
        struct timespec t = { 0 };

        (void)clock_gettime(clock, &t);
        return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void look_at_load(struct watch *w)
{
        struct vault_metrics m;
        int64_t now = time_us(CLOCK_MONOTONIC), cpu = time_us(CLOCK_PROCESS_CPUTIME_ID);
        int64_t took = now - w->at_us;
        long processors = sysconf(_SC_NPROCESSORS_ONLN);
        struct vault_load load = { 0 };

        vault_metrics(w->server->node->vault, &m);
        if (took > 0) {
                load.in_flight = (uint32_t)atomic_load(&w->server->in_flight);
                load.per_second = (uint32_t)((m.calls - w->calls) * 1000000 / (uint64_t)took);
                load.cpu_permille =
                    (uint32_t)((cpu - w->cpu_us) * 1000 / took / (processors > 0 ? processors : 1));
                vault_set_load(w->server->node->vault, &load);
        }
        w->calls = m.calls;
        w->at_us = now;
        w->cpu_us = cpu;
}

static void look_at_store(struct watch *w)
{
        struct store_health health;
        struct err err = ERR_INIT;

        (void)store_health(w->server->node->store, &health, &err);
        vault_set_store_health(w->server->node->vault, &health);
}

/* False: the end. */
static bool rest(struct watch *w)
{
        int64_t until = time_us(CLOCK_MONOTONIC) + EVERY_MS * 1000;
        struct timespec t = { .tv_sec = until / 1000000, .tv_nsec = until % 1000000 * 1000 };
        bool go_on;

        pthread_mutex_lock(&w->lock);
        while (!w->stopping && pthread_cond_timedwait(&w->wake, &w->lock, &t) != ETIMEDOUT)
                ;
        go_on = !w->stopping;
        pthread_mutex_unlock(&w->lock);
        return go_on;
}

static void *run(void *arg)
{
        struct watch *w = arg;

        do {
                look_at_load(w);
                look_at_store(w);
        } while (rest(w));
        return NULL;
}

struct watch *watch_open(struct server *s, struct err *err)
{
        struct watch *w = calloc(1, sizeof(*w));
        pthread_condattr_t monotonic;

        if (!w) {
                err_set(err, ERR_MEMORY, "no memory to watch the node");
                return NULL;
        }
        w->server = s;
        pthread_mutex_init(&w->lock, NULL);
        pthread_condattr_init(&monotonic);
        pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
        pthread_cond_init(&w->wake, &monotonic);
        pthread_condattr_destroy(&monotonic);
        w->at_us = time_us(CLOCK_MONOTONIC);
        w->cpu_us = time_us(CLOCK_PROCESS_CPUTIME_ID);
        w->started = pthread_create(&w->thread, NULL, run, w) == 0;
        if (!w->started) {
                err_set(err, ERR_MEMORY, "the thread that watches the node cannot be started");
                watch_close(&w);
        }
        return w;
}

void watch_close(struct watch **wp)
{
        struct watch *w = *wp;

        *wp = NULL;
        if (!w)
                return;
        pthread_mutex_lock(&w->lock);
        w->stopping = true;
        pthread_cond_signal(&w->wake);
        pthread_mutex_unlock(&w->lock);
        if (w->started)
                pthread_join(w->thread, NULL);
        pthread_mutex_destroy(&w->lock);
        pthread_cond_destroy(&w->wake);
        free(w);
}
