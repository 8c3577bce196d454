/* Followers: one thread and one stream each, over our whole prefix, so that lanes show every revision that is
 * ours. A stream that falls silent, loses its leader or its member is opened again elsewhere, from the last
 * revision seen; what comes twice is dropped. */
#include "store/etcd.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define START_MS     10000
#define BACK_OFF_MAX 1000

struct etcd_watch {
        struct etcd_watch *next;
        struct etcd *e;
        struct store_follower follower;
        pthread_t thread;
        struct etcd_reply reply;
        struct buf keys, first, ask; /* the requests */
        struct slice from, to;
        size_t skip; /* bytes of the prefix */
        struct store_event *events;
        size_t events_cap;
        int64_t heard_ms, asked_ms; /* monotonic */
        bool answered;              /* the stream under way has said something */
        /* under e->lock: */
        store_rev seen;
        bool up, created, over, stop;
};

/* Whoever waits for this revision or an older one looks again. The lock is held. */
static void waiters_wake(struct etcd *e, store_rev rev)
{
        for (struct etcd_waiter *waiter = e->waiters; waiter; waiter = waiter->next) {
                if (waiter->rev <= rev)
                        pthread_cond_signal(&waiter->woken);
        }
        pthread_cond_broadcast(&e->moved);
}

static void watch_link(struct etcd_watch *w, bool up)
{
        bool changed;

        pthread_mutex_lock(&w->e->lock);
        changed = w->up != up;
        w->up = up;
        waiters_wake(w->e, INT64_MAX);
        pthread_mutex_unlock(&w->e->lock);
        if (changed && w->follower.link)
                w->follower.link(w->follower.arg, up);
}

static void watch_seen(struct etcd_watch *w, store_rev rev)
{
        pthread_mutex_lock(&w->e->lock);
        w->seen = rev;
        waiters_wake(w->e, rev);
        pthread_mutex_unlock(&w->e->lock);
}

/* History is gone, or is another cluster's: the follower has to load again. */
static void watch_over(struct etcd_watch *w)
{
        pthread_mutex_lock(&w->e->lock);
        w->over = true;
        waiters_wake(w->e, INT64_MAX);
        pthread_mutex_unlock(&w->e->lock);
        if (w->follower.reset)
                w->follower.reset(w->follower.arg);
}

static bool events_room(struct etcd_watch *w, size_t n)
{
        struct store_event *more;

        if (n <= w->events_cap)
                return true;
        more = realloc(w->events, n * sizeof(*more));
        if (!more)
                return false;
        w->events = more;
        w->events_cap = n;
        return true;
}

/* The store's key in one of ours, or empty for our own. */
static struct slice key_within(const struct etcd_watch *w, const Etcd__KeyValue *kv)
{
        const char *data = w->e->data;
        size_t n = strlen(data);

        if (kv->key.len <= w->skip + n || memcmp(kv->key.data + w->skip, data, n) != 0)
                return SLICE_EMPTY;
        return slice_of(kv->key.data + w->skip + n, kv->key.len - w->skip - n);
}

/* Tells one revision: events[from..to) of the answer. */
static void revision_tell(struct etcd_watch *w, const Etcd__WatchResponse *r, size_t from, size_t to)
{
        store_rev rev = r->events[from]->kv->mod_revision;
        size_t n = 0;

        if (rev <= w->seen) /* 3.4 repeats some after a reconnect */
                return;
        for (size_t i = from; i < to; i++) {
                const Etcd__Event *event = r->events[i];
                struct slice key = key_within(w, event->kv);
                bool deleted = event->type == ETCD__EVENT__TYPE__DELETE;

                if (key.n)
                        w->events[n++] = (struct store_event){
                                key,
                                deleted ? SLICE_EMPTY : slice_of(event->kv->value.data, event->kv->value.len),
                                rev, deleted
                        };
        }
        w->follower.events(w->follower.arg, rev, w->events, n);
        watch_seen(w, rev);
}

static bool events_tell(struct etcd_watch *w, const Etcd__WatchResponse *r)
{
        for (size_t i = 0; i < r->n_events; i++) {
                if (!r->events[i]->kv ||
                    (i && r->events[i]->kv->mod_revision < r->events[i - 1]->kv->mod_revision))
                        return false;
        }
        if (!events_room(w, r->n_events))
                return false;
        for (size_t from = 0, to; from < r->n_events; from = to) {
                for (to = from + 1; to < r->n_events &&
                                    r->events[to]->kv->mod_revision == r->events[from]->kv->mod_revision;)
                        to++;
                revision_tell(w, r, from, to);
        }
        return true;
}

bool etcd_watch_message(void *arg, struct slice bytes)
{
        struct etcd_watch *w = arg;
        struct err err = ERR_INIT;
        Etcd__WatchResponse *r = etcd__watch_response__unpack(NULL, bytes.n, bytes.p);
        bool go_on = false;

        if (!r)
                return false;
        w->heard_ms = etcd_now_ms();
        w->answered = true;
        w->asked_ms = 0;
        if (r->header && !etcd_header_ok(w->e, r->header, &err))
                watch_over(w);
        else if (r->compact_revision > 0)
                watch_over(w);
        else if (!r->canceled && events_tell(w, r)) {
                go_on = true;
                if (r->created) {
                        pthread_mutex_lock(&w->e->lock);
                        w->created = true;
                        pthread_mutex_unlock(&w->e->lock);
                        watch_link(w, true);
                }
        }
        etcd__watch_response__free_unpacked(r, NULL);
        return go_on;
}

static bool watch_stops(struct etcd_watch *w)
{
        bool stop;

        pthread_mutex_lock(&w->e->lock);
        stop = w->stop || w->over;
        pthread_mutex_unlock(&w->e->lock);
        return stop;
}

static enum etcd_tick watch_tick(void *arg)
{
        struct etcd_watch *w = arg;
        int64_t now = etcd_now_ms();

        /* A member that is just coming up takes a stream and says nothing: another one is asked soon. */
        if (watch_stops(w) || now - w->heard_ms > (w->answered ? ETCD_SILENCE_MS : ETCD_TRY_MS))
                return ETCD_END;
        if (w->asked_ms == 0 && now - w->heard_ms > ETCD_SILENCE_MS / 3) {
                w->asked_ms = now;
                return ETCD_ASK;
        }
        return ETCD_GO_ON;
}

static struct slice first_request(struct etcd_watch *w)
{
        Etcd__WatchCreateRequest create = ETCD__WATCH_CREATE_REQUEST__INIT;
        Etcd__WatchRequest request = ETCD__WATCH_REQUEST__INIT;

        create.key = etcd_bytes(w->from);
        create.range_end = etcd_bytes(w->to);
        create.start_revision = w->seen + 1;
        request.request_case = ETCD__WATCH_REQUEST__REQUEST_CREATE;
        request.create = &create;
        return etcd_pack(&w->first, &request.base);
}

static void watch_pause(struct etcd_watch *w, int ms)
{
        struct timespec until = etcd_until(etcd_now_ms() + ms);

        pthread_mutex_lock(&w->e->lock);
        while (!w->stop && pthread_cond_timedwait(&w->e->moved, &w->e->lock, &until) != ETIMEDOUT)
                ;
        pthread_mutex_unlock(&w->e->lock);
}

static void *watch_main(void *arg)
{
        struct etcd_watch *w = arg;
        const struct etcd_listener listener = { etcd_watch_message, watch_tick, w };
        int pause = 20;

        while (!watch_stops(w)) {
                int64_t began = etcd_now_ms();

                w->heard_ms = began;
                w->answered = false;
                w->asked_ms = 0;
                if (w->e->wire.stream(w->e->wire.self, "/etcdserverpb.Watch/Watch", first_request(w),
                                      buf_slice(&w->ask), &listener, &w->reply) == ETCD_REFUSED &&
                    strstr(w->reply.words, "compacted"))
                        watch_over(w);
                if (watch_stops(w))
                        break;
                watch_link(w, false);
                pause = etcd_now_ms() - began > 5000 ? 20
                        : pause * 2 > BACK_OFF_MAX   ? BACK_OFF_MAX
                                                     : pause * 2;
                watch_pause(w, pause / 2 + (int)(random() % (pause / 2 + 1)));
        }
        return NULL;
}

void etcd_watch_free(struct etcd_watch *w)
{
        buf_clear(&w->keys);
        buf_clear(&w->first);
        buf_clear(&w->ask);
        buf_clear(&w->reply.message);
        free(w->events);
        free(w);
}

struct etcd_watch *etcd_watch_make(struct etcd *e, store_rev from, const struct store_follower *follower)
{
        struct etcd_watch *w = calloc(1, sizeof(*w));
        Etcd__WatchProgressRequest progress = ETCD__WATCH_PROGRESS_REQUEST__INIT;
        Etcd__WatchRequest ask = ETCD__WATCH_REQUEST__INIT;

        if (!w)
                return NULL;
        w->e = e;
        w->follower = *follower;
        w->seen = from;
        w->skip = strlen(e->prefix);
        (void)buf_extend(&w->keys, 2 * ETCD_PREFIX_MAX + 16);
        w->keys.n = 0;
        w->from = etcd_key(e, &w->keys, "", SLICE_EMPTY);
        w->to = etcd_key_end(&w->keys, w->from);
        ask.request_case = ETCD__WATCH_REQUEST__REQUEST_PROGRESS;
        ask.progress = &progress;
        (void)etcd_pack(&w->ask, &ask.base);
        if (!buf_ok(&w->keys) || !buf_ok(&w->ask)) {
                etcd_watch_free(w);
                return NULL;
        }
        return w;
}

/* Waits until the follower has seen all that was committed before now. */
static enum store_rc watch_level(struct etcd_watch *w, struct err *err)
{
        struct etcd *e = w->e;
        int64_t deadline = etcd_now_ms() + START_MS;
        struct timespec until = etcd_until(deadline);
        store_rev now;
        enum store_rc rc = etcd_put_own(e, NULL, SLICE_EMPTY, START_MS, &now, err);
        bool late = false;

        if (rc != STORE_OK)
                return rc;
        pthread_mutex_lock(&e->lock);
        while (w->seen < now && !w->over && !late)
                late = pthread_cond_timedwait(&e->moved, &e->lock, &until) == ETIMEDOUT;
        rc = w->over ? STORE_COMPACTED : w->seen < now ? STORE_UNAVAIL : STORE_OK;
        pthread_mutex_unlock(&e->lock);
        if (rc == STORE_COMPACTED)
                err_set(err, ERR_STORE, "the history that was asked for is gone");
        else if (rc == STORE_UNAVAIL)
                err_set(err, ERR_RETRY, "etcd sent no changes within %d ms", START_MS);
        return rc;
}

enum store_rc etcd_follow(void *self, store_rev from, const struct store_follower *follower, void **out,
                          struct err *err)
{
        struct etcd *e = self;
        struct etcd_watch *w;
        enum store_rc rc;

        if (etcd_broken(e, err))
                return STORE_DAMAGED;
        if (from < atomic_load(&e->compacted)) {
                err_set(err, ERR_STORE, "history before revision %lld is gone",
                        (long long)atomic_load(&e->compacted));
                return STORE_COMPACTED;
        }
        w = etcd_watch_make(e, from, follower);
        if (!w || pthread_create(&w->thread, NULL, watch_main, w) != 0) {
                if (w)
                        etcd_watch_free(w);
                err_set(err, ERR_MEMORY, "no memory to follow etcd");
                return STORE_IO;
        }
        pthread_mutex_lock(&e->lock);
        w->next = e->watches;
        e->watches = w;
        pthread_mutex_unlock(&e->lock);
        rc = watch_level(w, err);
        if (rc == STORE_OK)
                *out = w;
        else
                etcd_unfollow(e, w);
        return rc;
}

void etcd_unfollow(void *self, void *watch)
{
        struct etcd *e = self;
        struct etcd_watch *w = watch;

        pthread_mutex_lock(&e->lock);
        w->stop = true;
        for (struct etcd_watch **link = &e->watches; *link; link = &(*link)->next) {
                if (*link == w) {
                        *link = w->next;
                        break;
                }
        }
        waiters_wake(e, INT64_MAX);
        pthread_mutex_unlock(&e->lock);
        pthread_join(w->thread, NULL);
        etcd_watch_free(w);
}

static bool all_have_seen(const struct etcd *e, store_rev rev)
{
        for (const struct etcd_watch *w = e->watches; w; w = w->next) {
                /* One whose thread is the caller's own would wait for itself. */
                if (w->up && !w->over && w->seen < rev && !pthread_equal(w->thread, pthread_self()))
                        return false;
        }
        return true;
}

void etcd_watch_wait(struct etcd *e, store_rev rev, int64_t deadline_ms)
{
        struct timespec until = etcd_until(deadline_ms);
        struct etcd_waiter me = { .rev = rev }, **link;
        bool late = false;

        etcd_cond_init(&me.woken);
        pthread_mutex_lock(&e->lock);
        me.next = e->waiters;
        e->waiters = &me;
        while (!all_have_seen(e, rev) && !late)
                late = pthread_cond_timedwait(&me.woken, &e->lock, &until) == ETIMEDOUT;
        for (link = &e->waiters; *link != &me;)
                link = &(*link)->next;
        *link = me.next;
        pthread_mutex_unlock(&e->lock);
        pthread_cond_destroy(&me.woken);
}
