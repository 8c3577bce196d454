#include "vault/uses.h"
#include "vault/partition.h"
#include "vault/region.h"

#include <stdlib.h>

#define BATCH (STORE_GUARDS_MAX / 2) /* keys a transaction: each has two guards */

struct vault_tally {
        _Atomic unsigned refs;
        _Atomic uint64_t stored;  /* uses its record tells */
        _Atomic uint64_t pending; /* uses on this node that it does not */
        _Atomic int64_t last_ms;
        _Atomic store_rev rev; /* of the record; 0: none */
        _Atomic bool queued;
        uint32_t handle;
        struct vault_tally *next; /* in the queue of those to be stored */
};

/* ---- tallies ---- */

bool vault_uses_attach(struct vault_object *fresh, const struct vault_object *gone)
{
        if (gone) {
                fresh->tally = gone->tally;
                atomic_fetch_add_explicit(&fresh->tally->refs, 1, memory_order_relaxed);
                return true;
        }
        fresh->tally = calloc(1, sizeof(*fresh->tally));
        if (!fresh->tally)
                return false;
        atomic_init(&fresh->tally->refs, 1);
        fresh->tally->handle = fresh->handle;
        return true;
}

void vault_tally_unref(struct vault_tally **tp)
{
        struct vault_tally *t = *tp;

        *tp = NULL;
        if (t && atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) == 1)
                free(t);
}

struct vault_uses vault_uses_of(const struct vault_object *o)
{
        struct vault_uses u = { 0, 0 };

        if (o->tally) {
                u.count = atomic_load(&o->tally->stored) + atomic_load(&o->tally->pending);
                u.last_ms = atomic_load(&o->tally->last_ms);
        }
        return u;
}

static void later(_Atomic int64_t *last, int64_t when)
{
        int64_t known = atomic_load_explicit(last, memory_order_relaxed);

        while (when > known && !atomic_compare_exchange_weak(last, &known, when))
                continue;
}

/* ---- counting ---- */

void vault_uses_note(struct vault_call *call, struct vault_object *o)
{
        if (o->handle && o->tally && !call->used)
                call->used = vault_object_ref(o);
}

static void enqueue(struct vault *v, struct vault_tally *t)
{
        struct vault_tally *head = atomic_load(&v->uses_queue);

        atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
        do
                t->next = head;
        while (!atomic_compare_exchange_weak(&v->uses_queue, &head, t));
}

void vault_uses_settle(struct vault_call *call, bool succeeded)
{
        struct vault_tally *t = call->used ? call->used->tally : NULL;

        if (t && succeeded) {
                atomic_fetch_add(&t->pending, 1);
                later(&t->last_ms, clock_wall_ms(&call->vault->deps.clock));
                if (!atomic_load(&t->queued) && !atomic_exchange(&t->queued, true))
                        enqueue(call->vault, t);
        }
        vault_object_unref(&call->used);
}

/* ---- the records ---- */

static void record_key(uint32_t handle, struct buf *out)
{
        buf_put_text(out, "y/");
        buf_put_u32(out, handle);
}

bool vault_uses_apply(struct vault *v, const struct store_event *e, struct err *err)
{
        struct reader key = reader_of(slice_of(e->key.p + 2, e->key.n - 2)), in;
        uint32_t handle = reader_u32(&key), node;
        uint64_t count, added;
        struct vault_object *o;
        struct slice body;
        int64_t last;

        if (!reader_end(&key))
                return err_set(err, ERR_STORE_DAMAGED, "a count of uses in the store is misnamed");
        if (e->deleted)
                return true; /* its key is gone too */
        if (!vault_record_read(v, e->key, e->value, &body, err))
                return false;
        in = reader_of(body);
        count = reader_u64(&in);
        last = (int64_t)reader_u64(&in);
        node = reader_u32(&in);
        added = reader_u64(&in);
        if (!reader_end(&in))
                return err_set(err, ERR_STORE_DAMAGED, "a count of uses in the store cannot be read");
        o = vault_objects_find(v, handle);
        if (o && e->rev > atomic_load(&o->tally->rev)) {
                /* At the start nothing is pending. */
                if (node == v->config.node_number && atomic_load(&v->revision))
                        atomic_fetch_sub(&o->tally->pending, added);
                atomic_store(&o->tally->stored, count);
                atomic_store(&o->tally->rev, e->rev);
                later(&o->tally->last_ms, last);
        }
        vault_object_unref(&o);
        return true;
}

bool vault_uses_forget(struct vault_call *call, const struct vault_object *o)
{
        struct buf key = BUF_INIT;
        bool ok;

        record_key(o->handle, &key);
        ok = buf_ok(&key) && vault_call_delete(call, vault_call_key(call, "", buf_slice(&key)));
        buf_clear(&key);
        return ok;
}

/* ---- storing ---- */

/* Some tallies on their way into the store. */
struct batch {
        struct vault *vault;
        struct vault_tally *tallies[BATCH];
        struct buf keys[BATCH], values[BATCH];
        uint8_t object_keys[BATCH][6];
        size_t n;
};

static bool row_make(struct batch *b, size_t i)
{
        struct vault_tally *t = b->tallies[i];
        uint64_t pending = atomic_load(&t->pending);
        struct buf body = BUF_INIT;
        bool ok;

        b->keys[i] = b->values[i] = BUF_INIT;
        record_key(t->handle, &b->keys[i]);
        buf_put_u64(&body, atomic_load(&t->stored) + pending);
        buf_put_u64(&body, (uint64_t)atomic_load(&t->last_ms));
        buf_put_u32(&body, b->vault->config.node_number);
        buf_put_u64(&body, pending);
        ok = buf_ok(&body) && buf_ok(&b->keys[i]) &&
             vault_record_write(b->vault, buf_slice(&b->keys[i]), buf_slice(&body), &b->values[i]);
        buf_clear(&body);
        return ok;
}

/* Rows [first, first + n) in one transaction: each only while its key is there and nobody else counted. */
static enum store_rc rows_put(struct batch *b, size_t first, size_t n, struct err *err)
{
        struct store_guard guards[2 * BATCH];
        struct store_op ops[BATCH];
        struct store_result result = { 0 };

        for (size_t i = 0; i < n; i++) {
                struct vault_tally *t = b->tallies[first + i];
                store_rev rev = atomic_load(&t->rev);

                guards[2 * i] =
                    (struct store_guard){ STORE_EXISTS,
                                          vault_object_store_key(t->handle, b->object_keys[first + i]), 0 };
                guards[2 * i + 1] = (struct store_guard){ rev ? STORE_REV_IS : STORE_ABSENT,
                                                          buf_slice(&b->keys[first + i]), rev };
                ops[i] = (struct store_op){ STORE_PUT, buf_slice(&b->keys[first + i]),
                                            buf_slice(&b->values[first + i]) };
        }
        return store_txn(b->vault->deps.store, guards, 2 * n, ops, n, b->vault->config.store_timeout_ms,
                         &result, err);
}

/* A key that was deleted, or counted by another node meanwhile, holds up its own row only. */
static bool batch_store(struct batch *b, struct err *err)
{
        enum store_rc rc = STORE_OK;
        bool ok = true;

        for (size_t i = 0; ok && i < b->n; i++)
                ok = row_make(b, i);
        if (!ok)
                err_set(err, ERR_MEMORY, "no memory for counts of uses");
        else
                rc = rows_put(b, 0, b->n, err);
        for (size_t i = 0; rc == STORE_CONFLICT && i < b->n; i++) {
                struct err ignored = ERR_INIT;

                (void)rows_put(b, i, 1, &ignored);
        }
        for (size_t i = 0; i < b->n; i++) {
                buf_clear(&b->keys[i]);
                buf_clear(&b->values[i]);
        }
        return ok && (rc == STORE_OK || rc == STORE_CONFLICT);
}

/* Takes up to a batch of the queue's rest. Uses from now on queue the key again. */
static struct vault_tally *batch_take(struct batch *b, struct vault_tally *rest)
{
        for (b->n = 0; rest && b->n < BATCH; b->n++) {
                b->tallies[b->n] = rest;
                rest = rest->next;
                atomic_store(&b->tallies[b->n]->queued, false);
        }
        return rest;
}

/* What is not in the store yet, because of a failure or another node's count, waits for the next turn. */
static void batch_end(struct batch *b)
{
        for (size_t i = 0; i < b->n; i++) {
                struct vault_tally *t = b->tallies[i];
                struct vault_object *o = vault_objects_find(b->vault, t->handle);

                if (o && atomic_load(&t->pending) && !atomic_exchange(&t->queued, true))
                        enqueue(b->vault, t);
                vault_object_unref(&o);
                vault_tally_unref(&t);
        }
}

bool vault_store_uses(struct vault *v, bool now, struct err *err)
{
        int64_t at = clock_mono_ms(&v->deps.clock);
        struct vault_tally *rest;
        struct batch b = { .vault = v };
        bool ok = true;

        if (vault_region_role(v) != VAULT_PRIMARY)
                return true; /* they are the primary's records; what is counted here waits */
        if (!now && at - v->uses_stored_ms < VAULT_USES_WINDOW_MS / 2)
                return true;
        v->uses_stored_ms = at;
        rest = atomic_exchange(&v->uses_queue, NULL);
        while (rest) {
                rest = batch_take(&b, rest);
                ok = ok && batch_store(&b, err);
                batch_end(&b);
        }
        return ok || (!err->id && err_set(err, ERR_STORE, "the counts of uses cannot be stored"));
}

void vault_uses_close(struct vault *v)
{
        struct vault_tally *rest = atomic_exchange(&v->uses_queue, NULL);

        while (rest) {
                struct vault_tally *t = rest;

                rest = t->next;
                vault_tally_unref(&t);
        }
}
