#include "vault/history.h"
#include "vault/partition.h"
#include "vault/region.h"

/* A backup does not know of the histories that began after it was made, but no two begin within five minutes;
 * counted from 2026, these fit in front of a revision until 2105. */
#define STEP_MS  INT64_C(300000)
#define FIRST_MS INT64_C(1767225600000)
#define MOST     ((INT64_C(1) << (62 - VAULT_REGION_REV_BITS)) - 1)

bool vault_history_begin(struct vault_call *call)
{
        struct vault *v = call->vault;
        int64_t next = vault_history_count(v) + 1,
                steps = (clock_wall_ms(&v->deps.clock) - FIRST_MS) / STEP_MS;
        struct buf body = BUF_INIT;
        bool ok;

        next = next > steps ? next : steps;
        if (next > MOST)
                return err_set(&call->err, ERR_LIMIT,
                               "the partition's clock or its count of histories is wrong");
        buf_put_u64(&body, (uint64_t)next);
        ok = vault_record_put(call, vault_call_key(call, "p/told", SLICE_EMPTY), &body);
        buf_clear(&body);
        return ok;
}

int64_t vault_history_count(const struct vault *v)
{
        return atomic_load_explicit(&v->histories, memory_order_relaxed);
}

bool vault_history_apply(struct vault *v, const struct store_event *e, struct err *err)
{
        struct slice body;
        struct reader in;
        uint64_t count;

        if (e->deleted || !vault_record_read(v, e->key, e->value, &body, err))
                return err_set(err, ERR_STORE_DAMAGED, "the record 'p/told' is gone or cannot be read");
        in = reader_of(body);
        count = reader_u64(&in);
        if (!reader_end(&in) || count > MOST)
                return err_set(err, ERR_STORE_DAMAGED, "the record 'p/told' cannot be read");
        atomic_store(&v->histories, (int64_t)count);
        return true;
}
