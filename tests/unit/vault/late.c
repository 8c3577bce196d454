#include "late.h"

#include "store/engine.h"

#include <pthread.h>

struct news {
        struct news *next;
        store_rev rev;
        struct store_event events[32];
        size_t n;
};

struct late {
        struct store *inner;
        struct store_follower follower;
        struct store_watch *watch;
        pthread_mutex_t lock;
        bool held;
        struct news *first, **last;
};

static struct slice copy(struct slice s)
{
        uint8_t *p = malloc(s.n + 1);

        assert_non_null(p);
        if (s.n)
                memcpy(p, s.p, s.n);
        return slice_of(p, s.n);
}

static void keep(struct late *l, store_rev rev, const struct store_event *events, size_t n)
{
        struct news *news = calloc(1, sizeof(*news));

        assert_non_null(news);
        assert_true(n <= 32);
        news->rev = rev;
        for (; news->n < n; news->n++) {
                news->events[news->n] = events[news->n];
                news->events[news->n].key = copy(events[news->n].key);
                news->events[news->n].value = copy(events[news->n].value);
        }
        *l->last = news;
        l->last = &news->next;
}

static void on_events(void *arg, store_rev rev, const struct store_event *events, size_t n)
{
        struct late *l = arg;

        pthread_mutex_lock(&l->lock);
        if (l->held)
                keep(l, rev, events, n);
        else
                l->follower.events(l->follower.arg, rev, events, n);
        pthread_mutex_unlock(&l->lock);
}

static enum store_rc late_txn(void *self, const struct store_guard *guards, size_t guard_count,
                              const struct store_op *ops, size_t op_count, int timeout_ms,
                              struct store_result *result, struct err *err)
{
        return store_txn(((struct late *)self)->inner, guards, guard_count, ops, op_count, timeout_ms, result,
                         err);
}

static enum store_rc late_load(void *self, struct slice prefix,
                               bool (*visit)(void *, const struct store_event *), void *arg, store_rev *at,
                               struct err *err)
{
        return store_load(((struct late *)self)->inner, prefix, visit, arg, at, err);
}

static enum store_rc late_follow(void *self, store_rev from, const struct store_follower *follower,
                                 void **out, struct err *err)
{
        struct late *l = self;
        struct store_follower own = { .events = on_events, .arg = l };

        l->follower = *follower;
        *out = l;
        return store_follow(l->inner, from, &own, &l->watch, err);
}

static void late_unfollow(void *self, void *watch)
{
        (void)self;
        late_let_go(watch);
        store_unfollow(&((struct late *)watch)->watch);
}

static enum store_rc late_barrier(void *self, int timeout_ms, store_rev *now, struct err *err)
{
        return store_barrier(((struct late *)self)->inner, timeout_ms, now, err);
}

static enum store_rc late_status(void *self, struct store_status *status, struct err *err)
{
        return store_status(((struct late *)self)->inner, status, err);
}

static void late_close(void *self)
{
        pthread_mutex_destroy(&((struct late *)self)->lock);
        free(self);
}

static const struct store_engine engine = {
        .name = "late",
        .close = late_close,
        .txn = late_txn,
        .load = late_load,
        .follow = late_follow,
        .unfollow = late_unfollow,
        .barrier = late_barrier,
        .status = late_status,
};

void late_hold(struct late *l)
{
        pthread_mutex_lock(&l->lock);
        l->held = true;
        pthread_mutex_unlock(&l->lock);
}

void late_let_go(struct late *l)
{
        pthread_mutex_lock(&l->lock);
        l->held = false;
        while (l->first) {
                struct news *news = l->first;

                l->first = news->next;
                l->follower.events(l->follower.arg, news->rev, news->events, news->n);
                for (size_t i = 0; i < news->n; i++) {
                        free((void *)(uintptr_t)news->events[i].key.p);
                        free((void *)(uintptr_t)news->events[i].value.p);
                }
                free(news);
        }
        l->last = &l->first;
        pthread_mutex_unlock(&l->lock);
}

/* ---- the node ---- */
struct found {
        struct slice key;
        struct buf value;
};

static bool visit(void *arg, const struct store_event *e)
{
        struct found *f = arg;

        if (slice_equal(e->key, f->key))
                buf_put_slice(&f->value, e->value);
        return true;
}

/* Both nodes of the test seal with one key, so the sealed master key of the first is good for the second. */
static void give_master_key(struct hsm *first)
{
        struct found f = { SLICE_LIT("p/pmk/\0\0\0\1"), BUF_INIT };
        struct store_op op = { STORE_PUT, SLICE_LIT("p/pmk/\0\0\0\2"), SLICE_EMPTY };
        struct store_result result;
        store_rev at;

        assert_int_equal(store_load(first->store, SLICE_LIT("p/pmk/"), visit, &f, &at, &first->err),
                         STORE_OK);
        assert_true(f.value.n > 0);
        op.value = buf_slice(&f.value);
        assert_int_equal(store_txn(first->store, NULL, 0, &op, 1, 1000, &result, &first->err), STORE_OK);
        buf_clear(&f.value);
}

struct hsm *late_node(struct hsm *first, struct late **out)
{
        struct late *l = calloc(1, sizeof(*l));
        struct hsm *h = calloc(1, sizeof(*h));

        assert_true(l && h);
        give_master_key(first);
        l->inner = first->store;
        l->last = &l->first;
        pthread_mutex_init(&l->lock, NULL);
        h->crypto = first->crypto;
        h->file_key = first->file_key;
        h->wall_ms = first->wall_ms;
        h->arena = arena_new(64 * 1024, 16 * 1024 * 1024);
        h->peer = first->peer;
        h->store = store_over(&engine, l, &h->err);
        assert_non_null(h->store);
        hsm_open_as(h, 2);
        *out = l;
        return h;
}

void late_free(struct hsm *h)
{
        vault_close(&h->vault);
        store_close(&h->store);
        arena_free(&h->arena);
        free(h);
}
