/* Transactions through lanes. See etcd.h. */
#include "store/etcd_txn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* ---- lanes ---- */
static struct etcd_lane *lane_take(struct etcd *e, int64_t deadline)
{
        struct timespec until = etcd_until(deadline);
        struct etcd_lane *lane = NULL;
        bool late = false;

        pthread_mutex_lock(&e->lock);
        while (!lane) {
                /* The first free one: its connection is the warmest. */
                for (unsigned i = 0; i < ETCD_LANES && !lane; i++) {
                        if (!e->lanes[i].busy)
                                lane = &e->lanes[i];
                }
                if (lane)
                        lane->busy = true;
                else if (late)
                        break;
                else
                        late = pthread_cond_timedwait(&e->lane_free, &e->lock, &until) == ETIMEDOUT;
        }
        pthread_mutex_unlock(&e->lock);
        return lane;
}

static void lane_give(struct etcd *e, struct etcd_lane *lane)
{
        pthread_mutex_lock(&e->lock);
        lane->busy = false;
        pthread_cond_signal(&e->lane_free);
        pthread_mutex_unlock(&e->lock);
}

/* ---- one transaction ---- */
/* Does the failure say that another process has the node, or that the lane is not as we know it? */
static bool others_write(const struct etcd_attempt *a, const Etcd__TxnResponse *r)
{
        const Etcd__KeyValue *lane = etcd_look_at(r, 0);

        return (lane ? lane->mod_revision : 0) != a->lane->rev ||
               (!a->takes_node && !etcd_value_is(etcd_look_at(r, 1), a->e->run));
}

/* Which guard failed. */
static enum store_rc conflict_of(struct etcd_attempt *a, const Etcd__TxnResponse *r)
{
        size_t own = a->takes_node ? 1 : ETCD_OWN_GUARDS;

        for (size_t i = 0; i < a->guard_count; i++) {
                const Etcd__KeyValue *kv = etcd_look_at(r, own + i);
                store_rev rev = kv ? kv->mod_revision : 0;
                const struct store_guard *g = &a->guards[i];
                bool holds =
                    g->kind == STORE_EXISTS ? rev != 0 : rev == (g->kind == STORE_ABSENT ? 0 : g->rev);

                if (!holds) {
                        a->result->guard = i;
                        a->result->guard_rev = rev;
                        err_set(a->err, ERR_STORE_CONFLICT, "guard %zu of the transaction does not hold", i);
                        return STORE_CONFLICT;
                }
        }
        err_set(a->err, ERR_STORE, "etcd refuses a transaction whose guards all hold");
        return STORE_IO;
}

static enum store_rc applied_at(struct etcd_attempt *a, store_rev rev)
{
        a->lane->rev = rev;
        a->result->rev = rev;
        return STORE_OK;
}

/* Decodes what came and tells whether it is to be believed: NULL, as good as lost. */
static Etcd__TxnResponse *answer_of(struct etcd_attempt *a)
{
        Etcd__TxnResponse *r = etcd_answer_read(a, a->lane->pending);

        if (r && !r->succeeded && others_write(a, r)) {
                if (++a->others == ETCD_STRAY_MAX)
                        atomic_store(&a->e->fenced, true);
                etcd__txn_response__free_unpacked(r, NULL);
                r = NULL;
        }
        return r;
}

/* The answer is lost. *again: nothing was applied and it may be tried anew. */
static enum store_rc attempt_lost(struct etcd_attempt *a, int64_t deadline, bool *again)
{
        enum etcd_settled settled = ETCD_BROKEN;

        if (!atomic_load(&a->e->fenced))
                settled = etcd_settle(a, deadline + ETCD_SETTLE_MS);
        if (settled == ETCD_NO_ROOM)
                settled = etcd_settle_full(a, deadline + ETCD_SETTLE_MS) == ETCD_APPLIED ? ETCD_APPLIED
                                                                                         : ETCD_UNSETTLED;
        switch (settled) {
        case ETCD_APPLIED:
                return applied_at(a, a->lane->rev);
        case ETCD_NOT_APPLIED:
                *again = true;
                err_set(a->err, ERR_RETRY, "etcd has no leader that answers (%s); nothing was changed",
                        a->lane->reply.words);
                return STORE_UNAVAIL;
        case ETCD_BROKEN:
                (void)etcd_broken(a->e, a->err);
                return atomic_load(&a->e->foreign) ? STORE_DAMAGED : STORE_IO;
        case ETCD_UNSETTLED:
        case ETCD_NO_ROOM:
                break;
        }
        err_set(a->err, ERR_STORE,
                "etcd did not say within %d ms whether the change was made: look before making it again",
                ETCD_SETTLE_MS);
        return STORE_UNKNOWN;
}

/* The members are full. err has the words. */
static enum store_rc attempt_full(struct etcd_attempt *a, int64_t deadline)
{
        switch (etcd_settle_full(a, deadline + ETCD_SETTLE_MS)) {
        case ETCD_APPLIED:
                *a->err = ERR_INIT;
                return applied_at(a, a->lane->rev);
        case ETCD_NOT_APPLIED:
                return STORE_FULL;
        default:
                return STORE_UNKNOWN;
        }
}

/* One try. */
static enum store_rc attempt_once(struct etcd_attempt *a, int64_t deadline, bool *again)
{
        struct etcd_lane *lane = a->lane;
        int64_t left = deadline - etcd_now_ms();
        Etcd__TxnResponse *r = NULL;
        enum store_rc rc;

        *again = false;
        if (!etcd_id_make(lane->pending, a->err) || !etcd_id_make(lane->settle, a->err))
                return STORE_IO;
        if (!etcd_parts_txn(a)) {
                err_set(a->err, ERR_MEMORY, "no memory for the transaction");
                return STORE_IO;
        }
        switch (a->e->wire.call(a->e->wire.self, lane->number, "/etcdserverpb.KV/Txn",
                                buf_slice(&lane->request), (int)(left < ETCD_TRY_MS ? left : ETCD_TRY_MS),
                                &lane->reply)) {
        case ETCD_REFUSED:
                rc = etcd_refusal(&lane->reply, "the transaction", a->err);
                *again = rc == STORE_UNAVAIL;
                return rc == STORE_FULL ? attempt_full(a, deadline) : rc;
        case ETCD_UNSENT:
                *again = true;
                err_set(a->err, ERR_RETRY, "no etcd member can be reached: %s", lane->reply.words);
                return STORE_UNAVAIL;
        case ETCD_ANSWERED:
                r = answer_of(a);
                break;
        case ETCD_LOST:
                break;
        }
        if (!r)
                return attempt_lost(a, deadline, again);
        rc = r->succeeded ? applied_at(a, r->header->revision) : conflict_of(a, r);
        etcd__txn_response__free_unpacked(r, NULL);
        return rc;
}

/* A lane that an earlier transaction left in doubt. *again: it may be used now. */
static enum store_rc lane_clean(struct etcd_attempt *a, int64_t deadline, bool *again)
{
        enum etcd_settled settled = etcd_settle(a, deadline);

        *again = settled != ETCD_UNSETTLED && settled != ETCD_NO_ROOM;
        if (settled == ETCD_NO_ROOM)
                return etcd_refusal(&a->lane->reply, "the transaction", a->err);
        if (!*again)
                err_set(a->err, ERR_RETRY, "etcd does not answer; nothing was changed");
        return STORE_UNAVAIL;
}

static enum store_rc attempt_run(struct etcd_attempt *a, int timeout_ms)
{
        int64_t deadline = etcd_now_ms() + timeout_ms;
        enum store_rc rc = STORE_UNAVAIL;
        bool again = true;

        if (etcd_broken(a->e, a->err))
                return atomic_load(&a->e->foreign) ? STORE_DAMAGED : STORE_IO;
        a->floor = atomic_load(&a->e->highest);
        a->lane = lane_take(a->e, deadline);
        if (!a->lane) {
                err_set(a->err, ERR_RETRY, "etcd was busy for %d ms; nothing was changed", timeout_ms);
                return STORE_UNAVAIL;
        }
        if (a->lane->dirty)
                rc = lane_clean(a, deadline, &again);
        while (again) {
                rc = attempt_once(a, deadline, &again);
                if (again && etcd_now_ms() >= deadline)
                        again = false;
                if (again)
                        nanosleep(&(struct timespec){ .tv_nsec = 10 * 1000000L }, NULL);
        }
        lane_give(a->e, a->lane);
        atomic_store(&a->e->writable, rc == STORE_OK || rc == STORE_CONFLICT);
        if (rc == STORE_OK) {
                *a->err = ERR_INIT; /* of a try before */
                atomic_fetch_add(&a->e->txns, 1);
                etcd_watch_wait(a->e, a->result->rev, deadline);
        } else if (rc == STORE_CONFLICT)
                atomic_fetch_add(&a->e->conflicts, 1);
        return rc;
}

enum store_rc etcd_txn(void *self, const struct store_guard *guards, size_t guard_count,
                       const struct store_op *ops, size_t op_count, int timeout_ms,
                       struct store_result *result, struct err *err)
{
        struct etcd_attempt a = { .e = self,
                                  .guards = guards,
                                  .guard_count = guard_count,
                                  .ops = ops,
                                  .op_count = op_count,
                                  .result = result,
                                  .err = err };

        return attempt_run(&a, timeout_ms);
}

enum store_rc etcd_change_own(struct etcd *e, const struct etcd_own *own, int timeout_ms, struct err *err)
{
        struct store_result result = { 0 };
        struct etcd_attempt a = { .e = e,
                                  .own = own,
                                  .guards = own->guards,
                                  .guard_count = own->guard_count,
                                  .result = &result,
                                  .err = err };

        return attempt_run(&a, timeout_ms);
}

enum store_rc etcd_put_own(struct etcd *e, const char *key, struct slice value, int timeout_ms,
                           store_rev *rev, struct err *err)
{
        struct store_result result = { 0 };
        const struct etcd_own own = { .root = strlen(e->prefix),
                                      .put_key = key ? slice_str(key) : SLICE_EMPTY,
                                      .put_value = value };
        struct etcd_attempt a = { .e = e,
                                  .own = &own,
                                  .takes_node = key && strncmp(key, "n/", 2) == 0,
                                  .result = &result,
                                  .err = err };
        enum store_rc rc = attempt_run(&a, timeout_ms);

        *rev = result.rev;
        return rc;
}

/* ---- opening: what the lanes are now ---- */
static bool lanes_read(struct etcd *e, struct err *err)
{
        Etcd__RangeRequest request = ETCD__RANGE_REQUEST__INIT;
        Etcd__RangeResponse *r;
        struct buf keys = BUF_INIT;
        char rest[16];
        struct slice from, to;
        bool ok;

        snprintf(rest, sizeof(rest), "%u/", e->node);
        (void)buf_extend(&keys, 2 * ETCD_PREFIX_MAX + 64);
        keys.n = 0;
        from = etcd_key(e, &keys, "l/", slice_str(rest));
        to = etcd_key_end(&keys, from);
        request.key = etcd_bytes(from);
        request.range_end = etcd_bytes(to);
        ok = etcd_read(e, "/etcdserverpb.KV/Range", &request.base, 10000, "the lanes", err) == STORE_OK;
        r = ok ? etcd__range_response__unpack(NULL, e->reads.message.n, e->reads.message.p) : NULL;
        if (ok)
                ok = r ? etcd_header_ok(e, r->header, err)
                       : err_set(err, ERR_STORE, "the answer of etcd is malformed");
        for (size_t i = 0; ok && i < r->n_kvs; i++) {
                const Etcd__KeyValue *kv = r->kvs[i];
                char number[8] = "";

                if (kv->key.len > from.n && kv->key.len - from.n < sizeof(number))
                        memcpy(number, kv->key.data + from.n, kv->key.len - from.n);
                if (number[0] && strtoul(number, NULL, 10) < ETCD_LANES)
                        e->lanes[strtoul(number, NULL, 10)].rev = kv->mod_revision;
        }
        etcd__range_response__free_unpacked(r, NULL);
        buf_clear(&keys);
        return ok;
}

bool etcd_lanes_open(struct etcd *e, struct err *err)
{
        for (unsigned i = 0; i < ETCD_LANES; i++) {
                e->lanes[i].number = i;
                e->lanes[i].parts = calloc(1, sizeof(*e->lanes[i].parts));
                if (!e->lanes[i].parts)
                        return err_set(err, ERR_MEMORY, "no memory for the lanes");
        }
        return lanes_read(e, err);
}

bool etcd_node_take(struct etcd *e, struct err *err)
{
        char key[16];
        store_rev rev;
        bool taken = false;

        if (!etcd_id_make(e->run, err))
                return false;
        snprintf(key, sizeof(key), "n/%u", e->node);
        /* An older process of this node may still move a lane under us; once n/ is ours, none can. */
        for (unsigned tries = 0; !taken && tries < 10 && !atomic_load(&e->foreign); tries++) {
                atomic_store(&e->fenced, false);
                if (!lanes_read(e, err))
                        return false;
                taken = etcd_put_own(e, key, slice_of(e->run, ETCD_ID_SIZE), 10000, &rev, err) == STORE_OK;
                if (!taken && !atomic_load(&e->fenced))
                        return false;
        }
        return taken && lanes_read(e, err);
}

void etcd_lanes_close(struct etcd *e)
{
        for (unsigned i = 0; i < ETCD_LANES; i++) {
                free(e->lanes[i].parts);
                buf_clear(&e->lanes[i].request);
                buf_clear(&e->lanes[i].keys);
                buf_clear(&e->lanes[i].reply.message);
        }
}
