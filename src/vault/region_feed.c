/* The primary's side: its changes, kept in memory for each following node from what that node has on, and
 * handed out when it asks. What it has not acknowledged is never dropped, and what is lost with this process
 * is read from the store's history again. */
#include "base/log.h"
#include "vault/commit.h"
#include "vault/region_internal.h"

#include <stdlib.h>
#include <sys/queue.h>

#define FEEDS      4
#define KEPT_MAX   ((size_t)8 * 1024 * 1024) /* bytes of one feed; beyond that the store's history has them */
#define ANSWER_MAX ((size_t)400 * 1024)
#define WAIT_MOST  2000

struct entry {
        STAILQ_ENTRY(entry) next;
        store_rev rev;
        int64_t at_ms; /* monotonic */
        size_t n;
        uint8_t bytes[];
};

struct feed {
        pthread_mutex_t user; /* one request at a time; taken before lock */
        pthread_mutex_t lock;
        pthread_cond_t moved;
        uint32_t follower; /* 0: free */
        struct store_watch *watch;
        struct vault *vault;
        STAILQ_HEAD(, entry) entries;
        size_t bytes;
        store_rev base, last; /* the entries are all that is shared of (base, last] */
        bool full;            /* events since are not kept */
        bool gone;            /* the store's history does not go back to what is needed */
};

struct vault_feeds {
        struct feed rows[FEEDS];
        pthread_mutex_t lock; /* who has which */
};

bool vault_feeds_open(struct vault *v, struct err *err)
{
        struct vault_feeds *f = calloc(1, sizeof(*f));
        pthread_condattr_t monotonic;

        v->region->feeds = f;
        if (!f)
                return err_set(err, ERR_MEMORY, "no memory for feeds");
        pthread_mutex_init(&f->lock, NULL);
        pthread_condattr_init(&monotonic);
        pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
        for (size_t i = 0; i < FEEDS; i++) {
                pthread_mutex_init(&f->rows[i].user, NULL);
                pthread_mutex_init(&f->rows[i].lock, NULL);
                pthread_cond_init(&f->rows[i].moved, &monotonic);
                STAILQ_INIT(&f->rows[i].entries);
                f->rows[i].vault = v;
        }
        pthread_condattr_destroy(&monotonic);
        return true;
}

static void drop_until(struct feed *f, store_rev rev)
{
        struct entry *e;

        while ((e = STAILQ_FIRST(&f->entries)) && e->rev <= rev) {
                STAILQ_REMOVE_HEAD(&f->entries, next);
                f->bytes -= e->n;
                free(e);
        }
}

static void feed_stop(struct feed *f)
{
        if (f->watch)
                store_unfollow(&f->watch);
        pthread_mutex_lock(&f->lock);
        drop_until(f, INT64_MAX);
        f->full = f->gone = false;
        pthread_mutex_unlock(&f->lock);
}

void vault_feeds_close(struct vault *v)
{
        struct vault_feeds *f = v->region->feeds;

        if (!f)
                return;
        for (size_t i = 0; i < FEEDS; i++) {
                feed_stop(&f->rows[i]);
                pthread_mutex_destroy(&f->rows[i].user);
                pthread_mutex_destroy(&f->rows[i].lock);
                pthread_cond_destroy(&f->rows[i].moved);
        }
        pthread_mutex_destroy(&f->lock);
        free(f);
        v->region->feeds = NULL;
}

/* ---- from the store ---- */

/* NULL: nothing of it is shared, or no memory (*failed). */
static struct entry *entry_make(store_rev rev, const struct store_event *events, size_t n, bool *failed)
{
        struct store_op ops[STORE_OPS_MAX];
        struct buf out = BUF_INIT;
        struct entry *e = NULL;
        size_t kept = 0;
        uint32_t number;

        for (size_t i = 0; i < n && kept < STORE_OPS_MAX; i++) {
                if (region_kind_of(events[i].key, &number) == REGION_LOCAL)
                        continue;
                ops[kept++] = (struct store_op){ events[i].deleted ? STORE_DELETE : STORE_PUT, events[i].key,
                                                 events[i].value };
        }
        if (!kept)
                return NULL;
        region_batch_put(&out, rev, ops, kept);
        if (buf_ok(&out))
                e = malloc(sizeof(*e) + out.n);
        if (e) {
                e->rev = rev;
                e->n = out.n;
                memcpy(e->bytes, out.p, out.n);
        }
        *failed = !e;
        buf_clear(&out);
        return e;
}

static void on_events(void *arg, store_rev rev, const struct store_event *events, size_t n)
{
        struct feed *f = arg;
        bool failed = false;
        struct entry *e;

        pthread_mutex_lock(&f->lock);
        if (!f->full) {
                e = entry_make(rev, events, n, &failed);
                if (failed || f->bytes > KEPT_MAX) {
                        f->full = true;
                        free(e);
                } else {
                        f->last = rev;
                        if (e) {
                                e->at_ms = clock_mono_ms(&f->vault->deps.clock);
                                f->bytes += e->n;
                                STAILQ_INSERT_TAIL(&f->entries, e, next);
                        }
                }
        }
        pthread_cond_broadcast(&f->moved);
        pthread_mutex_unlock(&f->lock);
}

static void on_reset(void *arg)
{
        struct feed *f = arg;

        pthread_mutex_lock(&f->lock);
        f->full = true; /* the next turn reads history, and finds it gone */
        pthread_cond_broadcast(&f->moved);
        pthread_mutex_unlock(&f->lock);
}

static void on_link(void *arg, bool up)
{
        (void)arg;
        (void)up;
}

static bool feed_start(struct feed *f, store_rev from, struct err *err)
{
        const struct store_follower follower = { on_events, on_reset, on_link, f };
        enum store_rc rc;

        feed_stop(f);
        f->base = f->last = from;
        rc = store_follow(f->vault->deps.store, from, &follower, &f->watch, err);
        if (rc != STORE_OK)
                f->watch = NULL;
        if (rc == STORE_COMPACTED) {
                *err = ERR_INIT;
                f->gone = true;
        }
        return rc == STORE_OK || f->gone;
}

/* ---- for a follower ---- */

/* With its user lock held. */
static struct feed *feed_take(struct vault *v, uint32_t follower)
{
        struct vault_feeds *all = v->region->feeds;
        struct feed *f = NULL;

        pthread_mutex_lock(&all->lock);
        for (size_t i = 0; i < FEEDS; i++) {
                if (all->rows[i].follower == follower)
                        f = &all->rows[i];
                else if (!f && !all->rows[i].follower)
                        f = &all->rows[i];
        }
        if (f)
                f->follower = follower;
        pthread_mutex_unlock(&all->lock);
        if (f)
                pthread_mutex_lock(&f->user);
        return f;
}

/* Makes the feed go on after `from`. */
static bool feed_seek(struct feed *f, store_rev from, struct err *err)
{
        bool fits;

        pthread_mutex_lock(&f->lock);
        fits = f->watch && from >= f->base && from <= f->last && !f->gone;
        if (fits) {
                drop_until(f, from);
                f->base = from;
                fits = !f->full || !STAILQ_EMPTY(&f->entries);
        }
        pthread_mutex_unlock(&f->lock);
        return fits || feed_start(f, from, err);
}

static void feed_wait(struct feed *f, int64_t wait_ms)
{
        struct timespec until;

        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += wait_ms / 1000;
        until.tv_nsec += wait_ms % 1000 * 1000000;
        if (until.tv_nsec >= 1000000000) {
                until.tv_sec++;
                until.tv_nsec -= 1000000000;
        }
        while (STAILQ_EMPTY(&f->entries) && !f->full && !f->gone) {
                if (pthread_cond_timedwait(&f->moved, &f->lock, &until) != 0)
                        break;
        }
}

static bool feed_answer(struct vault_call *call, struct feed *f, Chsm__RegionFeedResponse *r)
{
        struct buf out = BUF_INIT;
        const struct entry *first = STAILQ_FIRST(&f->entries);
        store_rev upto = f->last;
        struct slice copy;

        region_batch_begin(&out);
        for (const struct entry *e = first; e; e = STAILQ_NEXT(e, next)) {
                if (out.n > 1 && out.n + e->n > ANSWER_MAX)
                        break;
                buf_put(&out, e->bytes, e->n);
                upto = STAILQ_NEXT(e, next) ? e->rev : f->last;
        }
        copy = buf_ok(&out) ? arena_copy(call->arena, buf_slice(&out)) : SLICE_EMPTY;
        buf_clear(&out);
        r->changes = (ProtobufCBinaryData){ copy.n, (uint8_t *)(uintptr_t)copy.p };
        r->upto = upto;
        r->head = atomic_load(&call->vault->revision) > upto ? atomic_load(&call->vault->revision) : upto;
        r->age_ms = first ? (uint32_t)(clock_mono_ms(&call->vault->deps.clock) - first->at_ms) : 0;
        r->gone = f->gone;
        return copy.n > 0 || err_set(&call->err, ERR_MEMORY, "no memory for changes");
}

static bool may_feed(struct vault_call *call, const struct vault_region_follower *who)
{
        const Chsm__RegionFeedRequest *in = call->request->region_feed;
        struct vault *v = call->vault;
        store_rev now = atomic_load(&v->revision);

        if (vault_region_role(v) == VAULT_FOLLOWER)
                return err_set(&call->err, ERR_REGION, "this region follows another one itself");
        if (in->epoch != atomic_load(&v->region->epoch))
                return err_set(&call->err, ERR_REGION,
                               "node '%s' follows epoch %llu, and this region has epoch %llu", who->name,
                               (unsigned long long)in->epoch,
                               (unsigned long long)atomic_load(&v->region->epoch));
        if (in->from > now)
                return err_set(
                    &call->err, ERR_STORE_DAMAGED,
                    "node '%s' of the other region has revision %lld of this one, which is at %lld: "
                    "this store was rolled back",
                    who->name, (long long)in->from, (long long)now);
        return true;
}

/* Some other thread of this node, or another node, has it written later. */
static bool put_heard(struct vault_call *call, struct vault_region_follower *who)
{
        struct vault *v = call->vault;
        int64_t now = clock_mono_ms(&v->deps.clock);

        atomic_store(&v->region->heard_ms, now);
        if (who->said_ms && now - who->said_ms < VAULT_REGION_BEAT_MS)
                return true;
        who->acked = call->request->region_feed->from;
        who->heard_ms = clock_wall_ms(&v->deps.clock);
        pthread_mutex_lock(&v->region->lock);
        for (size_t i = 0; i < VAULT_REGION_FOLLOWERS; i++) {
                if (v->region->followers[i].number == who->number)
                        v->region->followers[i].said_ms = now;
        }
        pthread_mutex_unlock(&v->region->lock);
        return vault_follower_put(call, who);
}

bool vault_region_feed(struct vault_call *call)
{
        const Chsm__RegionFeedRequest *in = call->request->region_feed;
        Chsm__RegionFeedResponse *r = arena_alloc(call->arena, sizeof(*r));
        struct vault_region_follower who;
        struct feed *f;
        bool ok;

        if (!r)
                return err_set(&call->err, ERR_MEMORY, "no memory for changes");
        chsm__region_feed_response__init(r);
        if (!vault_follower_of(call, &who) || !may_feed(call, &who))
                return false;
        f = feed_take(call->vault, who.number);
        if (!f)
                return err_set(&call->err, ERR_RETRY, "%d nodes read this node's changes already", FEEDS);
        ok = feed_seek(f, in->from, &call->err);
        if (ok) {
                pthread_mutex_lock(&f->lock);
                feed_wait(f, call->memo ? 0 : in->wait_ms < WAIT_MOST ? in->wait_ms : WAIT_MOST);
                ok = feed_answer(call, f, r);
                pthread_mutex_unlock(&f->lock);
        }
        pthread_mutex_unlock(&f->user);
        call->memo = r; /* run again after a conflict it does not wait again */
        if (!ok)
                return false;
        call->response->region_feed = r;
        call->response->body_case = CHSM__RESPONSE__BODY_REGION_FEED;
        return put_heard(call, &who);
}
