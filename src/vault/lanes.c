#include "base/log.h"
#include "vault/commit.h"
#include "vault/ledger.h"
#include "vault/partition.h"

#include <stdio.h>
#include <stdlib.h>

/* This node's lanes come first in heads; those of other nodes follow as they are seen. */
struct vault_lanes {
        pthread_mutex_t lock;
        pthread_cond_t given;
        bool *taken;
        uint32_t lanes;
        struct vault_lane_head *heads;
        size_t count, cap;
};

bool vault_lanes_open(struct vault *v, struct err *err)
{
        struct vault_lanes *l = calloc(1, sizeof(*l));
        uint32_t n = v->config.lanes;

        v->lanes = l;
        if (!l)
                return err_set(err, ERR_MEMORY, "no memory for lanes");
        pthread_mutex_init(&l->lock, NULL);
        pthread_cond_init(&l->given, NULL);
        l->taken = calloc(n, sizeof(*l->taken));
        l->heads = calloc(n, sizeof(*l->heads));
        if (!l->taken || !l->heads)
                return err_set(err, ERR_MEMORY, "no memory for lanes");
        l->lanes = n;
        l->count = l->cap = n;
        for (uint32_t i = 0; i < n; i++)
                l->heads[i] = (struct vault_lane_head){ .node = v->config.node_number, .lane = i };
        return true;
}

void vault_lanes_close(struct vault *v)
{
        if (!v->lanes)
                return;
        pthread_mutex_destroy(&v->lanes->lock);
        pthread_cond_destroy(&v->lanes->given);
        free(v->lanes->taken);
        free(v->lanes->heads);
        free(v->lanes);
        v->lanes = NULL;
}

uint32_t vault_lane_take(struct vault *v)
{
        struct vault_lanes *l = v->lanes;
        uint32_t lane;

        pthread_mutex_lock(&l->lock);
        for (;;) {
                for (lane = 0; lane < l->lanes && l->taken[lane]; lane++)
                        ;
                if (lane < l->lanes)
                        break;
                pthread_cond_wait(&l->given, &l->lock);
        }
        l->taken[lane] = true;
        pthread_mutex_unlock(&l->lock);
        return lane;
}

void vault_lane_give(struct vault *v, uint32_t lane)
{
        pthread_mutex_lock(&v->lanes->lock);
        v->lanes->taken[lane] = false;
        pthread_cond_signal(&v->lanes->given);
        pthread_mutex_unlock(&v->lanes->lock);
}

static struct slice lane_key(struct vault_call *call, const char *prefix, uint32_t lane, uint64_t sequence)
{
        struct buf rest = BUF_INIT;
        struct slice key;

        buf_put_u32(&rest, call->vault->config.node_number);
        buf_put_text(&rest, "/");
        buf_put_u8(&rest, (uint8_t)lane);
        if (sequence) {
                buf_put_text(&rest, "/");
                buf_put_u64(&rest, sequence);
        }
        key = buf_ok(&rest) ? vault_call_key(call, prefix, buf_slice(&rest)) : SLICE_EMPTY;
        buf_clear(&rest);
        return key;
}

static struct vault_lane_head head_get(struct vault *v, uint32_t lane)
{
        struct vault_lane_head head;

        pthread_mutex_lock(&v->lanes->lock);
        head = v->lanes->heads[lane];
        pthread_mutex_unlock(&v->lanes->lock);
        return head;
}

/* The line and the hash it leaves behind. */
static bool make_line(struct vault_call *call, const struct vault_lane_head *head,
                      struct audit_record *record, struct buf *line, uint8_t hash[AUDIT_HASH_SIZE])
{
        struct vault *v = call->vault;
        uint8_t previous[AUDIT_HASH_SIZE];

        memcpy(previous, head->hash, sizeof(previous));
        if (head->rev == 0 &&
            !audit_genesis(v->deps.crypto, vault_partition_id(v), record->node, record->chain, previous))
                return false;
        return audit_record_format(record, previous, line) &&
               audit_line_hash(v->deps.crypto, buf_slice(line), hash);
}

bool vault_lane_append(struct vault_call *call, uint32_t lane, struct audit_record *record,
                       struct vault_lane_change *change)
{
        struct vault *v = call->vault;
        struct vault_lane_head head = head_get(v, lane);
        uint8_t hash[AUDIT_HASH_SIZE];
        char chain[16];
        struct buf line = BUF_INIT, body = BUF_INIT, value = BUF_INIT;
        struct slice line_key = lane_key(call, "m/", lane, head.sequence + 1);
        struct slice head_key = lane_key(call, "l/", lane, 0);
        bool ok;

        (void)snprintf(chain, sizeof(chain), "mgmt-%02u", lane);
        record->node = v->config.node_name;
        record->chain = chain;
        record->sequence = head.sequence + 1;
        ok = line_key.n && head_key.n && make_line(call, &head, record, &line, hash);
        buf_put_u64(&body, record->sequence);
        buf_put(&body, hash, sizeof(hash));
        buf_put_u64(&body, (uint64_t)record->time_ms);
        ok = ok && buf_ok(&body) && vault_record_write(v, head_key, buf_slice(&body), &value);
        if (ok) {
                change->guard =
                    (struct store_guard){ head.rev ? STORE_REV_IS : STORE_ABSENT, head_key, head.rev };
                change->ops[0] =
                    (struct store_op){ STORE_PUT, line_key, arena_copy(call->arena, buf_slice(&line)) };
                change->ops[1] =
                    (struct store_op){ STORE_PUT, head_key, arena_copy(call->arena, buf_slice(&value)) };
                ok = change->ops[0].value.p && change->ops[1].value.p;
        }
        record->chain = NULL;
        buf_clear(&line);
        buf_clear(&body);
        buf_clear(&value);
        return ok ||
               err_set(&call->err, ERR_AUDIT, "the audit record cannot be made, so nothing was changed");
}

enum store_rc vault_lane_commit(struct vault_call *call, struct audit_record *record, int timeout_ms,
                                struct err *err)
{
        struct vault *v = call->vault;
        struct store_guard guards[VAULT_CALL_OPS + 2 + VAULT_BOOKS_GUARDS(VAULT_CALL_OPS + 3)];
        struct store_op ops[VAULT_CALL_OPS + 3];
        size_t guard_count = call->guard_count, op_count = call->op_count;
        struct vault_lane_change change;
        struct store_result result = { 0 };
        uint32_t lane = vault_lane_take(v);
        enum store_rc rc = STORE_IO;

        memcpy(guards, call->guards, guard_count * sizeof(guards[0]));
        memcpy(ops, call->ops, op_count * sizeof(ops[0]));
        if (vault_lane_append(call, lane, record, &change)) {
                guards[guard_count++] = change.guard;
                ops[op_count++] = change.ops[0];
                ops[op_count++] = change.ops[1];
                if (vault_books_add(call, lane, guards, &guard_count, sizeof(guards) / sizeof(guards[0]), ops,
                                    &op_count))
                        rc = store_txn(v->deps.store, guards, guard_count, ops, op_count, timeout_ms, &result,
                                       err);
                if (rc == STORE_OK || rc == STORE_CONFLICT)
                        (void)vault_revision_wait(v, rc == STORE_OK ? result.rev : result.guard_rev,
                                                  timeout_ms);
        }
        if (call->err.id && err != &call->err)
                *err = call->err;
        vault_lane_give(v, lane);
        return rc;
}

size_t vault_lane_heads(struct vault *v, struct vault_lane_head *out, size_t n)
{
        struct vault_lanes *l = v->lanes;
        size_t count = 0;

        pthread_mutex_lock(&l->lock);
        for (size_t i = 0; i < l->count && count < n; i++) {
                if (l->heads[i].rev)
                        out[count++] = l->heads[i];
        }
        pthread_mutex_unlock(&l->lock);
        return count;
}

/* The lock is held. NULL: no memory. */
static struct vault_lane_head *head_slot(struct vault_lanes *l, uint32_t node, uint32_t lane)
{
        struct vault_lane_head *more;

        for (size_t i = 0; i < l->count; i++) {
                if (l->heads[i].node == node && l->heads[i].lane == lane)
                        return &l->heads[i];
        }
        if (l->count == l->cap) {
                more = realloc(l->heads, (l->cap + 32) * sizeof(*more));
                if (!more)
                        return NULL;
                l->heads = more;
                l->cap += 32;
        }
        l->heads[l->count] = (struct vault_lane_head){ .node = node, .lane = lane };
        return &l->heads[l->count++];
}

bool vault_lanes_apply(struct vault *v, const struct store_event *e, struct err *err)
{
        struct vault_lane_head head = { .rev = e->rev }, *slot;
        struct reader key = reader_of(slice_of(e->key.p + 2, e->key.n - 2)), in;
        struct slice body, hash;

        if (e->key.p[0] != 'l')
                return true; /* heads of key-use logs are read when asked for */
        head.node = reader_u32(&key);
        (void)reader_u8(&key);
        head.lane = reader_u8(&key);
        if (!reader_end(&key) || e->deleted)
                return err_set(err, ERR_STORE_DAMAGED, "the head of a management chain is gone or misnamed");
        if (!vault_record_read(v, e->key, e->value, &body, err))
                return false;
        in = reader_of(body);
        head.sequence = reader_u64(&in);
        hash = reader_bytes(&in, sizeof(head.hash));
        head.time_ms = (int64_t)reader_u64(&in);
        if (!reader_end(&in))
                return err_set(err, ERR_STORE_DAMAGED, "the head of a management chain cannot be read");
        memcpy(head.hash, hash.p, hash.n);
        pthread_mutex_lock(&v->lanes->lock);
        slot = head_slot(v->lanes, head.node, head.lane);
        if (slot)
                *slot = head;
        pthread_mutex_unlock(&v->lanes->lock);
        return slot || err_set(err, ERR_MEMORY, "no memory for the head of a management chain");
}
