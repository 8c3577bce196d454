/* The follower's side: changes of the primary become changes here, and what the other region says of itself
 * is judged. */
#include "vault/region_internal.h"
#include "base/log.h"
#include "vault/commit.h"

#include <stdio.h>
#include <stdlib.h>

#define GATHER_OPS   90
#define GATHER_BYTES ((size_t)512 * 1024)

/* Changes gathered for one transaction; slices lend from the batch. A later change of a key takes the place
 * of an earlier one. */
struct gathered {
        struct vault *vault;
        struct store_op ops[GATHER_OPS + 1];
        size_t n, bytes;
        store_rev upto; /* the last revision that is whole in here */
};

static bool record_next(struct vault *v, store_rev upto, store_rev *rev, struct buf *value)
{
        struct vault_region_record r;

        vault_region_now(v, &r, rev);
        r.source = upto;
        r.contact_ms = clock_wall_ms(&v->deps.clock);
        return vault_region_write(v, &r, value);
}

/* What was gathered, and the place in the feed, or neither. */
static bool commit(struct gathered *g, struct err *err)
{
        struct vault *v = g->vault;
        struct store_guard guard = { STORE_REV_IS, VAULT_REGION_KEY, 0 };
        struct store_result result = { 0 };
        struct buf value = BUF_INIT;
        enum store_rc rc = STORE_IO;

        if (vault_region_role(v) != VAULT_FOLLOWER)
                return err_set(err, ERR_REGION, "this region follows no longer");
        if (!record_next(v, g->upto, &guard.rev, &value)) {
                buf_clear(&value);
                return err_set(err, ERR_MEMORY, "no memory to follow the other region");
        }
        g->ops[g->n] = (struct store_op){ STORE_PUT, VAULT_REGION_KEY, buf_slice(&value) };
        rc = store_txn(v->deps.store, &guard, 1, g->ops, g->n + 1, v->config.store_timeout_ms, &result, err);
        if (rc == STORE_OK || rc == STORE_CONFLICT)
                (void)vault_revision_wait(v, rc == STORE_OK ? result.rev : result.guard_rev,
                                          v->config.store_timeout_ms);
        buf_clear(&value);
        g->n = g->bytes = 0;
        if (rc == STORE_CONFLICT) {
                *err = ERR_INIT;
                err_set(err, ERR_STORE_CONFLICT, "another node of this region was faster");
        }
        return rc == STORE_OK || (err->id ? false : err_set(err, ERR_STORE, "the store took no changes"));
}

static void gather(struct gathered *g, const struct store_op *op)
{
        for (size_t i = 0; i < g->n; i++) {
                if (slice_equal(g->ops[i].key, op->key)) {
                        g->bytes += op->value.n;
                        g->ops[i] = *op;
                        return;
                }
        }
        g->bytes += op->key.n + op->value.n;
        g->ops[g->n++] = *op;
}

/* Neither what never travels nor what a node of this region keeps itself, whatever the other one says. */
static bool is_taken(struct vault *v, struct slice key)
{
        uint32_t number;
        enum region_kind kind = region_kind_of(key, &number);

        return kind == REGION_SHARED || (kind == REGION_NODE && number != v->config.node_number);
}

static size_t size_of(const struct region_revision *r)
{
        size_t n = 0;

        for (size_t i = 0; i < r->n; i++)
                n += r->ops[i].key.n + r->ops[i].value.n;
        return n;
}

/* A revision larger than a transaction of ours takes several; only the last one counts it as done, and all of
 * it is done again when that is cut off. */
static bool add_revision(struct gathered *g, const struct region_revision *r, struct err *err)
{
        if (g->n && (g->n + r->n > GATHER_OPS || g->bytes + size_of(r) > GATHER_BYTES) && !commit(g, err))
                return false;
        for (size_t i = 0; i < r->n; i++) {
                if (!is_taken(g->vault, r->ops[i].key))
                        continue;
                if ((g->n == GATHER_OPS || g->bytes > GATHER_BYTES) && !commit(g, err))
                        return false;
                gather(g, &r->ops[i]);
        }
        g->upto = r->rev;
        return true;
}

bool vault_region_apply(struct vault *v, struct slice changes, store_rev upto, struct err *err)
{
        struct gathered *g = calloc(1, sizeof(*g));
        struct region_revision *r = calloc(1, sizeof(*r));
        struct vault_region_record now;
        struct reader in;
        store_rev rev;
        bool ok = g && r;

        if (!ok)
                err_set(err, ERR_MEMORY, "no memory to follow the other region");
        vault_region_now(v, &now, &rev);
        if (ok) {
                g->vault = v;
                g->upto = now.source;
                ok = region_batch_open(changes, &in);
        }
        while (ok && region_batch_next(&in, g->upto, r))
                ok = add_revision(g, r, err);
        if (ok && (!region_batch_ended(&in) || upto < g->upto))
                ok = false;
        if (ok) {
                g->upto = upto;
                ok = (!g->n && clock_wall_ms(&v->deps.clock) - now.contact_ms < VAULT_REGION_BEAT_MS) ||
                     commit(g, err);
        }
        if (ok && upto > atomic_load(&v->region->source))
                atomic_store(&v->region->source, upto);
        free(g);
        free(r);
        return ok ||
               (err->id ? false
                        : err_set(err, ERR_FRAME, "what the other region sends is no batch of changes"));
}

/* ---- who is primary ---- */

static bool put_record(struct vault *v, const struct vault_region_record *r, store_rev rev, struct err *err)
{
        struct store_guard guard = { rev ? STORE_REV_IS : STORE_ABSENT, VAULT_REGION_KEY, rev };
        struct store_result result = { 0 };
        struct buf value = BUF_INIT;
        struct store_op op;
        enum store_rc rc = STORE_IO;

        if (!vault_region_write(v, r, &value)) {
                buf_clear(&value);
                return err_set(err, ERR_MEMORY, "no memory for the record of the region");
        }
        op = (struct store_op){ STORE_PUT, VAULT_REGION_KEY, buf_slice(&value) };
        rc = store_txn(v->deps.store, &guard, 1, &op, 1, v->config.store_timeout_ms, &result, err);
        if (rc == STORE_OK || rc == STORE_CONFLICT)
                (void)vault_revision_wait(v, rc == STORE_OK ? result.rev : result.guard_rev,
                                          v->config.store_timeout_ms);
        buf_clear(&value);
        return rc == STORE_OK || (err->id ? false : err_set(err, ERR_STORE, "the store took no change"));
}

/* The other region was promoted over this one, or with the same epoch by a second signature of the owner. */
static bool is_superseded(const struct vault_region_record *own, const struct vault_region_record *other)
{
        if (other->role != VAULT_PRIMARY || own->role == VAULT_FOLLOWER)
                return false;
        if (own->role == VAULT_FENCED && own->seen_epoch >= other->epoch)
                return false;
        return other->epoch > own->epoch || (own->role == VAULT_PRIMARY && other->epoch == own->epoch &&
                                             own->epoch && other->by != own->by);
}

bool vault_region_meet(struct vault *v, struct slice record, const char *address, bool *changed,
                       struct err *err)
{
        struct vault_region_record own, other = { .role = VAULT_PRIMARY };
        store_rev rev;

        *changed = false;
        if (record.n && !vault_region_read(v, record, &other, err))
                return err_prefix(err, "the record of the other region");
        atomic_store(&v->region->heard_ms, clock_mono_ms(&v->deps.clock));
        vault_region_now(v, &own, &rev);
        if (!is_superseded(&own, &other))
                return true;
        log_warning("this region (epoch %llu) was superseded: '%s' is primary with epoch %llu; nothing is "
                    "changed here any more",
                    (unsigned long long)own.epoch, address, (unsigned long long)other.epoch);
        own.role = VAULT_FENCED;
        own.by = v->config.node_number;
        own.seen_epoch = other.epoch;
        own.seen = other.source;
        (void)snprintf(own.peer, sizeof(own.peer), "%s", address);
        *changed = true;
        return put_record(v, &own, rev, err);
}
