/* Old records may go; a signed bridge stays and says so. The bridge is the decision, in the command's
 * transaction; what lies below it is cleared away afterwards, by vault_audit_sweep. */
#include "vault/audit_export.h"
#include "vault/commit.h"
#include "vault/partition.h"

#include <stdio.h>

#define DAY_MS      ((int64_t)24 * 3600 * 1000)
#define SWEEP_BATCH 64

/* Looks for a lane's first record that stays. */
struct boundary {
        struct audit_verify first; /* next_sequence and expected of it */
        int64_t before_ms;
        bool found;
};

static bool boundary_visit(void *arg, const struct store_event *e)
{
        struct boundary *b = arg;

        b->found = audit_verify_adopt(&b->first, e->value) && b->first.last_time_ms >= b->before_ms;
        return !b->found;
}

/* True: the chain's records before bridge->next go. */
static bool lane_boundary(struct vault_call *call, const struct vault_lane_head *head,
                          struct audit_bridge *bridge)
{
        struct boundary b = { .before_ms = bridge->time_ms };
        struct slice prefix = vault_lane_records(call, head->lane);
        store_rev at;

        (void)snprintf(bridge->chain, sizeof(bridge->chain), "mgmt-%02u", head->lane);
        if (!prefix.n)
                return err_set(&call->err, ERR_MEMORY, "no memory for a purge");
        if (store_load(call->vault->deps.store, prefix, boundary_visit, &b, &at, &call->err) != STORE_OK)
                return call->err.id ? false : err_set(&call->err, ERR_STORE, "audit records cannot be read");
        bridge->next = b.found ? b.first.next_sequence : head->sequence + 1;
        memcpy(bridge->start, b.found ? b.first.expected : head->hash, AUDIT_HASH_SIZE);
        return true;
}

struct purge {
        struct vault_bridges *bridges;
        int64_t before_ms, now_ms;
        uint64_t records;
        uint32_t chains;
};

/* bridge->time_ms is the limit on the way in. */
static bool chain_purge(struct vault_call *call, struct purge *p, struct audit_bridge *bridge)
{
        const struct vault_bridge *old = vault_bridge_of(p->bridges, bridge->chain);
        uint64_t from = old ? old->next : audit_chain_base(bridge->chain);

        if (bridge->next <= from)
                return true;
        bridge->time_ms = p->now_ms;
        (void)snprintf(bridge->user, sizeof(bridge->user), "%s", call->login.user);
        p->records += bridge->next - from;
        p->chains++;
        return vault_bridge_set(call, p->bridges, bridge);
}

static bool chains_purge(struct vault_call *call, struct purge *p)
{
        struct vault *v = call->vault;
        struct vault_lane_head heads[256];
        size_t n = vault_lane_heads(v, heads, 256);
        struct audit_bridge use = { .chain = "use" };

        for (size_t i = 0; i < n; i++) {
                struct audit_bridge bridge = { .time_ms = p->before_ms };

                if (heads[i].node == v->config.node_number &&
                    (!lane_boundary(call, &heads[i], &bridge) || !chain_purge(call, p, &bridge)))
                        return false;
        }
        return !v->deps.audit ||
               (audit_writer_boundary(v->deps.audit, p->before_ms, &use.next, use.start, &call->err) &&
                chain_purge(call, p, &use));
}

static bool old_enough(struct vault_call *call, int64_t before_ms, int64_t now_ms)
{
        int64_t keep = call->vault->config.audit_keep_ms;

        return (before_ms > 0 && before_ms <= now_ms - keep) ||
               err_set(&call->err, ERR_ARGUMENT,
                       "this node keeps audit records for %lld days at least: name an earlier time, or its "
                       "operator lowers audit_keep_days",
                       (long long)(keep / DAY_MS));
}

bool vault_audit_purge(struct vault_call *call)
{
        struct vault *v = call->vault;
        Chsm__AuditPurgeResponse *r = arena_alloc(call->arena, sizeof(*r));
        struct purge p = { .before_ms = call->request->audit_purge->before_ms,
                           .now_ms = clock_wall_ms(&v->deps.clock) };
        char when[CLOCK_TEXT_SIZE];

        call->subject = arena_printf(call->arena, "before %.24s", clock_text(p.before_ms, when));
        if (!old_enough(call, p.before_ms, p.now_ms))
                return false;
        p.bridges = vault_bridges_read(v, call->arena, &call->err);
        if (!p.bridges || !r)
                return call->err.id ? false : err_set(&call->err, ERR_MEMORY, "no memory for a purge");
        if (!chains_purge(call, &p) || (p.chains && !vault_bridges_put(call, p.bridges)))
                return false;
        chsm__audit_purge_response__init(r);
        r->records = p.records;
        r->chains = p.chains;
        call->response->audit_purge = r;
        call->response->body_case = CHSM__RESPONSE__BODY_AUDIT_PURGE;
        return true;
}

/* ---- clearing away ---- */

struct sweep {
        struct arena *arena;
        uint64_t next;
        struct store_op ops[SWEEP_BATCH];
        size_t n;
};

static bool sweep_visit(void *arg, const struct store_event *e)
{
        struct sweep *s = arg;
        struct reader in = reader_of(slice_of(e->key.p + e->key.n - 8, 8));
        struct slice key;

        if (reader_u64(&in) >= s->next || s->n == SWEEP_BATCH)
                return false;
        key = arena_copy(s->arena, e->key);
        if (!key.p)
                return false;
        s->ops[s->n++] = (struct store_op){ STORE_DELETE, key, SLICE_EMPTY };
        return true;
}

static bool lane_sweep(struct vault *v, struct arena *arena, uint32_t lane, uint64_t next, struct err *err)
{
        for (;;) {
                struct slice block = vault_lane_block(arena, v->config.node_number, lane, 0);
                struct sweep s = { .arena = arena, .next = next };
                struct store_result result = { 0 };
                store_rev at;

                if (!block.n)
                        return err_set(err, ERR_MEMORY, "no memory to clear away audit records");
                if (store_load(v->deps.store, slice_of(block.p, block.n - 7), sweep_visit, &s, &at, err) !=
                    STORE_OK)
                        return false;
                if (s.n == 0)
                        return true;
                if (store_txn(v->deps.store, NULL, 0, s.ops, s.n, v->config.store_timeout_ms, &result, err) !=
                    STORE_OK)
                        return false;
        }
}

bool vault_audit_sweep(struct vault *v, struct err *err)
{
        struct arena *arena =
            atomic_exchange(&v->swept, true) ? NULL : arena_new(64 * 1024, 64 * 1024 * 1024);
        struct vault_bridges *bridges = arena ? vault_bridges_read(v, arena, err) : NULL;
        bool ok = bridges || (!arena && !err->id);

        for (size_t i = 0; bridges && ok && i < bridges->n; i++) {
                const struct vault_bridge *b = &bridges->rows[i];
                unsigned lane;

                if (sscanf(b->chain, "mgmt-%3u", &lane) == 1)
                        ok = lane_sweep(v, arena, lane, b->next, err);
                else
                        ok = !v->deps.audit || audit_writer_drop(v->deps.audit, b->next, err);
        }
        arena_free(&arena);
        if (!ok) {
                atomic_store(&v->swept, false);
                if (!err->id)
                        err_set(err, ERR_STORE, "purged audit records cannot be cleared away");
        }
        return ok;
}
