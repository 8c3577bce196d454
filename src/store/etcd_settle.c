#include "store/etcd_txn.h"

#include <time.h>

Etcd__TxnResponse *etcd_answer_read(struct etcd_attempt *a, const uint8_t id[ETCD_ID_SIZE])
{
        const struct buf *b = &a->lane->reply.message;
        Etcd__TxnResponse *r = etcd__txn_response__unpack(NULL, b->n, b->p);
        const Etcd__KeyValue *lane;

        if (!r || !etcd_header_ok(a->e, r->header, a->err))
                goto lost;
        if (r->header->revision < a->floor) {
                if (++a->older == ETCD_STRAY_MAX)
                        atomic_store(&a->e->foreign, true);
                goto lost;
        }
        lane = etcd_look_at(r, r->succeeded && r->n_responses ? r->n_responses - 1 : 0);
        if (r->succeeded ? etcd_value_is(lane, id) : !lane || lane->mod_revision >= a->lane->rev)
                return r;
lost:
        etcd__txn_response__free_unpacked(r, NULL);
        return NULL;
}

static enum etcd_outcome lane_call(struct etcd_attempt *a, int timeout_ms)
{
        return a->e->wire.call(a->e->wire.self, a->lane->number, "/etcdserverpb.KV/Txn",
                               buf_slice(&a->lane->request), timeout_ms, &a->lane->reply);
}

/* Settles the transaction whose answer was lost: see etcd.h. */
static enum etcd_settled lane_settle_once(struct etcd_attempt *a, int timeout_ms)
{
        struct etcd_lane *lane = a->lane;
        Etcd__TxnResponse *r;
        const Etcd__KeyValue *kv;
        enum etcd_settled s = ETCD_UNSETTLED;

        switch (etcd_parts_settle(a) ? lane_call(a, timeout_ms) : ETCD_UNSENT) {
        case ETCD_ANSWERED:
                break;
        case ETCD_REFUSED:
                return etcd_is_full(&lane->reply) ? ETCD_NO_ROOM : ETCD_UNSETTLED;
        default:
                return ETCD_UNSETTLED;
        }
        r = etcd_answer_read(a, lane->settle);
        if (!r)
                return atomic_load(&a->e->foreign) ? ETCD_BROKEN : ETCD_UNSETTLED;
        kv = etcd_look_at(r, 0);
        if (r->succeeded) {
                lane->rev = r->header->revision;
                s = ETCD_NOT_APPLIED;
        } else if (etcd_value_is(kv, lane->pending) || etcd_value_is(kv, lane->settle)) {
                s = etcd_value_is(kv, lane->pending) ? ETCD_APPLIED : ETCD_NOT_APPLIED;
                lane->rev = kv->mod_revision;
        } else if (++a->others == ETCD_STRAY_MAX) {
                atomic_store(&a->e->fenced, true);
                s = ETCD_BROKEN;
        }
        etcd__txn_response__free_unpacked(r, NULL);
        return s;
}

enum etcd_settled etcd_settle(struct etcd_attempt *a, int64_t deadline)
{
        enum etcd_settled s = ETCD_UNSETTLED;

        a->lane->dirty = true;
        atomic_fetch_add(&a->e->settled, 1);
        while (s == ETCD_UNSETTLED) {
                int64_t left = deadline - etcd_now_ms();

                if (left <= 0)
                        return ETCD_UNSETTLED;
                s = lane_settle_once(a, (int)(left < ETCD_TRY_MS ? left : ETCD_TRY_MS));
                if (s == ETCD_UNSETTLED)
                        nanosleep(&(struct timespec){ .tv_nsec = 10 * 1000000L }, NULL);
        }
        a->lane->dirty = s == ETCD_BROKEN || s == ETCD_NO_ROOM;
        return s;
}

static enum etcd_settled lane_look_once(struct etcd_attempt *a, int timeout_ms)
{
        struct etcd_lane *lane = a->lane;
        Etcd__TxnResponse *r = NULL;
        enum etcd_settled s;

        if (etcd_parts_look(a) && lane_call(a, timeout_ms) == ETCD_ANSWERED)
                r = etcd_answer_read(a, lane->pending);
        if (!r)
                return atomic_load(&a->e->foreign) ? ETCD_BROKEN : ETCD_UNSETTLED;
        s = r->succeeded ? ETCD_APPLIED : ETCD_NOT_APPLIED;
        if (r->succeeded)
                lane->rev = etcd_look_at(r, 0)->mod_revision;
        etcd__txn_response__free_unpacked(r, NULL);
        return s;
}

enum etcd_settled etcd_settle_full(struct etcd_attempt *a, int64_t deadline)
{
        enum etcd_settled s = ETCD_UNSETTLED;
        int64_t left;

        while (s == ETCD_UNSETTLED && (left = deadline - etcd_now_ms()) > 0) {
                s = lane_look_once(a, (int)(left < ETCD_TRY_MS ? left : ETCD_TRY_MS));
                if (s == ETCD_UNSETTLED)
                        nanosleep(&(struct timespec){ .tv_nsec = 10 * 1000000L }, NULL);
        }
        a->lane->dirty = s != ETCD_APPLIED;
        return s;
}
