/* Reading all keys at one revision, compaction, and what status says. */
#include "store/etcd.h"

#include <stdlib.h>

#define PAGE_FIRST 200
#define PAGE_MOST  2000
#define PAGE_BYTES (2u * 1024 * 1024) /* about what a page should have */
#define READ_MS    30000

/* The decoded page, under reads_lock. NULL: rc and err. */
static Etcd__RangeResponse *range_read(struct etcd *e, const Etcd__RangeRequest *request, const char *what,
                                       enum store_rc *rc, struct err *err)
{
        Etcd__RangeResponse *r;

        *rc = etcd_read(e, "/etcdserverpb.KV/Range", &request->base, READ_MS, what, err);
        if (*rc != STORE_OK)
                return NULL;
        r = etcd__range_response__unpack(NULL, e->reads.message.n, e->reads.message.p);
        if (r && etcd_header_ok(e, r->header, err))
                return r;
        if (!r)
                err_set(err, ERR_STORE, "the answer of etcd for %s is malformed", what);
        etcd__range_response__free_unpacked(r, NULL);
        *rc = atomic_load(&e->foreign) ? STORE_DAMAGED : STORE_IO;
        return NULL;
}

struct page {
        Etcd__RangeRequest request;
        struct buf from; /* of the next page */
        size_t skip;     /* bytes of prefix and kind before the store's key */
        bool (*visit)(void *arg, const struct store_event *);
        void *arg;
        bool stopped;
};

static bool page_visit(struct page *p, const Etcd__RangeResponse *r)
{
        const struct slice from = slice_of(p->request.key.data, p->request.key.len);
        size_t bytes = 0;

        for (size_t i = 0; i < r->n_kvs && !p->stopped; i++) {
                const Etcd__KeyValue *kv = r->kvs[i];
                struct store_event event = { .value = slice_of(kv->value.data, kv->value.len),
                                             .rev = kv->mod_revision };

                /* Ascending and within what was asked for: so a page ends, whoever answers. */
                if (kv->key.len <= p->skip || slice_compare(slice_of(kv->key.data, kv->key.len), from) < 0 ||
                    (i && slice_compare(slice_of(kv->key.data, kv->key.len),
                                        slice_of(r->kvs[i - 1]->key.data, r->kvs[i - 1]->key.len)) <= 0))
                        return false;
                event.key = slice_of(kv->key.data + p->skip, kv->key.len - p->skip);
                p->stopped = !p->visit(p->arg, &event);
                bytes += kv->key.len + kv->value.len + 16;
        }
        if (r->n_kvs) {
                const Etcd__KeyValue *last = r->kvs[r->n_kvs - 1];
                size_t fit = PAGE_BYTES / (bytes / r->n_kvs + 1);

                buf_reset(&p->from);
                buf_put(&p->from, last->key.data, last->key.len);
                buf_put_u8(&p->from, 0);
                p->request.key = etcd_bytes(buf_slice(&p->from));
                p->request.limit = (int64_t)(fit < 1 ? 1 : fit > PAGE_MOST ? PAGE_MOST : fit);
        }
        return buf_ok(&p->from);
}

static enum store_rc pages_read(struct etcd *e, struct page *p, store_rev *at, struct err *err)
{
        enum store_rc rc = STORE_OK;
        bool more = true;

        while (more && !p->stopped) {
                Etcd__RangeResponse *r;

                /* Others read between the pages. */
                pthread_mutex_lock(&e->reads_lock);
                r = range_read(e, &p->request, "the keys", &rc, err);
                pthread_mutex_unlock(&e->reads_lock);
                if (!r)
                        return rc;
                if (p->request.revision == 0)
                        p->request.revision = r->header->revision;
                more = r->more && r->n_kvs;
                if (!page_visit(p, r)) {
                        err_set(err, ERR_STORE, "a page of etcd's keys is malformed");
                        rc = STORE_IO;
                        more = false;
                }
                etcd__range_response__free_unpacked(r, NULL);
        }
        *at = p->request.revision;
        return rc;
}

enum store_rc etcd_load(void *self, struct slice prefix, bool (*visit)(void *arg, const struct store_event *),
                        void *arg, store_rev *at, struct err *err)
{
        struct etcd *e = self;
        struct page p = { .request = ETCD__RANGE_REQUEST__INIT, .visit = visit, .arg = arg };
        struct buf keys = BUF_INIT;
        struct slice from, to;
        enum store_rc rc;

        if (!etcd_data_follow(e, err))
                return STORE_IO;
        if (etcd_broken(e, err))
                return STORE_DAMAGED;
        (void)buf_extend(&keys, 2 * (ETCD_PREFIX_MAX + STORE_KEY_MAX + 8));
        keys.n = 0;
        from = etcd_key(e, &keys, e->data, prefix);
        to = etcd_key_end(&keys, from);
        p.skip = from.n - prefix.n;
        p.request.key = etcd_bytes(from);
        p.request.range_end = etcd_bytes(to);
        p.request.limit = PAGE_FIRST;
        rc = buf_ok(&keys) ? pages_read(e, &p, at, err) : STORE_IO;
        buf_clear(&keys);
        buf_clear(&p.from);
        return rc;
}

enum store_rc etcd_own_read(struct etcd *e, size_t root, const char *key, struct buf *value, store_rev *rev,
                            struct err *err)
{
        Etcd__RangeRequest request = ETCD__RANGE_REQUEST__INIT;
        struct buf name = BUF_INIT;
        enum store_rc rc;
        Etcd__RangeResponse *r;

        buf_put(&name, e->prefix, root);
        buf_put_text(&name, key);
        request.key = etcd_bytes(buf_slice(&name));
        pthread_mutex_lock(&e->reads_lock);
        r = range_read(e, &request, key, &rc, err);
        pthread_mutex_unlock(&e->reads_lock);
        *rev = 0;
        if (r && r->n_kvs == 1) {
                *rev = r->kvs[0]->mod_revision;
                buf_put(value, r->kvs[0]->value.data, r->kvs[0]->value.len);
        }
        etcd__range_response__free_unpacked(r, NULL);
        buf_clear(&name);
        return rc;
}

bool etcd_compacted_read(struct etcd *e, struct err *err)
{
        struct buf value = BUF_INIT;
        store_rev rev;
        bool ok = etcd_own_read(e, strlen(e->prefix), "m/compacted", &value, &rev, err) == STORE_OK;

        if (ok && value.n == 8) {
                struct reader in = reader_of(buf_slice(&value));

                atomic_store(&e->compacted, (int64_t)reader_u64(&in));
        }
        buf_clear(&value);
        return ok;
}

/* Followers are told that history ends at keep_from. etcd itself keeps a stretch before that, because a
 * member of before 3.4.36 can miss a deletion when a watch begins at the compacted revision. */
enum store_rc etcd_compact(void *self, store_rev keep_from, struct err *err)
{
        struct etcd *e = self;
        Etcd__CompactionRequest request = ETCD__COMPACTION_REQUEST__INIT;
        uint8_t bytes[8];
        store_rev rev;
        enum store_rc rc;

        if (keep_from - 1 <= atomic_load(&e->compacted))
                return STORE_OK;
        for (unsigned i = 0; i < 8; i++)
                bytes[i] = (uint8_t)((uint64_t)(keep_from - 1) >> (56 - 8 * i));
        rc = etcd_put_own(e, "m/compacted", slice_of(bytes, 8), 10000, &rev, err);
        if (rc != STORE_OK)
                return rc;
        atomic_store(&e->compacted, keep_from - 1);
        request.revision = keep_from - 1 - ETCD_KEEP_BEHIND;
        if (request.revision <= 0)
                return STORE_OK;
        pthread_mutex_lock(&e->reads_lock);
        rc = etcd_read(e, "/etcdserverpb.KV/Compact", &request.base, READ_MS, "compaction", err);
        pthread_mutex_unlock(&e->reads_lock);
        return rc == STORE_COMPACTED ? STORE_OK : rc; /* another node was faster */
}

enum store_rc etcd_count(struct etcd *e, const char *kind, uint64_t *count, struct err *err)
{
        Etcd__RangeRequest request = ETCD__RANGE_REQUEST__INIT;
        struct buf keys = BUF_INIT;
        struct slice from;
        Etcd__RangeResponse *r;
        enum store_rc rc;

        (void)buf_extend(&keys, 2 * ETCD_PREFIX_MAX + 16);
        keys.n = 0;
        from = etcd_key(e, &keys, kind, SLICE_EMPTY);
        request.key = etcd_bytes(from);
        request.range_end = etcd_bytes(etcd_key_end(&keys, from));
        request.count_only = true;
        pthread_mutex_lock(&e->reads_lock);
        r = range_read(e, &request, "the number of keys", &rc, err);
        pthread_mutex_unlock(&e->reads_lock);
        if (r)
                *count = (uint64_t)r->count;
        etcd__range_response__free_unpacked(r, NULL);
        buf_clear(&keys);
        return rc;
}

enum store_rc etcd_status(void *self, struct store_status *status, struct err *err)
{
        struct etcd *e = self;
        Etcd__StatusRequest request = ETCD__STATUS_REQUEST__INIT;
        Etcd__StatusResponse *r = NULL;
        enum store_rc rc;

        status->engine = "etcd";
        status->writable = atomic_load(&e->writable) && !etcd_broken(e, err);
        status->compacted = atomic_load(&e->compacted);
        status->txns = atomic_load(&e->txns);
        status->conflicts = atomic_load(&e->conflicts);
        status->syncs = status->txns; /* each is one entry of the members' logs */
        status->identity = atomic_load(&e->cluster);
        rc = etcd_count(e, e->data, &status->keys, err);
        status->rev = atomic_load(&e->highest);
        if (rc != STORE_OK)
                return rc;
        pthread_mutex_lock(&e->reads_lock);
        rc = etcd_read(e, "/etcdserverpb.Maintenance/Status", &request.base, 5000, "the status", err);
        if (rc == STORE_OK)
                r = etcd__status_response__unpack(NULL, e->reads.message.n, e->reads.message.p);
        pthread_mutex_unlock(&e->reads_lock);
        if (r)
                status->bytes = r->db_size > 0 ? (uint64_t)r->db_size : 0;
        etcd__status_response__free_unpacked(r, NULL);
        return rc;
}
