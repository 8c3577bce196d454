/* Transactions through lanes, and what becomes of one whose answer was lost. See etcd.h. */
#include "store/etcd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Guards and operations of ours besides the caller's: the lane and the run; the lane. */
#define OWN_GUARDS 2
#define GUARDS_MAX (STORE_GUARDS_MAX + OWN_GUARDS)
#define OPS_MAX    (STORE_OPS_MAX + 1)

/* The parts of one request, made again and again in place. */
struct etcd_txn_parts {
        Etcd__TxnRequest request;
        Etcd__Compare compares[GUARDS_MAX], *compare_list[GUARDS_MAX];
        Etcd__RequestOp ops[OPS_MAX], *op_list[OPS_MAX];
        union {
                Etcd__PutRequest put;
                Etcd__DeleteRangeRequest delete_range;
        } op_bodies[OPS_MAX];
        Etcd__RequestOp looks[GUARDS_MAX], *look_list[GUARDS_MAX];
        Etcd__RangeRequest look_bodies[GUARDS_MAX];
};

/* A transaction on its way. */
struct attempt {
        struct etcd *e;
        struct etcd_lane *lane;
        const struct store_guard *guards;
        const struct store_op *ops;
        size_t guard_count, op_count;
        const char *own_key; /* a key outside d/, instead of ops */
        struct slice own_value;
        bool takes_node; /* writes n/, so does not guard it */
        store_rev floor; /* no honest answer is older */
        struct store_result *result;
        struct err *err;
};

enum settled { APPLIED, NOT_APPLIED, UNSETTLED, BROKEN };

static ProtobufCBinaryData bytes_of(struct slice s)
{
        return (ProtobufCBinaryData){ s.n, (uint8_t *)(uintptr_t)s.p };
}

static struct slice lane_key(const struct etcd *e, struct etcd_lane *lane)
{
        char rest[24];

        snprintf(rest, sizeof(rest), "%u/%u", e->node, lane->number);
        return etcd_key(e, &lane->keys, "l/", slice_str(rest));
}

static struct slice node_key(const struct etcd *e, struct etcd_lane *lane)
{
        char rest[16];

        snprintf(rest, sizeof(rest), "%u", e->node);
        return etcd_key(e, &lane->keys, "n/", slice_str(rest));
}

/* ---- parts of a request ---- */
static void compare_rev(struct etcd_txn_parts *p, struct slice key, Etcd__Compare__Result result,
                        store_rev rev)
{
        Etcd__Compare *c = &p->compares[p->request.n_compare];

        etcd__compare__init(c);
        c->key = bytes_of(key);
        c->result = result;
        c->target = ETCD__COMPARE__TARGET__MOD;
        c->target_union_case = ETCD__COMPARE__TARGET_UNION_MOD_REVISION;
        c->mod_revision = rev;
        p->compare_list[p->request.n_compare++] = c;
}

static void compare_value(struct etcd_txn_parts *p, struct slice key, struct slice value)
{
        compare_rev(p, key, ETCD__COMPARE__RESULT__EQUAL, 0);
        p->compares[p->request.n_compare - 1].target = ETCD__COMPARE__TARGET__VALUE;
        p->compares[p->request.n_compare - 1].target_union_case = ETCD__COMPARE__TARGET_UNION_VALUE;
        p->compares[p->request.n_compare - 1].value = bytes_of(value);
}

static void put_add(struct etcd_txn_parts *p, struct slice key, struct slice value)
{
        size_t i = p->request.n_success++;

        etcd__put_request__init(&p->op_bodies[i].put);
        etcd__request_op__init(&p->ops[i]);
        p->op_bodies[i].put.key = bytes_of(key);
        p->op_bodies[i].put.value = bytes_of(value);
        p->ops[i].request_case = ETCD__REQUEST_OP__REQUEST_PUT;
        p->ops[i].put = &p->op_bodies[i].put;
        p->op_list[i] = &p->ops[i];
}

static void delete_add(struct etcd_txn_parts *p, struct slice key)
{
        size_t i = p->request.n_success++;

        etcd__delete_range_request__init(&p->op_bodies[i].delete_range);
        etcd__request_op__init(&p->ops[i]);
        p->op_bodies[i].delete_range.key = bytes_of(key);
        p->ops[i].request_case = ETCD__REQUEST_OP__REQUEST_DELETE_RANGE;
        p->ops[i].delete_range = &p->op_bodies[i].delete_range;
        p->op_list[i] = &p->ops[i];
}

/* What the failure branch tells, in the order of the guards. */
static void look_add(struct etcd_txn_parts *p, struct slice key, bool keys_only)
{
        size_t i = p->request.n_failure++;

        etcd__range_request__init(&p->look_bodies[i]);
        etcd__request_op__init(&p->looks[i]);
        p->look_bodies[i].key = bytes_of(key);
        p->look_bodies[i].keys_only = keys_only;
        p->looks[i].request_case = ETCD__REQUEST_OP__REQUEST_RANGE;
        p->looks[i].range = &p->look_bodies[i];
        p->look_list[i] = &p->looks[i];
}

static void parts_begin(struct etcd *e, struct etcd_lane *lane, const uint8_t id[ETCD_ID_SIZE])
{
        struct etcd_txn_parts *p = lane->parts;
        struct slice key;

        etcd__txn_request__init(&p->request);
        p->request.compare = p->compare_list;
        p->request.success = p->op_list;
        p->request.failure = p->look_list;
        buf_reset(&lane->keys);
        /* Keys are lent to the parts, so their buffer must not move while they are made. */
        (void)buf_extend(&lane->keys,
                         (size_t)(GUARDS_MAX + OPS_MAX) * (ETCD_PREFIX_MAX + STORE_KEY_MAX + 24));
        lane->keys.n = 0;
        key = lane_key(e, lane);
        compare_rev(p, key, ETCD__COMPARE__RESULT__EQUAL, lane->rev);
        put_add(p, key, slice_of(id, ETCD_ID_SIZE));
        look_add(p, key, false);
}

static bool parts_guards(struct attempt *a)
{
        struct etcd_txn_parts *p = a->lane->parts;

        if (!a->takes_node) {
                struct slice key = node_key(a->e, a->lane);
                compare_value(p, key, slice_of(a->e->run, ETCD_ID_SIZE));
                look_add(p, key, false);
        }
        for (size_t i = 0; i < a->guard_count; i++) {
                const struct store_guard *g = &a->guards[i];
                struct slice key = etcd_key(a->e, &a->lane->keys, "d/", g->key);

                if (g->kind == STORE_EXISTS)
                        compare_rev(p, key, ETCD__COMPARE__RESULT__GREATER, 0);
                else
                        compare_rev(p, key, ETCD__COMPARE__RESULT__EQUAL,
                                    g->kind == STORE_ABSENT ? 0 : g->rev);
                look_add(p, key, true);
        }
        return buf_ok(&a->lane->keys);
}

static bool parts_ops(struct attempt *a)
{
        struct etcd_txn_parts *p = a->lane->parts;

        if (a->own_key)
                put_add(p, etcd_key(a->e, &a->lane->keys, "", slice_str(a->own_key)), a->own_value);
        for (size_t i = 0; i < a->op_count; i++) {
                struct slice key = etcd_key(a->e, &a->lane->keys, "d/", a->ops[i].key);

                if (a->ops[i].kind == STORE_PUT)
                        put_add(p, key, a->ops[i].value);
                else
                        delete_add(p, key);
        }
        return buf_ok(&a->lane->keys);
}

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
                        late = pthread_cond_timedwait(&e->moved, &e->lock, &until) == ETIMEDOUT;
        }
        pthread_mutex_unlock(&e->lock);
        return lane;
}

static void lane_give(struct etcd *e, struct etcd_lane *lane)
{
        pthread_mutex_lock(&e->lock);
        lane->busy = false;
        pthread_cond_broadcast(&e->moved);
        pthread_mutex_unlock(&e->lock);
}

static const Etcd__KeyValue *look_at(const Etcd__TxnResponse *r, size_t i)
{
        const Etcd__ResponseOp *op = i < r->n_responses ? r->responses[i] : NULL;

        if (!op || op->response_case != ETCD__RESPONSE_OP__RESPONSE_RANGE || op->range->n_kvs == 0)
                return NULL;
        return op->range->kvs[0];
}

static bool value_is(const Etcd__KeyValue *kv, const uint8_t id[ETCD_ID_SIZE])
{
        return kv && kv->value.len == ETCD_ID_SIZE && memcmp(kv->value.data, id, ETCD_ID_SIZE) == 0;
}

/* The decoded answer, or NULL when it is none or not to be believed: then as good as lost. */
static Etcd__TxnResponse *answer_read(struct attempt *a, store_rev above)
{
        const struct buf *b = &a->lane->reply.message;
        Etcd__TxnResponse *r = etcd__txn_response__unpack(NULL, b->n, b->p);

        if (r && etcd_header_ok(a->e, r->header, a->floor, a->err) &&
            (!r->succeeded || r->header->revision > above))
                return r;
        etcd__txn_response__free_unpacked(r, NULL);
        return NULL;
}

/* Settles the transaction whose answer was lost: see etcd.h. */
static enum settled lane_settle_once(struct attempt *a, int timeout_ms)
{
        struct etcd_lane *lane = a->lane;
        struct slice bytes;
        Etcd__TxnResponse *r;
        const Etcd__KeyValue *kv;
        enum settled s = UNSETTLED;

        parts_begin(a->e, lane, lane->settle);
        bytes = etcd_pack(&lane->request, &lane->parts->request.base);
        if (!buf_ok(&lane->keys) || !buf_ok(&lane->request) ||
            a->e->wire.call(a->e->wire.self, lane->number, "/etcdserverpb.KV/Txn", bytes, timeout_ms,
                            &lane->reply) != ETCD_ANSWERED)
                return UNSETTLED;
        r = answer_read(a, lane->rev);
        if (!r)
                return atomic_load(&a->e->foreign) ? BROKEN : UNSETTLED;
        kv = look_at(r, 0);
        if (r->succeeded) {
                lane->rev = r->header->revision;
                s = NOT_APPLIED;
        } else if (value_is(kv, lane->pending) || value_is(kv, lane->settle)) {
                s = value_is(kv, lane->pending) ? APPLIED : NOT_APPLIED;
                lane->rev = kv->mod_revision;
        } else {
                atomic_store(&a->e->fenced, true);
                s = BROKEN;
        }
        etcd__txn_response__free_unpacked(r, NULL);
        return s;
}

static enum settled lane_settle(struct attempt *a, int64_t deadline)
{
        enum settled s = UNSETTLED;

        a->lane->dirty = true;
        atomic_fetch_add(&a->e->settled, 1);
        while (s == UNSETTLED) {
                int64_t left = deadline - etcd_now_ms();

                if (left <= 0)
                        return UNSETTLED;
                s = lane_settle_once(a, (int)(left < ETCD_TRY_MS ? left : ETCD_TRY_MS));
                if (s == UNSETTLED)
                        nanosleep(&(struct timespec){ .tv_nsec = 10 * 1000000L }, NULL);
        }
        a->lane->dirty = s == BROKEN;
        return s;
}

/* ---- one transaction ---- */
/* Which guard failed. Not ours alone: another process has the node, or the lane is not as we know it. */
static enum store_rc conflict_of(struct attempt *a, const Etcd__TxnResponse *r)
{
        const Etcd__KeyValue *lane = look_at(r, 0);
        size_t own = a->takes_node ? 1 : OWN_GUARDS;

        if ((lane ? lane->mod_revision : 0) != a->lane->rev ||
            (!a->takes_node && !value_is(look_at(r, 1), a->e->run))) {
                atomic_store(&a->e->fenced, true);
                (void)etcd_broken(a->e, a->err);
                return STORE_IO;
        }
        for (size_t i = 0; i < a->guard_count; i++) {
                const Etcd__KeyValue *kv = look_at(r, own + i);
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

static enum store_rc applied_at(struct attempt *a, store_rev rev)
{
        a->lane->rev = rev;
        a->result->rev = rev;
        return STORE_OK;
}

/* One try. *again: nothing was applied and it may be tried anew. */
static enum store_rc attempt_once(struct attempt *a, int64_t deadline, bool *again)
{
        struct etcd_lane *lane = a->lane;
        int64_t left = deadline - etcd_now_ms();
        Etcd__TxnResponse *r = NULL;
        struct slice bytes;
        enum store_rc rc;

        *again = false;
        if (!etcd_id_make(lane->pending, a->err) || !etcd_id_make(lane->settle, a->err))
                return STORE_IO;
        parts_begin(a->e, lane, lane->pending);
        if (!parts_guards(a) || !parts_ops(a) ||
            (bytes = etcd_pack(&lane->request, &lane->parts->request.base), !buf_ok(&lane->request))) {
                err_set(a->err, ERR_MEMORY, "no memory for the transaction");
                return STORE_IO;
        }
        switch (a->e->wire.call(a->e->wire.self, lane->number, "/etcdserverpb.KV/Txn", bytes,
                                (int)(left < ETCD_TRY_MS ? left : ETCD_TRY_MS), &lane->reply)) {
        case ETCD_REFUSED:
                rc = etcd_refusal(&lane->reply, "the transaction", a->err);
                *again = rc == STORE_UNAVAIL;
                return rc;
        case ETCD_UNSENT:
                *again = true;
                err_set(a->err, ERR_RETRY, "no etcd member can be reached: %s", lane->reply.words);
                return STORE_UNAVAIL;
        case ETCD_ANSWERED:
                r = answer_read(a, lane->rev);
                break;
        case ETCD_LOST:
                break;
        }
        if (r) {
                rc = r->succeeded ? applied_at(a, r->header->revision) : conflict_of(a, r);
                etcd__txn_response__free_unpacked(r, NULL);
                return rc;
        }
        switch (lane_settle(a, deadline + ETCD_SETTLE_MS)) {
        case APPLIED:
                return applied_at(a, lane->rev);
        case NOT_APPLIED:
                *again = true;
                err_set(a->err, ERR_RETRY, "etcd has no leader that answers (%s); nothing was changed",
                        lane->reply.words);
                return STORE_UNAVAIL;
        case BROKEN:
                (void)etcd_broken(a->e, a->err);
                return atomic_load(&a->e->foreign) ? STORE_DAMAGED : STORE_IO;
        case UNSETTLED:
                break;
        }
        err_set(a->err, ERR_STORE,
                "etcd did not say within %d ms whether the change was made: look before "
                "making it again",
                ETCD_SETTLE_MS);
        return STORE_UNKNOWN;
}

static enum store_rc attempt_run(struct attempt *a, int timeout_ms)
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
        if (a->lane->dirty && lane_settle(a, deadline) == UNSETTLED) {
                err_set(a->err, ERR_RETRY, "etcd does not answer; nothing was changed");
                again = false;
        }
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
        struct attempt a = { .e = self,
                             .guards = guards,
                             .guard_count = guard_count,
                             .ops = ops,
                             .op_count = op_count,
                             .result = result,
                             .err = err };

        return attempt_run(&a, timeout_ms);
}

enum store_rc etcd_put_own(struct etcd *e, const char *key, struct slice value, int timeout_ms,
                           store_rev *rev, struct err *err)
{
        struct store_result result = { 0 };
        struct attempt a = { .e = e,
                             .own_key = key,
                             .own_value = value,
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
        request.key = bytes_of(from);
        request.range_end = bytes_of(to);
        ok = etcd_read(e, "/etcdserverpb.KV/Range", &request.base, 10000, "the lanes", err) == STORE_OK;
        r = ok ? etcd__range_response__unpack(NULL, e->reads.message.n, e->reads.message.p) : NULL;
        if (ok)
                ok = r ? etcd_header_ok(e, r->header, 0, err)
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
