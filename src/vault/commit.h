/* The parts of a commit: management chains, idempotency records, audit records.
 *
 * dispatch.c puts a handler's changes, the idempotency record, and the audit record with its chain's new head
 * into one store transaction. DESIGN sections 5.5 and 5.10. */
#ifndef CHSM_VAULT_COMMIT_H
#define CHSM_VAULT_COMMIT_H

#include "vault/core.h"

/* ---- lanes.c: this node's management chains ---- */
bool vault_lanes_open(struct vault *, struct err *);
void vault_lanes_close(struct vault *); /* NULL-safe */
/* A lane nobody else writes in; waits for one. */
uint32_t vault_lane_take(struct vault *);
void vault_lane_give(struct vault *, uint32_t lane);
/* The record at the end of the lane as guard and two puts, in arena memory. The record's node, chain and
 * sequence are filled in. */
struct vault_lane_change {
        struct store_guard guard;
        struct store_op ops[2];
};
bool vault_lane_append(struct vault_call *, uint32_t lane, struct audit_record *, struct vault_lane_change *);

/* Commits the call's guards and changes with the record, in a lane of its own, and waits until memory has it.
 * For what is no request; dispatch.c does it for requests. */
enum store_rc vault_lane_commit(struct vault_call *, struct audit_record *, int timeout_ms, struct err *);

/* A chain's head, of any node. */
struct vault_lane_head {
        uint32_t node, lane;
        uint64_t sequence;
        uint8_t hash[AUDIT_HASH_SIZE];
        int64_t time_ms;
        store_rev rev; /* 0: nothing in the chain yet */
};
/* Copies up to n heads; the count. */
size_t vault_lane_heads(struct vault *, struct vault_lane_head *, size_t n);

/* ---- idempotency.c ---- */
#define VAULT_REPLAY_LIFE_MS (10 * 60 * 1000)
#define VAULT_REPLAY_DROP    4 /* old records deleted with one transaction */
bool vault_replays_open(struct vault *, struct err *);
void vault_replays_close(struct vault *); /* NULL-safe */
/* True: this request was answered before (call->response is that answer), or its key was used for something
 * else (call->err says so). False: it is new. */
bool vault_replay_find(struct vault_call *, const struct vault_command *);
/* The record for the call's present response as guard and put, in arena memory. */
bool vault_replay_record(struct vault_call *, const struct vault_command *, struct store_guard *,
                         struct store_op *);
/* Takes up to VAULT_REPLAY_DROP old records for deletion, as ops in arena memory; the count. They are given
 * back when the transaction did not come about. */
size_t vault_replay_old(struct vault_call *, struct store_op *);
void vault_replay_give_back(struct vault_call *, const struct store_op *, size_t n);

/* Body numbers of commands are below: dispatch_rows.c sees to it, metrics.c counts by them. */
#define VAULT_COMMANDS_MAX 256

/* ---- audit_log.c ---- */
/* What the call was, and what came of it (call->err); without the time. Text is lent from the call. */
void vault_audit_fill(struct vault_call *, const struct vault_command *, struct audit_record *);
/* False: the log of key use has no room for the command, which would wait for it in an event loop. */
bool vault_audit_may(struct vault_call *, const struct vault_command *);
/* To the operation event log, when there is one. */
bool vault_events_may(struct vault_call *, const struct vault_command *);
void vault_events_add(struct vault_call *, const struct vault_command *, uint64_t duration_us);
/* Into the node's log of key use and refusals. */
void vault_audit_use(struct vault_call *, const struct vault_command *);

/* ---- use_head.c: signed heads of the nodes' key-use logs, in arena memory; up to cap ---- */
bool vault_use_heads(struct vault_call *, Chsm__AuditHead **rows, size_t cap, size_t *n);

/* ---- policy_roles.c: role x command x state ---- */
bool vault_policy_state(struct vault *, const struct vault_command *, struct err *);
bool vault_policy_role(struct vault *, const struct vault_command *, enum vault_role,
                       const struct vault_peer *, struct err *);

/* ---- metrics.c ---- */
bool vault_counters_open(struct vault *, struct err *);
void vault_counters_close(struct vault *); /* NULL-safe */
void vault_counters_add(struct vault *, const struct vault_command *, bool failed, uint64_t microseconds);

/* ---- apply_rows.c ---- */
const struct vault_apply_row *vault_apply_at(size_t i); /* in load order; NULL past the end */
/* Applies one change; keys of no row are nobody's memory. */
bool vault_apply(struct vault *, const struct store_event *, struct err *);
/* Is there a row for it? Is it in the books? */
bool vault_apply_known(struct slice key);
bool vault_apply_booked(struct slice key);

/* ---- vault.c ---- */
struct store_follower vault_follower(struct vault *);
/* Memory is at this revision; never goes back. */
void vault_revision_set(struct vault *, store_rev rev);

/* ---- dispatch.c ---- */
/* Waits until the node has applied `rev`, at most timeout_ms. */
bool vault_revision_wait(struct vault *, store_rev rev, int64_t timeout_ms);

#endif
