/* The writer: takes events from the ring, makes records of them, and keeps them in file and spool. */
#include "events/events.h"
#include "base/clock.h"
#include "base/log.h"
#include "events/internal.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BATCH_MOST 1024 /* records made at once */
#define PACE_MS    10   /* how long records gather */
#define RETRY_MS   100  /* between tries to keep records that commands wait for */

/* Where records are kept: the file, and the spool. */
struct outlet {
        const char *name;
        bool (*put)(struct events *, struct slice lines, struct err *);
        bool used, failing;
        uint64_t lost; /* records since the last that it took */
};
enum { FILE_OUTLET, SPOOL_OUTLET, OUTLETS };

struct events {
        struct events_config config;
        struct events_ring ring;
        struct events_format format;
        struct events_file *file;
        struct events_spool *spool;
        struct events_forward forwards[3];
        size_t forward_n;
        struct outlet outlets[OUTLETS];
        struct buf batch;
        uint64_t batch_n;
        pthread_t thread;
        bool started;
        sem_t wake;
        _Atomic bool sleeping; /* the writer waits to be woken */
        _Atomic bool closing, full;
        _Atomic uint64_t overrun; /* events that found the ring full and are not told yet */
        _Atomic uint64_t taken, lost;
};

/* ---- any thread ---- */

static void copy_text(char *into, size_t cap, const char *from)
{
        size_t n = strnlen(from, cap - 1);

        memcpy(into, from, n);
        into[n] = '\0';
}

/* Whoever may not lose records waits until the writer has made room. */
static struct events_slot *claim(struct events *e)
{
        static const struct timespec moment = { .tv_nsec = 1000000 };
        struct events_slot *slot;

        while (!(slot = events_ring_claim(&e->ring)) && e->config.refuse)
                (void)nanosleep(&moment, NULL);
        return slot;
}

static void writer_wake(struct events *e)
{
        if (atomic_load_explicit(&e->sleeping, memory_order_relaxed) && atomic_exchange(&e->sleeping, false))
                (void)sem_post(&e->wake);
}

void events_add(struct events *e, const struct events_event *event)
{
        struct events_slot *slot = claim(e);

        if (!slot) {
                atomic_fetch_add(&e->overrun, 1);
                return;
        }
        slot->time_ms = clock_system().wall_ms(NULL);
        slot->operation = event->operation;
        slot->opcode = (uint16_t)event->opcode;
        slot->reason = (uint16_t)event->reason;
        slot->duration_us = event->duration_us < UINT32_MAX ? (uint32_t)event->duration_us : UINT32_MAX;
        copy_text(slot->address, sizeof(slot->address), event->address);
        copy_text(slot->client, sizeof(slot->client), event->client);
        if (e->config.names) {
                copy_text(slot->user, sizeof(slot->user), event->user ? event->user : "");
                slot->object = event->object;
                slot->session = event->session;
        }
        events_ring_publish(slot);
        atomic_thread_fence(memory_order_seq_cst); /* the writer says it sleeps, then looks once more */
        writer_wake(e);
}

bool events_may(struct events *e, struct err *err)
{
        if (!atomic_load_explicit(&e->full, memory_order_relaxed))
                return true;
        return err_set(err, ERR_AUDIT,
                       "the operation event log cannot be kept now, and this node does nothing that it does "
                       "not record (events_full = refuse); its operator sees why in the node's log");
}

void events_reopen(struct events *e)
{
        if (e->file)
                events_file_reopen(e->file);
}

void events_counts(struct events *e, struct events_counts *out)
{
        *out = (struct events_counts){ .taken = atomic_load(&e->taken), .lost = atomic_load(&e->lost) };
        out->spooled_bytes = e->spool ? events_spool_bytes(e->spool) : 0;
        for (size_t i = 0; i < e->forward_n; i++) {
                out->destinations[i].name = e->forwards[i].sink.name;
                out->destinations[i].sent = atomic_load(&e->forwards[i].sent);
                out->destinations[i].retries = atomic_load(&e->forwards[i].retries);
        }
}

/* ---- the writer's thread ---- */

static bool file_put(struct events *e, struct slice lines, struct err *err)
{
        return events_file_put(e->file, lines, err);
}

static bool spool_put(struct events *e, struct slice lines, struct err *err)
{
        return events_spool_put(e->spool, lines, err);
}

/* The batch, with a record before it that tells what was lost since the last one. */
static bool outlet_try(struct events *e, struct outlet *o, struct err *err)
{
        struct buf all = BUF_INIT;
        bool ok;

        if (o->lost == 0)
                return o->put(e, buf_slice(&e->batch), err);
        events_format_lost(&e->format, o->lost, &all);
        buf_put_slice(&all, buf_slice(&e->batch));
        ok = (buf_ok(&all) || err_set(err, ERR_MEMORY, "no memory for a batch of events")) &&
             o->put(e, buf_slice(&all), err);
        buf_clear(&all);
        return ok;
}

static void outlet_put(struct events *e, struct outlet *o)
{
        for (;;) {
                struct err err = ERR_INIT;
                bool ok = outlet_try(e, o, &err);

                if (ok && o->failing)
                        log_warning("events are kept again in the %s; %llu were lost", o->name,
                                    (unsigned long long)o->lost);
                if (!ok && !o->failing)
                        log_error("%s", err.detail);
                o->failing = !ok;
                if (ok) {
                        o->lost = 0;
                        return;
                }
                if (!e->config.refuse || atomic_load(&e->closing))
                        break;
                atomic_store(&e->full, true);
                (void)usleep(RETRY_MS * 1000);
        }
        o->lost += e->batch_n;
        atomic_fetch_add(&e->lost, e->batch_n);
}

static void batch_keep(struct events *e)
{
        uint64_t overrun = atomic_exchange(&e->overrun, 0);

        atomic_fetch_add(&e->lost, overrun);
        for (int i = 0; i < OUTLETS; i++) {
                e->outlets[i].lost += e->outlets[i].used ? overrun : 0;
                if (e->outlets[i].used && (e->batch_n || e->outlets[i].lost))
                        outlet_put(e, &e->outlets[i]);
        }
        atomic_store(&e->full, false);
        atomic_fetch_add(&e->taken, e->batch_n);
}

/* False: there was nothing. */
static bool batch_make(struct events *e)
{
        struct events_slot *slot;

        buf_reset(&e->batch);
        e->batch_n = 0;
        while (e->batch_n < BATCH_MOST && (slot = events_ring_peek(&e->ring)) != NULL) {
                events_format_put(&e->format, slot, &e->batch);
                events_ring_release(&e->ring, slot);
                e->batch_n++;
        }
        if (!buf_ok(&e->batch)) { /* no memory: as if the ring had been full */
                atomic_fetch_add(&e->overrun, e->batch_n);
                buf_reset(&e->batch);
                e->batch_n = 0;
        }
        return e->batch_n != 0;
}

/* Sleeps until there is an event. While some come, the writer looks by itself every few milliseconds, so that
 * an event costs no system call. */
static void rest(struct events *e)
{
        atomic_store(&e->sleeping, true);
        if (!events_ring_peek(&e->ring) && !atomic_load(&e->closing)) {
                while (sem_wait(&e->wake) != 0 && errno == EINTR)
                        ;
        }
        atomic_store(&e->sleeping, false);
}

static void *writer_main(void *arg)
{
        struct events *e = arg;

        while (!atomic_load(&e->closing)) {
                if (!batch_make(e) && atomic_load(&e->overrun) == 0) {
                        rest(e);
                        continue;
                }
                batch_keep(e);
                if (e->batch_n < BATCH_MOST)
                        (void)usleep(PACE_MS * 1000);
        }
        while (batch_make(e))
                batch_keep(e);
        if (atomic_load(&e->overrun))
                batch_keep(e);
        for (int i = 0; i < OUTLETS; i++) {
                if (e->outlets[i].lost)
                        log_error("%llu events were lost, as the %s did not take them",
                                  (unsigned long long)e->outlets[i].lost, e->outlets[i].name);
        }
        return NULL;
}

/* ---- life ---- */

static bool sinks_open(struct events *e, struct err *err)
{
        const struct events_config *c = &e->config;

        if (c->syslog[0] && !events_syslog_open(&e->forwards[e->forward_n++].sink, c->syslog, err))
                return false;
        if (c->journal[0] && !events_journal_open(&e->forwards[e->forward_n++].sink, c->journal, err))
                return false;
        return !c->url[0] || events_https_open(&e->forwards[e->forward_n++].sink, c, &e->closing, err);
}

static bool spool_open(struct events *e, struct err *err)
{
        const char *names[3] = { NULL };
        bool torn = false;

        for (size_t i = 0; i < e->forward_n; i++)
                names[i] = e->forwards[i].sink.name;
        e->spool = events_spool_open(e->config.folder, e->config.spool_max, names, e->forward_n, &torn, err);
        if (!e->spool)
                return false;
        if (torn) {
                e->outlets[SPOOL_OUTLET].lost = 1;
                atomic_fetch_add(&e->lost, 1);
        }
        e->outlets[SPOOL_OUTLET].used = true;
        for (size_t i = 0; i < e->forward_n; i++) {
                e->forwards[i].spool = e->spool;
                e->forwards[i].reader = i;
                e->forwards[i].retry_max_s = e->config.retry_max_s;
        }
        return true;
}

static bool start(struct events *e, struct err *err)
{
        for (size_t i = 0; i < e->forward_n; i++) {
                if (!events_forward_start(&e->forwards[i], err))
                        return false;
        }
        e->started = pthread_create(&e->thread, NULL, writer_main, e) == 0;
        return e->started || err_set(err, ERR_MEMORY, "the thread of the event log cannot be started");
}

struct events *events_open(const struct events_config *c, struct err *err)
{
        struct events *e;
        bool ok;

        if (!c->file[0] && !c->syslog[0] && !c->journal[0] && !c->url[0])
                return NULL;
        e = aligned_alloc(64, (sizeof(*e) + 63) / 64 * 64);
        if (!e) {
                err_set(err, ERR_MEMORY, "no memory for the event log");
                return NULL;
        }
        memset(e, 0, sizeof(*e));
        e->config = *c;
        e->outlets[FILE_OUTLET] =
            (struct outlet){ .name = "file", .put = file_put, .used = c->file[0] != '\0' };
        e->outlets[SPOOL_OUTLET] = (struct outlet){ .name = "spool", .put = spool_put };
        (void)sem_init(&e->wake, 0, 0);
        ok = (events_ring_open(&e->ring) && events_format_open(&e->format, c)) ||
             err_set(err, ERR_MEMORY, "no memory for the event log");
        if (ok && c->file[0])
                ok = (e->file = events_file_open(c->file, c->file_max, c->file_keep, err)) != NULL;
        ok = ok && sinks_open(e, err) && (!e->forward_n || spool_open(e, err)) && start(e, err);
        if (ok)
                e->config.folder = NULL; /* the spool has its own copy */
        else
                events_close(&e);
        return e;
}

void events_close(struct events **ep)
{
        struct events *e = *ep;

        *ep = NULL;
        if (!e)
                return;
        atomic_store(&e->closing, true);
        (void)sem_post(&e->wake);
        if (e->started)
                pthread_join(e->thread, NULL);
        if (e->spool)
                events_spool_stop(e->spool);
        for (size_t i = 0; i < e->forward_n; i++)
                events_forward_join(&e->forwards[i]);
        events_spool_close(&e->spool);
        events_file_close(&e->file);
        events_format_close(&e->format);
        events_ring_close(&e->ring);
        buf_clear(&e->batch);
        (void)sem_destroy(&e->wake);
        free(e);
}
