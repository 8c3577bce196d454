/* Many keys, page by page, the next page read and decoded by a thread of its own while one is visited.
 *
 * A member (of 3.4, and to count them also a later one) walks all keys of the range that it is asked for,
 * whatever the limit. So a page asks for no more than about itself: up to where the keys, going on as densely
 * as those of the page before, fill it. */
#include "store/etcd.h"

#include <stdlib.h>

#define PAGE_FIRST 200
#define PAGE_MOST  4000
#define PAGE_BYTES (2u * 1024 * 1024) /* about what a page should have */
#define READ_MS    30000

static Etcd__RangeResponse *range_decode(struct etcd *e, struct slice bytes, const char *what,
                                         enum store_rc *rc, struct err *err)
{
        Etcd__RangeResponse *r = etcd__range_response__unpack(NULL, bytes.n, bytes.p);

        if (r && etcd_header_ok(e, r->header, err))
                return r;
        if (!r)
                err_set(err, ERR_STORE, "the answer of etcd for %s is malformed", what);
        etcd__range_response__free_unpacked(r, NULL);
        *rc = atomic_load(&e->foreign) ? STORE_DAMAGED : STORE_IO;
        return NULL;
}

Etcd__RangeResponse *etcd_range_read(struct etcd *e, const Etcd__RangeRequest *request, const char *what,
                                     enum store_rc *rc, struct err *err)
{
        *rc = etcd_read(e, "/etcdserverpb.KV/Range", &request->base, READ_MS, what, err);
        return *rc == STORE_OK ? range_decode(e, buf_slice(&e->reads.message), what, rc, err) : NULL;
}

/* ---- where a page ends ---- */

static uint64_t eight_bytes(struct slice key, size_t at)
{
        uint64_t x = 0;

        for (size_t i = at; i < at + 8; i++)
                x = x << 8 | (i < key.n ? key.p[i] : 0);
        return x;
}

bool etcd_page_reach(struct slice first, struct slice last, size_t n, size_t wanted, struct buf *out)
{
        size_t same = 0;
        uint64_t from, to, step;

        while (same < first.n && same < last.n && first.p[same] == last.p[same])
                same++;
        from = eight_bytes(first, same);
        to = eight_bytes(last, same);
        buf_reset(out);
        if (n < 2 || to <= from)
                return false;
        step = (to - from) / (n - 1) + 1;
        if (wanted >= (UINT64_MAX - to) / step)
                return false;
        buf_put(out, first.p, same);
        buf_put_u64(out, to + step * wanted);
        return buf_ok(out);
}

/* ---- reading ---- */

struct pages {
        struct etcd *e;
        Etcd__RangeRequest request; /* of the next page */
        struct buf from, reach;     /* its ends, of all pages but the first */
        struct slice to;            /* the end of all */
        size_t skip, wanted;        /* bytes of a key that are not told; keys a page has */
        bool more;                  /* there is a next page */
        enum store_rc rc;
        struct err err;
        /* The page that was read ahead. */
        pthread_t thread;
        pthread_mutex_t lock;
        pthread_cond_t moved;
        Etcd__RangeResponse *ahead;
        bool reading, ended, stop;
};

/* What the next request asks for, after this page. */
static bool page_after(struct pages *p, const Etcd__RangeResponse *r)
{
        Etcd__RangeRequest *q = &p->request;
        bool all = slice_compare(slice_of(q->range_end.data, q->range_end.len), p->to) == 0;
        size_t bytes = 0, fit;

        p->more = r->more ? r->n_kvs > 0 : !all;
        if (!p->more)
                return true;
        for (size_t i = 0; i < r->n_kvs; i++)
                bytes += r->kvs[i]->key.len + r->kvs[i]->value.len + 16;
        if (r->n_kvs) {
                fit = PAGE_BYTES / (bytes / r->n_kvs + 1);
                p->wanted = fit < 1 ? 1 : fit > PAGE_MOST ? PAGE_MOST : fit;
        }
        if (r->more) {
                const Etcd__KeyValue *last = r->kvs[r->n_kvs - 1];

                buf_reset(&p->from);
                buf_put(&p->from, last->key.data, last->key.len);
                buf_put_u8(&p->from, 0);
        } else {
                buf_reset(&p->from);
                buf_put(&p->from, q->range_end.data, q->range_end.len);
        }
        q->key = etcd_bytes(buf_slice(&p->from));
        q->range_end = etcd_bytes(p->to);
        q->limit = (int64_t)p->wanted;
        /* Where there were few, they went on otherwise than before: all that is left is asked for. */
        if (r->n_kvs > p->wanted / 8 || r->more) {
                const Etcd__KeyValue *first = r->kvs[0], *last = r->kvs[r->n_kvs - 1];

                if (etcd_page_reach(slice_of(first->key.data, first->key.len),
                                    slice_of(last->key.data, last->key.len), r->n_kvs, p->wanted,
                                    &p->reach) &&
                    slice_compare(buf_slice(&p->reach), p->to) < 0 &&
                    slice_compare(buf_slice(&p->reach), buf_slice(&p->from)) > 0)
                        q->range_end = etcd_bytes(buf_slice(&p->reach));
        }
        return buf_ok(&p->from);
}

/* Ascending and within what was asked for: so reading ends, whoever answers. */
static bool page_ok(const struct pages *p, const Etcd__RangeResponse *r)
{
        struct slice before = slice_of(p->request.key.data, p->request.key.len);

        for (size_t i = 0; i < r->n_kvs; i++) {
                struct slice key = slice_of(r->kvs[i]->key.data, r->kvs[i]->key.len);
                int order = slice_compare(key, before);

                if (order < 0 || (i && order == 0) || key.n <= p->skip)
                        return false;
                before = key;
        }
        return !r->n_kvs ||
               slice_compare(before, slice_of(p->request.range_end.data, p->request.range_end.len)) < 0;
}

/* NULL: rc and err say why. */
static Etcd__RangeResponse *page_read(struct pages *p)
{
        struct etcd *e = p->e;
        Etcd__RangeResponse *r = NULL;
        struct buf bytes = BUF_INIT;

        /* Others read between the pages, and while this one is decoded. */
        pthread_mutex_lock(&e->reads_lock);
        p->rc = etcd_read(e, "/etcdserverpb.KV/Range", &p->request.base, READ_MS, "the keys", &p->err);
        if (p->rc == STORE_OK) {
                bytes = e->reads.message;
                e->reads.message = BUF_INIT;
        }
        pthread_mutex_unlock(&e->reads_lock);
        if (p->rc == STORE_OK)
                r = range_decode(e, buf_slice(&bytes), "the keys", &p->rc, &p->err);
        buf_clear(&bytes);
        if (!r)
                return NULL;
        if (p->request.revision == 0)
                p->request.revision = r->header->revision;
        if (page_ok(p, r) && page_after(p, r))
                return r;
        err_set(&p->err, ERR_STORE, "a page of etcd's keys is malformed");
        p->rc = STORE_IO;
        etcd__range_response__free_unpacked(r, NULL);
        return NULL;
}

static void *pages_main(void *arg)
{
        struct pages *p = arg;
        bool go_on = true;

        while (go_on) {
                Etcd__RangeResponse *r = page_read(p);

                pthread_mutex_lock(&p->lock);
                while (p->ahead && !p->stop)
                        pthread_cond_wait(&p->moved, &p->lock);
                if (p->ahead) /* nobody takes that any more, nor this one */
                        etcd__range_response__free_unpacked(r, NULL);
                else
                        p->ahead = r;
                go_on = r && p->more && !p->stop;
                p->ended = !go_on;
                pthread_cond_signal(&p->moved);
                pthread_mutex_unlock(&p->lock);
        }
        return NULL;
}

/* The next page; NULL: there is none, or rc says what went wrong. */
static Etcd__RangeResponse *page_take(struct pages *p)
{
        Etcd__RangeResponse *r;

        if (!p->reading && p->more)
                p->reading = pthread_create(&p->thread, NULL, pages_main, p) == 0;
        if (!p->reading)
                return p->more ? page_read(p) : NULL; /* without help then */
        pthread_mutex_lock(&p->lock);
        while (!p->ahead && !p->ended)
                pthread_cond_wait(&p->moved, &p->lock);
        r = p->ahead;
        p->ahead = NULL;
        pthread_cond_signal(&p->moved);
        pthread_mutex_unlock(&p->lock);
        return r;
}

static void pages_end(struct pages *p)
{
        if (p->reading) {
                pthread_mutex_lock(&p->lock);
                p->stop = true;
                pthread_cond_signal(&p->moved);
                pthread_mutex_unlock(&p->lock);
                pthread_join(p->thread, NULL);
        }
        etcd__range_response__free_unpacked(p->ahead, NULL);
        pthread_mutex_destroy(&p->lock);
        pthread_cond_destroy(&p->moved);
        buf_clear(&p->from);
        buf_clear(&p->reach);
}

/* False: enough. */
static bool page_visit(const Etcd__RangeResponse *r, size_t skip,
                       bool (*visit)(void *arg, const struct store_event *), void *arg)
{
        for (size_t i = 0; i < r->n_kvs; i++) {
                const Etcd__KeyValue *kv = r->kvs[i];
                struct store_event event = { .key = slice_of(kv->key.data + skip, kv->key.len - skip),
                                             .value = slice_of(kv->value.data, kv->value.len),
                                             .rev = kv->mod_revision };

                if (!visit(arg, &event))
                        return false;
        }
        return true;
}

enum store_rc etcd_pages_read(struct etcd *e, struct slice from, struct slice to, size_t skip,
                              bool (*visit)(void *arg, const struct store_event *), void *arg, store_rev *at,
                              struct err *err)
{
        struct pages p = {
                .e = e, .request = ETCD__RANGE_REQUEST__INIT, .to = to, .skip = skip, .more = true
        };
        Etcd__RangeResponse *r;
        bool go_on = true;

        pthread_mutex_init(&p.lock, NULL);
        pthread_cond_init(&p.moved, NULL);
        p.request.key = etcd_bytes(from);
        p.request.range_end = etcd_bytes(to);
        p.request.limit = PAGE_FIRST;
        /* Most prefixes have one page at most. */
        r = page_read(&p);
        while (r) {
                go_on = page_visit(r, skip, visit, arg);
                etcd__range_response__free_unpacked(r, NULL);
                r = go_on ? page_take(&p) : NULL;
        }
        pages_end(&p);
        if (go_on && p.rc != STORE_OK)
                *err = p.err;
        *at = p.request.revision;
        return go_on ? p.rc : STORE_OK;
}
