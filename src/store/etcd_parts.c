#include "store/etcd_txn.h"

#include <stdio.h>

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

static void compare_rev(struct etcd_txn_parts *p, struct slice key, Etcd__Compare__Result result,
                        store_rev rev)
{
        Etcd__Compare *c = &p->compares[p->request.n_compare];

        etcd__compare__init(c);
        c->key = etcd_bytes(key);
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
        p->compares[p->request.n_compare - 1].value = etcd_bytes(value);
}

static void put_add(struct etcd_txn_parts *p, struct slice key, struct slice value)
{
        size_t i = p->request.n_success++;

        etcd__put_request__init(&p->op_bodies[i].put);
        etcd__request_op__init(&p->ops[i]);
        p->op_bodies[i].put.key = etcd_bytes(key);
        p->op_bodies[i].put.value = etcd_bytes(value);
        p->ops[i].request_case = ETCD__REQUEST_OP__REQUEST_PUT;
        p->ops[i].put = &p->op_bodies[i].put;
        p->op_list[i] = &p->ops[i];
}

/* end: the first key that stays; empty: just the one key goes. */
static void delete_add(struct etcd_txn_parts *p, struct slice key, struct slice end)
{
        size_t i = p->request.n_success++;

        etcd__delete_range_request__init(&p->op_bodies[i].delete_range);
        etcd__request_op__init(&p->ops[i]);
        p->op_bodies[i].delete_range.key = etcd_bytes(key);
        if (end.n)
                p->op_bodies[i].delete_range.range_end = etcd_bytes(end);
        p->ops[i].request_case = ETCD__REQUEST_OP__REQUEST_DELETE_RANGE;
        p->ops[i].delete_range = &p->op_bodies[i].delete_range;
        p->op_list[i] = &p->ops[i];
}

/* Reads the lane back, so that an answer tells whose it is: one that strays in from another call is known. */
static void lane_read_back(struct etcd_txn_parts *p, struct slice key)
{
        size_t i = p->request.n_success++;

        etcd__range_request__init(&p->op_bodies[i].range);
        etcd__request_op__init(&p->ops[i]);
        p->op_bodies[i].range.key = etcd_bytes(key);
        p->ops[i].request_case = ETCD__REQUEST_OP__REQUEST_RANGE;
        p->ops[i].range = &p->op_bodies[i].range;
        p->op_list[i] = &p->ops[i];
}

/* What the failure branch tells, in the order of the guards. */
static void look_add(struct etcd_txn_parts *p, struct slice key, bool keys_only)
{
        size_t i = p->request.n_failure++;

        etcd__range_request__init(&p->look_bodies[i]);
        etcd__request_op__init(&p->looks[i]);
        p->look_bodies[i].key = etcd_bytes(key);
        p->look_bodies[i].keys_only = keys_only;
        p->looks[i].request_case = ETCD__REQUEST_OP__REQUEST_RANGE;
        p->looks[i].range = &p->look_bodies[i];
        p->look_list[i] = &p->looks[i];
}

static struct slice parts_clear(struct etcd *e, struct etcd_lane *lane)
{
        struct etcd_txn_parts *p = lane->parts;

        etcd__txn_request__init(&p->request);
        p->request.compare = p->compare_list;
        p->request.success = p->op_list;
        p->request.failure = p->look_list;
        buf_reset(&lane->keys);
        /* Keys are lent to the parts, so their buffer must not move while they are made. */
        (void)buf_extend(&lane->keys,
                         (size_t)(ETCD_GUARDS_MAX + ETCD_OPS_MAX) * (ETCD_PREFIX_MAX + STORE_KEY_MAX + 24));
        lane->keys.n = 0;
        return lane_key(e, lane);
}

static struct slice parts_begin(struct etcd *e, struct etcd_lane *lane, const uint8_t id[ETCD_ID_SIZE])
{
        struct etcd_txn_parts *p = lane->parts;
        struct slice key = parts_clear(e, lane);

        compare_rev(p, key, ETCD__COMPARE__RESULT__EQUAL, lane->rev);
        put_add(p, key, slice_of(id, ETCD_ID_SIZE));
        look_add(p, key, false);
        return key;
}

/* A key behind the first bytes of the prefix, of another store then. */
static struct slice root_key(struct etcd_attempt *a, struct slice rest)
{
        struct buf *keys = &a->lane->keys;
        size_t at = keys->n;

        buf_put(keys, a->e->prefix, a->own->root);
        buf_put_slice(keys, rest);
        return buf_ok(keys) ? slice_of(keys->p + at, keys->n - at) : SLICE_EMPTY;
}

static bool parts_guards(struct etcd_attempt *a)
{
        struct etcd_txn_parts *p = a->lane->parts;

        if (!a->takes_node) {
                struct slice key = node_key(a->e, a->lane);
                compare_value(p, key, slice_of(a->e->run, ETCD_ID_SIZE));
                look_add(p, key, false);
        }
        for (size_t i = 0; i < a->guard_count; i++) {
                const struct store_guard *g = &a->guards[i];
                struct slice key =
                    a->own ? root_key(a, g->key) : etcd_key(a->e, &a->lane->keys, a->e->data, g->key);

                if (g->kind == STORE_EXISTS)
                        compare_rev(p, key, ETCD__COMPARE__RESULT__GREATER, 0);
                else
                        compare_rev(p, key, ETCD__COMPARE__RESULT__EQUAL,
                                    g->kind == STORE_ABSENT ? 0 : g->rev);
                look_add(p, key, true);
        }
        return buf_ok(&a->lane->keys);
}

static void parts_own(struct etcd_attempt *a)
{
        struct etcd_txn_parts *p = a->lane->parts;
        const struct etcd_own *own = a->own;
        struct slice key;

        if (own->put_key.n)
                put_add(p, root_key(a, own->put_key), own->put_value);
        if (own->sweep_from.n) {
                key = root_key(a, own->sweep_from);
                delete_add(p, key, root_key(a, own->sweep_to));
        }
        if (own->sweep_also.n) {
                key = root_key(a, own->sweep_also);
                delete_add(p, key, etcd_key_end(&a->lane->keys, key));
        }
}

static bool parts_ops(struct etcd_attempt *a, struct slice lane)
{
        struct etcd_txn_parts *p = a->lane->parts;

        if (a->own)
                parts_own(a);
        for (size_t i = 0; i < a->op_count; i++) {
                struct slice key = etcd_key(a->e, &a->lane->keys, a->e->data, a->ops[i].key);

                if (a->ops[i].kind == STORE_PUT)
                        put_add(p, key, a->ops[i].value);
                else
                        delete_add(p, key, SLICE_EMPTY);
        }
        lane_read_back(p, lane);
        return buf_ok(&a->lane->keys);
}

bool etcd_parts_txn(struct etcd_attempt *a)
{
        struct slice lane = parts_begin(a->e, a->lane, a->lane->pending);

        if (!parts_guards(a) || !parts_ops(a, lane))
                return false;
        (void)etcd_pack(&a->lane->request, &a->lane->parts->request.base);
        return buf_ok(&a->lane->request);
}

bool etcd_parts_settle(struct etcd_attempt *a)
{
        lane_read_back(a->lane->parts, parts_begin(a->e, a->lane, a->lane->settle));
        (void)etcd_pack(&a->lane->request, &a->lane->parts->request.base);
        return buf_ok(&a->lane->keys) && buf_ok(&a->lane->request);
}

bool etcd_parts_look(struct etcd_attempt *a)
{
        struct slice key = parts_clear(a->e, a->lane);

        compare_rev(a->lane->parts, key, ETCD__COMPARE__RESULT__GREATER, a->lane->rev);
        lane_read_back(a->lane->parts, key);
        look_add(a->lane->parts, key, false);
        (void)etcd_pack(&a->lane->request, &a->lane->parts->request.base);
        return buf_ok(&a->lane->keys) && buf_ok(&a->lane->request);
}

const Etcd__KeyValue *etcd_look_at(const Etcd__TxnResponse *r, size_t i)
{
        const Etcd__ResponseOp *op = i < r->n_responses ? r->responses[i] : NULL;

        if (!op || op->response_case != ETCD__RESPONSE_OP__RESPONSE_RANGE || op->range->n_kvs == 0)
                return NULL;
        return op->range->kvs[0];
}

bool etcd_value_is(const Etcd__KeyValue *kv, const uint8_t id[ETCD_ID_SIZE])
{
        return kv && kv->value.len == ETCD_ID_SIZE && memcmp(kv->value.data, id, ETCD_ID_SIZE) == 0;
}
