#include "store/store.h"
#include "store/engine.h"

#include <stdlib.h>

struct store {
        const struct store_engine *engine;
        void *self;
};

struct store_watch {
        struct store *store;
        void *self;
};

struct store *store_open(const struct store_config *config, struct err *err)
{
        const struct store_engine *engine = store_engine_find(config->engine);
        void *self;

        if (!engine) {
                err_set(err, ERR_CONFIG, "there is no store engine '%s'; there are 'sqlite' and 'etcd'",
                        config->engine);
                return NULL;
        }
        self = engine->open(config, err);
        return self ? store_over(engine, self, err) : NULL;
}

struct store *store_over(const struct store_engine *engine, void *self, struct err *err)
{
        struct store *s = calloc(1, sizeof(*s));

        if (!s) {
                err_set(err, ERR_MEMORY, "no memory for the store");
                engine->close(self);
                return NULL;
        }
        s->engine = engine;
        s->self = self;
        return s;
}

void store_close(struct store **sp)
{
        if (!*sp)
                return;
        (*sp)->engine->close((*sp)->self);
        free(*sp);
        *sp = NULL;
}

static bool key_ok(struct slice key)
{
        return key.n > 0 && key.n <= STORE_KEY_MAX;
}

/* Limits are the same whatever the engine, so they are checked here. */
static bool txn_within_limits(const struct store_guard *guards, size_t guard_count,
                              const struct store_op *ops, size_t op_count, struct err *err)
{
        size_t bytes = 0;

        if (guard_count > STORE_GUARDS_MAX || op_count > STORE_OPS_MAX)
                return err_set(err, ERR_STORE,
                               "a transaction takes %d guards and %d operations, not %zu and %zu",
                               STORE_GUARDS_MAX, STORE_OPS_MAX, guard_count, op_count);
        for (size_t i = 0; i < guard_count; i++) {
                if (!key_ok(guards[i].key))
                        return err_set(err, ERR_STORE,
                                       "guard %zu has a key of %zu bytes; 1 to %d are allowed", i,
                                       guards[i].key.n, STORE_KEY_MAX);
        }
        for (size_t i = 0; i < op_count; i++) {
                if (!key_ok(ops[i].key))
                        return err_set(err, ERR_STORE,
                                       "operation %zu has a key of %zu bytes; 1 to %d are allowed", i,
                                       ops[i].key.n, STORE_KEY_MAX);
                if (ops[i].kind == STORE_PUT && ops[i].value.n > STORE_VALUE_MAX)
                        return err_set(err, ERR_STORE,
                                       "operation %zu has a value of %zu bytes; %d are allowed", i,
                                       ops[i].value.n, STORE_VALUE_MAX);
                for (size_t k = 0; k < i; k++) {
                        if (slice_equal(ops[i].key, ops[k].key))
                                return err_set(err, ERR_STORE, "operations %zu and %zu change the same key",
                                               k, i);
                }
                bytes += ops[i].key.n + (ops[i].kind == STORE_PUT ? ops[i].value.n : 0);
        }
        if (bytes > STORE_TXN_MAX)
                return err_set(err, ERR_STORE, "the transaction has %zu bytes; %d are allowed", bytes,
                               STORE_TXN_MAX);
        return true;
}

enum store_rc store_txn(struct store *s, const struct store_guard *guards, size_t guard_count,
                        const struct store_op *ops, size_t op_count, int timeout_ms,
                        struct store_result *result, struct err *err)
{
        *result = (struct store_result){ 0 };
        if (!txn_within_limits(guards, guard_count, ops, op_count, err))
                return STORE_LIMIT;
        return s->engine->txn(s->self, guards, guard_count, ops, op_count, timeout_ms, result, err);
}

enum store_rc store_adopt(struct store **stage, const struct store_guard *guards, size_t guard_count,
                          int timeout_ms, struct err *err)
{
        struct store *s = *stage;
        enum store_rc rc = STORE_IO;

        if (!s->engine->adopt)
                err_set(err, ERR_UNSUPPORTED, "a store of engine '%s' is no stage of another",
                        s->engine->name);
        else if (!txn_within_limits(guards, guard_count, NULL, 0, err))
                rc = STORE_LIMIT;
        else
                rc = s->engine->adopt(s->self, guards, guard_count, timeout_ms, err);
        store_close(stage);
        return rc;
}

enum store_rc store_load(struct store *s, struct slice prefix,
                         bool (*visit)(void *arg, const struct store_event *), void *arg, store_rev *at,
                         struct err *err)
{
        return s->engine->load(s->self, prefix, visit, arg, at, err);
}

enum store_rc store_follow(struct store *s, store_rev from, const struct store_follower *follower,
                           struct store_watch **out, struct err *err)
{
        struct store_watch *w = calloc(1, sizeof(*w));
        enum store_rc rc;

        if (!w) {
                err_set(err, ERR_MEMORY, "no memory to follow the store");
                return STORE_IO;
        }
        w->store = s;
        rc = s->engine->follow(s->self, from, follower, &w->self, err);
        if (rc != STORE_OK)
                free(w);
        else
                *out = w;
        return rc;
}

void store_unfollow(struct store_watch **wp)
{
        if (!*wp)
                return;
        (*wp)->store->engine->unfollow((*wp)->store->self, (*wp)->self);
        free(*wp);
        *wp = NULL;
}

enum store_rc store_health(struct store *s, struct store_health *out, struct err *err)
{
        struct store_status status;
        enum store_rc rc;

        *out = (struct store_health){ .engine = s->engine->name, .members = 1 };
        if (s->engine->health)
                return s->engine->health(s->self, out, err);
        rc = s->engine->status(s->self, &status, err);
        if (rc == STORE_OK) {
                out->answering = 1;
                out->changes_possible = status.writable;
                out->rev = status.rev;
        }
        return rc;
}

enum store_rc store_barrier(struct store *s, int timeout_ms, store_rev *now, struct err *err)
{
        return s->engine->barrier(s->self, timeout_ms, now, err);
}

enum store_rc store_compact(struct store *s, store_rev keep_from, struct err *err)
{
        return s->engine->compact(s->self, keep_from, err);
}

enum store_rc store_status(struct store *s, struct store_status *status, struct err *err)
{
        *status = (struct store_status){ 0 };
        return s->engine->status(s->self, status, err);
}
