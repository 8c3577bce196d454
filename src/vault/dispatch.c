/* One request, from its ticket to its answer. Authorisation comes before the handler sees anything; changes,
 * idempotency record and audit record are committed in one store transaction after it. */
#include "vault/clock_watch.h"
#include "vault/commit.h"
#include "vault/ledger.h"
#include "vault/members.h"
#include "vault/quorum.h"
#include "vault/region.h"
#include "vault/ticket.h"
#include "vault/uses.h"

#define ATTEMPTS                                                                                             \
        200 /* a conflict means somebody else got on, so this many only happen when something is wrong */

#define OPS_MAX    (VAULT_CALL_OPS + 4 + VAULT_REPLAY_DROP)
#define GUARDS_MAX (VAULT_CALL_OPS + 3 + VAULT_BOOKS_GUARDS(OPS_MAX))

/* Until stale_limit_ms a node that is cut off uses keys all the same, and says so. */
static uint64_t stale_ms(const struct vault_call *call)
{
        struct vault *v = call->vault;
        int64_t since = atomic_load_explicit(&v->cut_off_ms, memory_order_relaxed);

        if (!since)
                return 0;
        if (!call->err.id)
                atomic_fetch_add_explicit(&v->answered_cut_off, 1, memory_order_relaxed);
        return (uint64_t)(clock_mono_ms(&v->deps.clock) - since) + 1;
}

static const Chsm__Response *finish(struct vault_call *call)
{
        Chsm__Response *r = call->response;

        r->id = call->request->id;
        /* Memory may lag behind what was committed; whoever asks elsewhere next must still find it. */
        r->revision = vault_region_revision(call->vault, call->committed);
        r->stale_ms = stale_ms(call);
        if (!call->err.id)
                return r;
        r->status = err_ckr(&call->err);
        r->reason = (uint32_t)call->err.id;
        r->detail = call->err.detail;
        r->body_case = CHSM__RESPONSE__BODY__NOT_SET;
        return r;
}

static int64_t time_left(const struct vault_call *call)
{
        int64_t most = call->vault->config.store_timeout_ms;
        int64_t asked = call->request->deadline_ms;

        return asked && asked < most ? asked : most;
}

/* Of a request that has seen more than this node: longer, and another node answers sooner. */
#define BEHIND_MS 50

static bool is_behind(const struct vault_call *call)
{
        return vault_region_is_behind(call->vault, call->request->min_revision);
}

/* Waits for what the caller has seen, before his ticket is looked at: it may be of a user or a password that
 * this node has yet to hear of. Never in an event loop (vault_cost), nor for a number that anybody can say.
 */
static void catch_up(struct vault_call *call, const struct vault_command *row)
{
        int64_t left = time_left(call);
        bool may_wait = call->request->ticket.len ? vault_ticket_is_ours(call) : row->cost == VAULT_SLOW;

        if (may_wait)
                vault_region_wait(call->vault, call->request->min_revision,
                                  left < BEHIND_MS ? left : BEHIND_MS);
}

static bool behind(struct vault_call *call)
{
        return err_set(&call->err, ERR_RETRY,
                       "node '%s' is behind what this caller has seen; try again or another node",
                       call->vault->config.node_name);
}

/* Cut off from the store's quorum, a node serves what it has in memory for a while only: a key or user that
 * was deleted meanwhile must not live on here. What needs no login is told, so that clients find out. */
static bool is_in_contact(struct vault_call *call, const struct vault_command *row)
{
        struct vault *v = call->vault;
        int64_t since = atomic_load_explicit(&v->cut_off_ms, memory_order_relaxed), gone;

        if (!since || !call->request->ticket.len || row->body == CHSM__REQUEST__BODY_HELLO)
                return true;
        gone = clock_mono_ms(&v->deps.clock) - since;
        if (gone < v->config.stale_limit_ms)
                return true;
        atomic_fetch_add_explicit(&v->refused_cut_off, 1, memory_order_relaxed);
        return err_set(
            &call->err, ERR_RETRY,
            "node '%s' has had no contact with the cluster's store for %lld s, and serves for %lld s "
            "only (stale_limit_s); try another node",
            v->config.node_name, (long long)(gone / 1000), (long long)(v->config.stale_limit_ms / 1000));
}

/* Who asks; then whether the node, the life cycle and the role allow it. */
static bool admit(struct vault_call *call, const struct vault_command *row, bool *ticket_valid)
{
        struct vault *v = call->vault;

        if (!vault_in_service(v, &call->err))
                return false;
        if (!vault_audit_may(call, row) || !vault_events_may(call, row))
                return false;
        if (vault_region_is_superseded(v, call->request->min_revision, &call->err))
                return false;
        if (is_behind(call))
                catch_up(call, row);
        if ((call->request->ticket.len || row->body == CHSM__REQUEST__BODY_LOGIN) &&
            !vault_clock_believed(v, &call->err))
                return false;
        if (call->request->ticket.len) {
                if (!vault_ticket_open(call, &call->err))
                        return is_behind(call) && vault_ticket_is_ours(call) ? behind(call) : false;
                *ticket_valid = true;
        }
        if (is_behind(call))
                return behind(call);
        return vault_member_admit(call, row) && is_in_contact(call, row) &&
               vault_region_admit(v, row, &call->err) && vault_policy_state(v, row, &call->err) &&
               vault_policy_role(v, row, call->login.role, call->peer, &call->err) &&
               vault_right_check(call, vault_right_of_request(call->request));
}

static bool store_failed(struct vault_call *call, enum store_rc rc)
{
        if (call->err.id)
                return false;
        if (rc == STORE_UNKNOWN)
                return err_set(&call->err, ERR_DEADLINE,
                               "the store did not say in time whether the change was made; send it again");
        return err_set(&call->err, ERR_STORE, "the store did not take the change; nothing was changed");
}

/* What the handler asked for and what belongs to it, as one transaction. */
struct commit {
        struct store_guard guards[GUARDS_MAX];
        size_t guard_count;
        struct store_op ops[OPS_MAX];
        size_t op_count;
        size_t dropped; /* of the ops: old idempotency records, and the first of them */
        const struct store_op *drops;
};

static bool commit_gather(struct vault_call *call, const struct vault_command *row, uint32_t lane,
                          struct commit *c)
{
        struct audit_record record;
        struct vault_lane_change change;

        memcpy(c->guards, call->guards, call->guard_count * sizeof(c->guards[0]));
        memcpy(c->ops, call->ops, call->op_count * sizeof(c->ops[0]));
        c->guard_count = call->guard_count;
        c->op_count = call->op_count;
        c->dropped = 0;
        if (!c->op_count)
                return true;
        /* In this order: a region that stands down meanwhile fails the guard, or is asked here. */
        if (vault_region_guard(call->vault, &c->guards[c->guard_count]))
                c->guard_count++;
        if (!vault_region_admit(call->vault, row, &call->err) ||
            !vault_region_may_write(call->vault, row, &call->err))
                return false;
        if (row->audited) {
                vault_audit_fill(call, row, &record);
                record.time_ms = clock_wall_ms(&call->vault->deps.clock);
                if (!vault_lane_append(call, lane, &record, &change))
                        return false;
                c->guards[c->guard_count++] = change.guard;
                c->ops[c->op_count++] = change.ops[0];
                c->ops[c->op_count++] = change.ops[1];
        }
        if (row->mutating) {
                (void)finish(call);
                if (!vault_replay_record(call, row, &c->guards[c->guard_count], &c->ops[c->op_count]))
                        return false;
                c->guard_count++;
                c->op_count++;
                c->drops = c->ops + c->op_count;
                c->dropped = vault_replay_old(call, c->ops + c->op_count);
                c->op_count += c->dropped;
        }
        return vault_books_add(call, lane, c->guards, &c->guard_count, GUARDS_MAX, c->ops, &c->op_count);
}

/* left_ms: how long may be waited after a conflict. */
static enum store_rc commit(struct vault_call *call, const struct vault_command *row, int64_t left_ms,
                            struct err *err)
{
        struct vault *v = call->vault;
        bool lane_needed = call->op_count > 0;
        uint32_t lane = lane_needed ? vault_lane_take(v) : 0;
        struct commit c;
        struct store_result result = { 0 };
        enum store_rc rc = STORE_IO;

        if (commit_gather(call, row, lane, &c)) {
                rc = store_txn(v->deps.store, c.guards, c.guard_count, c.ops, c.op_count,
                               v->config.store_timeout_ms, &result, err);
                if (rc == STORE_OK && c.op_count) {
                        call->committed = result.rev;
                        (void)vault_revision_wait(v, result.rev, v->config.store_timeout_ms);
                }
                if (rc != STORE_OK && c.dropped)
                        vault_replay_give_back(call, c.drops, c.dropped);
        } else {
                *err = call->err;
        }
        if (lane_needed)
                vault_lane_give(v, lane);
        if (rc == STORE_CONFLICT)
                (void)vault_revision_wait(v, result.guard_rev, left_ms);
        return rc;
}

static void attempt_begin(struct vault_call *call)
{
        vault_uses_settle(call, false);
        call->guard_count = 0;
        call->op_count = 0;
        call->refused = false;
        call->spent_guards = call->spent_ops = 0;
        call->object = call->second_object = call->mechanism = 0;
        call->subject = NULL;
        call->err = ERR_INIT;
        chsm__response__init(call->response);
}

/* The handler refused; what it used up all the same is still to be committed. */
static bool keep_spent(struct vault_call *call)
{
        call->guard_count = call->spent_guards;
        call->op_count = call->spent_ops;
        call->refused = true;
        return call->spent_ops > 0;
}

/* Runs the handler until its changes are in the store. *recorded: the management chain has the audit record.
 */
static bool execute(struct vault_call *call, const struct vault_command *row, bool *recorded)
{
        struct err err;
        int64_t left = time_left(call);

        if (row->mutating && call->request->idempotency.len != 16)
                return err_set(&call->err, ERR_ARGUMENT, "'%s' needs an idempotency key of 16 bytes",
                               row->name);
        for (int i = 0; i < ATTEMPTS && left > 0; i++) {
                enum store_rc rc;
                int64_t began;

                attempt_begin(call);
                if (i && !vault_in_service(call->vault, &call->err))
                        return false;
                if (row->mutating && vault_replay_find(call, row)) {
                        *recorded = true;
                        return !call->err.id;
                }
                if (row->handler(call) ? !vault_quorum_pay(call) : !keep_spent(call))
                        return false;
                if (!call->op_count && !call->guard_count)
                        return !call->refused;
                err = ERR_INIT;
                began = clock_mono_ms(&call->vault->deps.clock);
                rc = commit(call, row, left, &err);
                left -= clock_mono_ms(&call->vault->deps.clock) - began;
                if (rc == STORE_OK) {
                        *recorded = row->audited && call->op_count;
                        return !call->refused;
                }
                if (rc != STORE_CONFLICT) {
                        call->err = err;
                        return store_failed(call, rc);
                }
        }
        return err_set(&call->err, ERR_RETRY,
                       "others keep changing the same records, or news of them is late; try again");
}

/* The change was made and its answer got lost; it ended the login that it was asked with (a new password), so
 * the ticket that comes with the second try is no longer good for anything but that answer. */
static bool was_done(struct vault_call *call, const struct vault_command *row)
{
        struct err err = call->err;

        if (!row->mutating || !call->ended.user_id || call->request->idempotency.len != 16)
                return false;
        call->login = call->ended;
        if (vault_replay_find(call, row) && !call->err.id)
                return true;
        memset(&call->login, 0, sizeof(call->login));
        call->err = err;
        return false;
}

static uint64_t now_us(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

const Chsm__Response *vault_call(struct vault *v, const struct vault_peer *peer, const Chsm__Request *request,
                                 struct arena *arena, bool *ticket_valid)
{
        static const Chsm__Response no_memory = { PROTOBUF_C_MESSAGE_INIT(&chsm__response__descriptor),
                                                  .status = 0x02, /* CKR_HOST_MEMORY */
                                                  .reason = ERR_MEMORY,
                                                  .detail = (char *)(uintptr_t) "no memory for a request" };
        const struct vault_command *row = vault_command_find((uint32_t)request->body_case);
        uint64_t start = now_us();
        struct vault_call *call = arena_alloc(arena, sizeof(*call));
        bool recorded = false;
        uint64_t took;

        *ticket_valid = false;
        if (!call || !(call->response = arena_alloc(arena, sizeof(*call->response))))
                return &no_memory;
        call->vault = v;
        call->peer = peer;
        call->request = request;
        call->arena = arena;
        if (request->context.len == VAULT_CONTEXT_SIZE)
                memcpy(call->context, request->context.data, VAULT_CONTEXT_SIZE);
        chsm__response__init(call->response);
        if (!row)
                err_set(&call->err, ERR_UNSUPPORTED, "this node does not know request %u",
                        (unsigned)request->body_case);
        else if (admit(call, row, ticket_valid))
                (void)execute(call, row, &recorded);
        else
                recorded = was_done(call, row);
        if (call->memo_clear)
                call->memo_clear(call->memo);
        vault_uses_settle(call, call->err.id == ERR_NONE);
        if (row && !recorded)
                vault_audit_use(call, row);
        took = now_us() - start;
        vault_counters_add(v, row, call->err.id != ERR_NONE, took);
        vault_events_add(call, row, took);
        return finish(call);
}
