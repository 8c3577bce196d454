/* Reading all keys at one revision, compaction, and what status says. */
#include "store/etcd.h"

#include <stdlib.h>

#define READ_MS 30000

enum store_rc etcd_load(void *self, struct slice prefix, bool (*visit)(void *arg, const struct store_event *),
                        void *arg, store_rev *at, struct err *err)
{
        struct etcd *e = self;
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
        rc = STORE_IO;
        if (buf_ok(&keys))
                rc = etcd_pages_read(e, from, to, from.n - prefix.n, visit, arg, at, err);
        buf_clear(&keys);
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
        r = etcd_range_read(e, &request, key, &rc, err);
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
        r = etcd_range_read(e, &request, "the number of keys", &rc, err);
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
