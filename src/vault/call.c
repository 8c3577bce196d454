/* What a handler adds to its call. */
#include "vault/core.h"

static bool memory(struct vault_call *call)
{
        return err_set(&call->err, ERR_MEMORY, "the request needs more memory than one may have");
}

struct slice vault_call_key(struct vault_call *call, const char *prefix, struct slice rest)
{
        size_t n = strlen(prefix);
        uint8_t *key = arena_alloc(call->arena, n + rest.n + 1);

        if (!key)
                return SLICE_EMPTY;
        memcpy(key, prefix, n);
        if (rest.n)
                memcpy(key + n, rest.p, rest.n);
        return slice_of(key, n + rest.n);
}

bool vault_call_guard(struct vault_call *call, enum store_guard_kind kind, struct slice key, store_rev rev)
{
        if (!key.n)
                return memory(call);
        if (call->guard_count == VAULT_CALL_OPS)
                return err_set(&call->err, ERR_INTERNAL, "the request depends on too many records");
        call->guards[call->guard_count++] = (struct store_guard){ kind, key, rev };
        return true;
}

static bool add_op(struct vault_call *call, enum store_op_kind kind, struct slice key, struct slice value)
{
        if (!key.n || (kind == STORE_PUT && !value.p))
                return memory(call);
        if (call->op_count == VAULT_CALL_OPS)
                return err_set(&call->err, ERR_INTERNAL, "the request changes too many records");
        call->ops[call->op_count++] = (struct store_op){ kind, key, value };
        return true;
}

bool vault_call_put(struct vault_call *call, struct slice key, struct slice value)
{
        return add_op(call, STORE_PUT, key, value);
}

bool vault_call_delete(struct vault_call *call, struct slice key)
{
        return add_op(call, STORE_DELETE, key, SLICE_EMPTY);
}

bool vault_call_done(struct vault_call *call)
{
        Chsm__DoneResponse *done = arena_alloc(call->arena, sizeof(*done));

        if (!done)
                return memory(call);
        chsm__done_response__init(done);
        call->response->done = done;
        call->response->body_case = CHSM__RESPONSE__BODY_DONE;
        return true;
}
