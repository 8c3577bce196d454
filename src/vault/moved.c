#include "vault/moved.h"
#include "base/log.h"
#include "vault/commit.h"
#include "vault/history.h"
#include "vault/partition.h"

#include <stdio.h>

#define TIMEOUT_MS 30000

static void words(struct vault *v, struct err *err)
{
        err_set(
            err, ERR_LIFE_CYCLE,
            "this partition was moved to %s and is served there; if the move was broken off, run the same "
            "'chsm-server migrate' again to finish it, or with --cancel to stay here",
            v->moved_to);
}

bool vault_moved_apply(struct vault *v, const struct store_event *e, struct err *err)
{
        struct slice body = SLICE_EMPTY;

        if (!e->deleted && !vault_record_read(v, e->key, e->value, &body, err))
                return false;
        (void)snprintf(v->moved_to, sizeof(v->moved_to), "%.*s", (int)body.n, (const char *)body.p);
        v->moved_rev = e->deleted ? 0 : e->rev;
        if (v->watch && v->moved_rev && !v->config.moving) {
                words(v, err);
                return false;
        }
        return true;
}

bool vault_moved_check(struct vault *v, struct err *err)
{
        if (!v->moved_rev || v->config.moving)
                return true;
        words(v, err);
        return false;
}

bool vault_moved_away(struct vault *v, char *place, size_t size)
{
        (void)snprintf(place, size, "%s", v->moved_to);
        return v->moved_rev != 0;
}

/* The call's changes with the record, committed. */
static bool commit(struct vault_call *call, const char *subject, struct err *err)
{
        struct audit_record record = { .time_ms = clock_wall_ms(&call->vault->deps.clock),
                                       .operation = "CN_MIGRATE",
                                       .opcode = 0x1b4,
                                       .subject = subject,
                                       .peer = call->peer->address };

        if (vault_lane_commit(call, &record, TIMEOUT_MS, &call->err) == STORE_OK)
                return true;
        return err_set(err, call->err.id ? call->err.id : ERR_STORE, "the move cannot be recorded: %s",
                       call->err.detail);
}

static bool with_call(struct vault *v, bool (*change)(struct vault_call *, const char *), const char *place,
                      const char *subject, struct err *err)
{
        static const struct vault_peer peer = { .address = "migrate" };
        struct vault_call call = { .vault = v, .peer = &peer, .arena = arena_new(64 * 1024, 1024 * 1024) };
        bool ok;

        if (!call.arena)
                return err_set(err, ERR_MEMORY, "no memory to move a partition");
        ok = change(&call, place);
        ok = ok ? commit(&call, subject, err)
                : err_set(err, call.err.id ? call.err.id : ERR_MEMORY, "the move cannot be recorded: %s",
                          call.err.detail);
        arena_free(&call.arena);
        return ok;
}

static bool put_mark(struct vault_call *call, const char *place)
{
        struct vault *v = call->vault;
        struct buf body = BUF_INIT;
        bool ok =
            vault_call_guard(call, v->moved_rev ? STORE_REV_IS : STORE_ABSENT, VAULT_MOVED_KEY, v->moved_rev);

        if (ok && place) {
                buf_put_text(&body, place);
                ok = vault_record_put(call, VAULT_MOVED_KEY, &body);
        } else if (ok)
                ok = vault_call_delete(call, VAULT_MOVED_KEY);
        buf_clear(&body);
        return ok;
}

static bool put_history(struct vault_call *call, const char *place)
{
        (void)place;
        return vault_history_begin(call);
}

bool vault_moved_mark(struct vault *v, const char *place, struct err *err)
{
        char subject[192];

        (void)snprintf(subject, sizeof(subject), "%s %.160s", place ? "to" : "stays, not to",
                       place ? place : v->moved_to);
        return with_call(v, put_mark, place, subject, err);
}

bool vault_moved_begin(struct vault *v, const char *place, struct err *err)
{
        char subject[192];

        (void)snprintf(subject, sizeof(subject), "from %.160s", place);
        return with_call(v, put_history, place, subject, err);
}
