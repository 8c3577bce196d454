#include "server/watch.h"
#include "server/ticker.h"
#include "vault/cluster.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define EVERY_MS 1000

struct watch {
        struct server *server;
        struct ticker *ticker;
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

static void look(void *arg)
{
        look_at_load(arg);
        look_at_store(arg);
}

struct watch *watch_open(struct server *s, struct err *err)
{
        struct watch *w = calloc(1, sizeof(*w));

        if (!w) {
                err_set(err, ERR_MEMORY, "no memory to watch the node");
                return NULL;
        }
        w->server = s;
        w->at_us = time_us(CLOCK_MONOTONIC);
        w->cpu_us = time_us(CLOCK_PROCESS_CPUTIME_ID);
        w->ticker = ticker_start("that watches the node", EVERY_MS, look, w, err);
        if (!w->ticker)
                watch_close(&w);
        return w;
}

void watch_close(struct watch **wp)
{
        struct watch *w = *wp;

        *wp = NULL;
        if (!w)
                return;
        ticker_stop(&w->ticker);
        free(w);
}
