#include "server/drain.h"
#include "base/log.h"
#include "server/status.h"
#include "vault/cluster.h"

#include <systemd/sd-daemon.h>
#include <time.h>

#define LOOK_MS  50
#define QUIET    3 /* looks in a row that found nothing under way */
#define SPEAK_MS 1000

static int64_t now_ms(void)
{
        struct clock clock = clock_system();

        return clock_mono_ms(&clock);
}

static bool is_idle(struct server *s)
{
        return atomic_load(&s->in_flight) == 0 && vault_drained(s->node->vault);
}

void server_drain(struct server *s, const sigset_t *signals)
{
        static const struct timespec look = { .tv_nsec = LOOK_MS * 1000000L };
        int64_t began = now_ms(), spoke = 0, now = began;
        int64_t until = began + s->node->conf->drain_s * 1000;
        struct err err = ERR_INIT;
        int quiet = 0;

        log_info("draining: nothing new is taken, what is under way is finished");
        (void)sd_notify(0, "STOPPING=1\nSTATUS=draining");
        server_status_set(s->node->conf, "draining", NULL);
        atomic_store(&s->draining, true);
        vault_drain(s->node->vault);
        while (quiet < QUIET && now < until) {
                if (!spoke || now - spoke >= SPEAK_MS) {
                        node_tick(s->node);
                        spoke = now;
                }
                quiet = is_idle(s) ? quiet + 1 : 0;
                if (sigtimedwait(signals, NULL, &look) > 0)
                        break;
                now = now_ms();
        }
        if (now >= until)
                log_warning("the drain took longer than drain_s: what is under way is given up");
        if (!vault_member_end(s->node->vault, &err))
                log_warning("the other nodes cannot be told that this one has ended: %s", err.detail);
}
