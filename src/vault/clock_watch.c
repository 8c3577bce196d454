#include "vault/clock_watch.h"
#include "base/log.h"
#include "vault/members.h"

#include <stdlib.h>

struct said {
        int64_t heard_ms; /* monotonic; 0: never */
        int64_t ahead_ms; /* of us */
};

struct vault_clock_watch {
        pthread_mutex_t lock;
        struct said said[VAULT_MEMBERS_MAX];
        _Atomic int64_t
            base_ms; /* time of day less the time that only passes, when another node agreed; 0: never */
        _Atomic int64_t off_ms; /* that at least two others are ahead of us, and none agrees */
        _Atomic bool told;      /* the log has it */
};

bool vault_clock_open(struct vault *v, struct err *err)
{
        v->clock_watch = calloc(1, sizeof(*v->clock_watch));
        if (!v->clock_watch)
                return err_set(err, ERR_MEMORY, "no memory to watch the clock");
        pthread_mutex_init(&v->clock_watch->lock, NULL);
        return true;
}

void vault_clock_close(struct vault *v)
{
        if (v->clock_watch)
                pthread_mutex_destroy(&v->clock_watch->lock);
        free(v->clock_watch);
        v->clock_watch = NULL;
}

static bool is_apart(int64_t ms)
{
        return ms > VAULT_CLOCK_APART_MS || ms < -VAULT_CLOCK_APART_MS;
}

/* The lock is held. */
static int64_t off_by(const struct vault_clock_watch *w, int64_t mono_ms)
{
        unsigned agree = 0, differ = 0;
        int64_t ahead = 0;

        for (size_t i = 0; i < VAULT_MEMBERS_MAX; i++) {
                if (!w->said[i].heard_ms || mono_ms - w->said[i].heard_ms > VAULT_SILENT_MS)
                        continue;
                if (is_apart(w->said[i].ahead_ms)) {
                        differ++;
                        ahead = w->said[i].ahead_ms;
                } else {
                        agree++;
                }
        }
        return differ >= 2 && !agree ? ahead : 0;
}

void vault_clock_heard(struct vault *v, uint32_t node, int64_t wall_ms)
{
        struct vault_clock_watch *w = v->clock_watch;
        int64_t mono = clock_mono_ms(&v->deps.clock), wall = clock_wall_ms(&v->deps.clock);

        if (node == v->config.node_number || node >= VAULT_MEMBERS_MAX)
                return;
        pthread_mutex_lock(&w->lock);
        w->said[node] = (struct said){ mono ? mono : 1, wall_ms - wall };
        if (!is_apart(wall_ms - wall))
                atomic_store(&w->base_ms, wall - mono);
        atomic_store(&w->off_ms, off_by(w, mono));
        pthread_mutex_unlock(&w->lock);
}

bool vault_clock_believed(struct vault *v, struct err *err)
{
        struct vault_clock_watch *w = v->clock_watch;
        int64_t base = atomic_load_explicit(&w->base_ms, memory_order_relaxed), ahead = 0;
        struct err words = ERR_INIT;

        if (base)
                ahead = clock_wall_ms(&v->deps.clock) - clock_mono_ms(&v->deps.clock) - base;
        if (!is_apart(ahead))
                ahead = -atomic_load_explicit(&w->off_ms, memory_order_relaxed);
        if (!is_apart(ahead)) {
                if (atomic_exchange(&w->told, false))
                        log_info("the clock of this node is that of the others again");
                return true;
        }
        err_set(&words, ERR_RETRY,
                "the clock of node '%s' is %lld s %s the other nodes'; try another node, and set this one's "
                "clock",
                v->config.node_name, (long long)((ahead < 0 ? -ahead : ahead) / 1000),
                ahead < 0 ? "behind" : "ahead of");
        if (!atomic_exchange(&w->told, true))
                log_error("%s", words.detail);
        if (err)
                *err = words;
        return false;
}
