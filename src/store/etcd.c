/* The etcd engine: opening, reads, and what its answers are held against. */
#include "store/etcd.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

int64_t etcd_now_ms(void)
{
        struct clock clock = clock_system();

        return clock_mono_ms(&clock);
}

struct timespec etcd_until(int64_t mono_ms)
{
        return (struct timespec){ .tv_sec = mono_ms / 1000, .tv_nsec = (long)(mono_ms % 1000) * 1000000L };
}

void etcd_cond_init(pthread_cond_t *cond)
{
        pthread_condattr_t monotonic;

        pthread_condattr_init(&monotonic);
        pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
        pthread_cond_init(cond, &monotonic);
        pthread_condattr_destroy(&monotonic);
}

struct slice etcd_key(const struct etcd *e, struct buf *buf, const char *kind, struct slice rest)
{
        size_t at = buf->n;

        buf_put_text(buf, e->prefix);
        buf_put_text(buf, kind);
        buf_put_slice(buf, rest);
        return buf_ok(buf) ? slice_of(buf->p + at, buf->n - at) : SLICE_EMPTY;
}

struct slice etcd_key_end(struct buf *buf, struct slice key)
{
        size_t at = buf->n, n = key.n;

        /* Our keys begin with a configured text, so some byte below 0xff is there. */
        while (n > 1 && key.p[n - 1] == 0xff)
                n--;
        buf_put(buf, key.p, n - 1);
        buf_put_u8(buf, (uint8_t)(key.p[n - 1] + 1));
        return buf_ok(buf) ? slice_of(buf->p + at, buf->n - at) : SLICE_EMPTY;
}

struct slice etcd_pack(struct buf *buf, const ProtobufCMessage *message)
{
        uint8_t *p;

        buf_reset(buf);
        p = buf_extend(buf, protobuf_c_message_get_packed_size(message));
        if (p)
                (void)protobuf_c_message_pack(message, p);
        return buf_slice(buf);
}

bool etcd_broken(const struct etcd *e, struct err *err)
{
        if (atomic_load(&e->foreign)) {
                err_set(err, ERR_STORE_DAMAGED,
                        "etcd answers for another cluster, or went back to an older state: it was restored, "
                        "replaced or mixed up; this node changes nothing until it is opened again");
                return true;
        }
        if (atomic_load(&e->fenced)) {
                err_set(err, ERR_STORE,
                        "another process has opened the store as node %u, and two must never share a number; "
                        "or a "
                        "restored partition has taken the place of this one: start the node again",
                        e->node);
                return true;
        }
        return false;
}

bool etcd_header_ok(struct etcd *e, const Etcd__ResponseHeader *h, struct err *err)
{
        uint64_t known = 0;
        int64_t highest = atomic_load(&e->highest);

        if (!h || h->cluster_id == 0)
                return err_set(err, ERR_STORE, "an answer of etcd has no header");
        if (!atomic_compare_exchange_strong(&e->cluster, &known, h->cluster_id) && known != h->cluster_id)
                atomic_store(&e->foreign, true);
        if (atomic_load(&e->foreign)) {
                (void)etcd_broken(e, err);
                return false;
        }
        while (h->revision > highest && !atomic_compare_exchange_weak(&e->highest, &highest, h->revision))
                ;
        return true;
}

static const char no_room[] = "database space exceeded";

bool etcd_is_full(const struct etcd_reply *reply)
{
        return strstr(reply->words, no_room) != NULL;
}

enum store_rc etcd_refusal(const struct etcd_reply *reply, const char *what, struct err *err)
{
        static const struct {
                const char *words;
                enum store_rc rc;
                enum err_id id;
                const char *cure;
        } rows[] = {
                { no_room, STORE_FULL, ERR_STORE,
                  "compact and defragment the members, then disarm the alarm" },
                { "permission denied", STORE_IO, ERR_STORE,
                  "the role of this node's certificate needs read and write on the prefix" },
                { "has been compacted", STORE_COMPACTED, ERR_STORE, "load again" },
                { "request is too large", STORE_LIMIT, ERR_STORE,
                  "raise --max-request-bytes of the members to 2 MiB" },
                { "too many requests", STORE_UNAVAIL, ERR_RETRY, "retry" },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                if (strstr(reply->words, rows[i].words)) {
                        err_set(err, rows[i].id, "etcd refuses %s: %s; %s", what, reply->words, rows[i].cure);
                        return rows[i].rc;
                }
        }
        err_set(err, ERR_STORE, "etcd refuses %s: %s (gRPC status %d)", what, reply->words, reply->status);
        return STORE_IO;
}

enum store_rc etcd_read(struct etcd *e, const char *method, const ProtobufCMessage *request, int timeout_ms,
                        const char *what, struct err *err)
{
        int64_t deadline = etcd_now_ms() + timeout_ms;
        struct slice bytes = etcd_pack(&e->reads_request, request);

        if (!buf_ok(&e->reads_request)) {
                err_set(err, ERR_MEMORY, "no memory for %s", what);
                return STORE_IO;
        }
        for (unsigned tries = 0;; tries++) {
                int64_t left = deadline - etcd_now_ms();
                /* A page of a big load takes longer than a put, and on a busy machine much longer: later
                 * tries get more time, and so do the next reads. */
                unsigned patience = tries + e->reads_patience < 5 ? tries + e->reads_patience : 5;
                int64_t most = (int64_t)ETCD_TRY_MS << patience, began = etcd_now_ms();

                if (left <= 0) {
                        err_set(err, ERR_RETRY, "no etcd member answered %s within %d ms: %s", what,
                                timeout_ms, tries ? e->reads.words : "no time left");
                        return STORE_UNAVAIL;
                }
                switch (e->wire.call(e->wire.self, ETCD_LINE_READS, method, bytes,
                                     (int)(left < most ? left : most), &e->reads)) {
                case ETCD_ANSWERED:
                        e->reads_patience = patience - (patience && etcd_now_ms() - began < most / 8);
                        return STORE_OK;
                case ETCD_REFUSED:
                        return etcd_refusal(&e->reads, what, err);
                case ETCD_UNSENT:
                case ETCD_LOST:
                        if (left > 20)
                                nanosleep(&(struct timespec){ .tv_nsec = 10 * 1000000L }, NULL);
                        break;
                }
        }
}

static enum store_rc etcd_barrier(void *self, int timeout_ms, store_rev *now, struct err *err)
{
        return etcd_put_own(self, NULL, SLICE_EMPTY, timeout_ms, now, err);
}

static void etcd_close(void *self)
{
        struct etcd *e = self;

        etcd_lanes_close(e);
        e->wire.close(e->wire.self);
        buf_clear(&e->reads.message);
        buf_clear(&e->reads_request);
        pthread_mutex_destroy(&e->lock);
        pthread_mutex_destroy(&e->reads_lock);
        pthread_mutex_destroy(&e->health_lock);
        buf_clear(&e->health.message);
        pthread_cond_destroy(&e->moved);
        pthread_cond_destroy(&e->lane_free);
        free(e);
}

static bool prefix_take(struct etcd *e, const char *prefix, struct err *err)
{
        size_t n = prefix ? strlen(prefix) : 0;

        if (n == 0 || n > ETCD_PREFIX_CONF || prefix[n - 1] != '/')
                return err_set(err, ERR_CONFIG,
                               "the prefix of the keys in etcd has 1 to %d characters and ends with '/'",
                               ETCD_PREFIX_CONF);
        memcpy(e->prefix, prefix, n + 1);
        memcpy(e->data, "d/", 3);
        return true;
}

bool etcd_id_make(uint8_t id[ETCD_ID_SIZE], struct err *err)
{
        return getrandom(id, ETCD_ID_SIZE, 0) == ETCD_ID_SIZE ||
               err_set(err, ERR_INTERNAL, "the system gives no random bytes");
}

void *etcd_open_over(const struct store_config *config, struct etcd_wire wire, struct err *err)
{
        struct etcd *e = calloc(1, sizeof(*e));

        if (!e) {
                err_set(err, ERR_MEMORY, "no memory for the store");
                wire.close(wire.self);
                return NULL;
        }
        e->wire = wire;
        e->node = config->node;
        pthread_mutex_init(&e->lock, NULL);
        pthread_mutex_init(&e->reads_lock, NULL);
        pthread_mutex_init(&e->health_lock, NULL);
        etcd_cond_init(&e->moved);
        etcd_cond_init(&e->lane_free);
        if (!prefix_take(e, config->prefix, err) || (config->stage && !etcd_stage_name(e, err)) ||
            !etcd_lanes_open(e, err) || !etcd_node_take(e, err) || !etcd_stage_open(e, err) ||
            !etcd_compacted_read(e, err))
                goto fail;
        return e;
fail:
        etcd_close(e);
        return NULL;
}

static void *etcd_open(const struct store_config *config, struct err *err)
{
        struct etcd_wire wire;

        return etcd_curl_open(config, &wire, err) ? etcd_open_over(config, wire, err) : NULL;
}

const struct store_engine store_etcd_engine = {
        .name = "etcd",
        .open = etcd_open,
        .close = etcd_close,
        .txn = etcd_txn,
        .load = etcd_load,
        .follow = etcd_follow,
        .unfollow = etcd_unfollow,
        .barrier = etcd_barrier,
        .compact = etcd_compact,
        .adopt = etcd_adopt,
        .status = etcd_status,
        .health = etcd_health,
};
