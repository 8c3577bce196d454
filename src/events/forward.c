/* From the spool to one destination: in order, until it takes them. */
#include "base/log.h"
#include "events/internal.h"

#include <stdlib.h>
#include <sys/random.h>

#define RETRY_FIRST_MS 500

/* Between half and all of `ms`, so that many nodes do not come back at the same moment. */
static int64_t jittered(int64_t ms)
{
        uint32_t random = 0;

        if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
                random = UINT32_MAX / 2;
        return ms / 2 + (int64_t)((uint64_t)ms / 2 * random / UINT32_MAX);
}

static uint64_t lines_in(struct slice s)
{
        uint64_t n = 0;

        for (size_t i = 0; i < s.n; i++)
                n += s.p[i] == '\n';
        return n;
}

/* False: it is time to end. */
static bool deliver(struct events_forward *f, struct slice lines)
{
        int64_t wait = RETRY_FIRST_MS, most = (int64_t)f->retry_max_s * 1000;
        size_t done = 0;

        while (done < lines.n) {
                struct err err = ERR_INIT;
                size_t sent = 0;
                bool ok = f->sink.send(f->sink.arg, slice_of(lines.p + done, lines.n - done), &sent, &err);

                if (sent) {
                        atomic_fetch_add(&f->sent, lines_in(slice_of(lines.p + done, sent)));
                        events_spool_done(f->spool, f->reader, sent);
                        wait = RETRY_FIRST_MS;
                        done += sent;
                }
                if (ok && f->failing)
                        log_info("events go to %s again", f->sink.name);
                if (!ok && !f->failing && !events_spool_closing(f->spool))
                        log_warning("events wait on disk for %s: %s", f->sink.name, err.detail);
                f->failing = !ok;
                if (ok)
                        continue;
                atomic_fetch_add(&f->retries, 1);
                if (!events_spool_pause(f->spool, jittered(wait < most ? wait : most)))
                        return false;
                wait = wait * 2 < most ? wait * 2 : most;
        }
        return true;
}

static void *forward_main(void *arg)
{
        struct events_forward *f = arg;
        struct buf lines = BUF_INIT;
        struct err err = ERR_INIT;

        for (;;) {
                buf_reset(&lines);
                if (!events_spool_read(f->spool, f->reader, f->sink.most, &lines, &err)) {
                        if (events_spool_closing(f->spool))
                                break;
                        log_error("%s", err.detail);
                        if (!events_spool_pause(f->spool, (int64_t)f->retry_max_s * 1000))
                                break;
                        continue;
                }
                if (!deliver(f, buf_slice(&lines)))
                        break;
        }
        buf_clear(&lines);
        return NULL;
}

bool events_forward_start(struct events_forward *f, struct err *err)
{
        f->started = pthread_create(&f->thread, NULL, forward_main, f) == 0;
        return f->started || err_set(err, ERR_MEMORY, "a thread for events cannot be started");
}

void events_forward_join(struct events_forward *f)
{
        if (f->started)
                pthread_join(f->thread, NULL);
        f->started = false;
        if (f->sink.close)
                f->sink.close(f->sink.arg);
        f->sink.close = NULL;
}
