/* Answers to mutating requests, kept with their changes, so that a retry gets the first answer.
 *
 * Memory holds the keys and times only; the answer is read from the store when it is asked for again, which
 * is rare, and is immutable, so that reading it outside a transaction decides nothing. */
#include "vault/commit.h"
#include "vault/partition.h"

#include <stdlib.h>

struct replay {
        struct replay *next;
        uint8_t key[16];
        int64_t since_ms; /* when this node heard of it, monotonic: no clock that is set makes it old */
        bool claimed;     /* out of the queue: some transaction is deleting it */
};

struct vault_replays {
        pthread_mutex_t lock;
        struct map *by_key;
        struct replay *first, **last; /* by age */
};

bool vault_replays_open(struct vault *v, struct err *err)
{
        struct vault_replays *r = calloc(1, sizeof(*r));

        v->replays = r;
        if (!r)
                return err_set(err, ERR_MEMORY, "no memory for idempotency keys");
        pthread_mutex_init(&r->lock, NULL);
        r->last = &r->first;
        r->by_key = map_new();
        return r->by_key || err_set(err, ERR_MEMORY, "no memory for idempotency keys");
}

void vault_replays_close(struct vault *v)
{
        if (!v->replays)
                return;
        map_free_values(&v->replays->by_key, free);
        pthread_mutex_destroy(&v->replays->lock);
        free(v->replays);
        v->replays = NULL;
}

static struct slice request_key(const struct vault_call *call)
{
        return slice_of(call->request->idempotency.data, call->request->idempotency.len);
}

/* Time, then who asked for what: another caller must not be given the answer. */
static void put_caller(struct vault_call *call, const struct vault_command *row, struct buf *out)
{
        buf_put_u32(out, row->body);
        buf_put_u32(out, call->login.user_id);
        buf_put(out, call->context, VAULT_CONTEXT_SIZE);
}

bool vault_replay_record(struct vault_call *call, const struct vault_command *row, struct store_guard *guard,
                         struct store_op *op)
{
        struct slice key = vault_call_key(call, "i/", request_key(call)), copy = SLICE_EMPTY;
        struct buf body = BUF_INIT, value = BUF_INIT;
        size_t n = chsm__response__get_packed_size(call->response);
        uint8_t *packed;
        bool ok;

        buf_put_u64(&body, (uint64_t)clock_wall_ms(&call->vault->deps.clock));
        put_caller(call, row, &body);
        packed = buf_extend(&body, n);
        if (packed)
                (void)chsm__response__pack(call->response, packed);
        ok = buf_ok(&body) && vault_record_write(call->vault, key, buf_slice(&body), &value);
        if (ok && value.n > STORE_VALUE_MAX)
                ok = err_set(&call->err, ERR_LIMIT, "the answer is too large to be kept for a retry");
        else if (ok)
                copy = arena_copy(call->arena, buf_slice(&value));
        buf_clear(&body);
        buf_clear(&value);
        if (!ok || !copy.p)
                return call->err.id ? false : err_set(&call->err, ERR_MEMORY, "no memory to keep the answer");
        *guard = (struct store_guard){ STORE_ABSENT, key, 0 };
        *op = (struct store_op){ STORE_PUT, key, copy };
        return true;
}

struct loaded {
        struct arena *arena;
        struct slice key, value;
};

static bool load_visit(void *arg, const struct store_event *e)
{
        struct loaded *l = arg;

        if (!slice_equal(e->key, l->key))
                return true;
        l->value = arena_copy(l->arena, e->value);
        return false;
}

static void *alloc_from_arena(void *arena, size_t n)
{
        return arena_alloc(arena, n);
}

static void free_to_arena(void *arena, void *p)
{
        (void)arena;
        (void)p;
}

static bool answer_again(struct vault_call *call, const struct vault_command *row, struct slice body)
{
        ProtobufCAllocator allocator = { alloc_from_arena, free_to_arena, call->arena };
        struct buf caller = BUF_INIT;
        Chsm__Response *response = NULL;
        bool same;

        put_caller(call, row, &caller);
        same = buf_ok(&caller) && body.n >= 8 + caller.n &&
               slice_equal(slice_of(body.p + 8, caller.n), buf_slice(&caller));
        if (same)
                response = chsm__response__unpack(&allocator, body.n - 8 - caller.n, body.p + 8 + caller.n);
        buf_clear(&caller);
        if (!same)
                return err_set(&call->err, ERR_ARGUMENT, "the idempotency key was used for another request");
        if (!response)
                return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        call->response = response;
        return true;
}

bool vault_replay_find(struct vault_call *call, const struct vault_command *row)
{
        struct vault *v = call->vault;
        struct loaded l = { call->arena, vault_call_key(call, "i/", request_key(call)), SLICE_EMPTY };
        struct slice body;
        store_rev at;
        bool known;

        pthread_mutex_lock(&v->replays->lock);
        known = map_get(v->replays->by_key, request_key(call)) != NULL;
        pthread_mutex_unlock(&v->replays->lock);
        if (!known)
                return false;
        if (store_load(v->deps.store, l.key, load_visit, &l, &at, &call->err) != STORE_OK)
                return true;
        if (!l.value.p)
                return false; /* deleted since */
        call->err = ERR_INIT;
        if (vault_record_read(v, l.key, l.value, &body, &call->err))
                (void)answer_again(call, row, body);
        return true;
}

size_t vault_replay_old(struct vault_call *call, struct store_op *ops)
{
        struct vault_replays *r = call->vault->replays;
        int64_t before = clock_mono_ms(&call->vault->deps.clock) - VAULT_REPLAY_LIFE_MS;
        size_t n = 0;

        pthread_mutex_lock(&r->lock);
        while (n < VAULT_REPLAY_DROP && r->first && r->first->since_ms < before) {
                struct replay *old = r->first;
                struct slice key = vault_call_key(call, "i/", slice_of(old->key, sizeof(old->key)));
                if (!key.n)
                        break;
                r->first = old->next;
                if (!r->first)
                        r->last = &r->first;
                old->claimed = true;
                ops[n++] = (struct store_op){ STORE_DELETE, key, SLICE_EMPTY };
        }
        pthread_mutex_unlock(&r->lock);
        return n;
}

void vault_replay_give_back(struct vault_call *call, const struct store_op *ops, size_t n)
{
        struct vault_replays *r = call->vault->replays;

        pthread_mutex_lock(&r->lock);
        for (size_t i = n; i > 0; i--) {
                struct replay *old = map_get(r->by_key, slice_of(ops[i - 1].key.p + 2, 16));
                if (!old || !old->claimed)
                        continue;
                old->claimed = false;
                old->next = r->first;
                if (!r->first)
                        r->last = &old->next;
                r->first = old;
        }
        pthread_mutex_unlock(&r->lock);
}

/* The lock is held. */
static void forget(struct vault_replays *r, struct slice key)
{
        struct replay *old = map_remove(r->by_key, key);

        if (!old)
                return;
        for (struct replay **link = &r->first; !old->claimed && *link; link = &(*link)->next) {
                if (*link == old) {
                        *link = old->next;
                        if (r->last == &old->next)
                                r->last = link;
                        break;
                }
        }
        free(old);
}

bool vault_idempotency_apply(struct vault *v, const struct store_event *e, struct err *err)
{
        struct vault_replays *r = v->replays;
        struct slice key = slice_of(e->key.p + 2, e->key.n - 2), body;
        struct replay *made = NULL;
        bool ok = true;

        if (key.n != 16)
                return err_set(err, ERR_STORE_DAMAGED, "an idempotency record in the store is misnamed");
        if (!e->deleted) {
                if (!vault_record_read(v, e->key, e->value, &body, err))
                        return false;
                made = calloc(1, sizeof(*made));
                if (!made)
                        return err_set(err, ERR_MEMORY, "no memory for an idempotency key");
                memcpy(made->key, key.p, 16);
                made->since_ms = clock_mono_ms(&v->deps.clock);
        }
        pthread_mutex_lock(&r->lock);
        forget(r, key);
        if (made) {
                ok = map_put(r->by_key, key, made, NULL);
                if (ok) {
                        *r->last = made;
                        r->last = &made->next;
                } else {
                        free(made);
                }
        }
        pthread_mutex_unlock(&r->lock);
        return ok || err_set(err, ERR_MEMORY, "no memory for an idempotency key");
}
