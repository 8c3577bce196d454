/* Inside the vault: what its files share. Nothing outside src/vault includes this.
 *
 * State is memory, filled from the store's change feed by apply functions (apply_rows.c: one row per key
 * prefix). A handler reads memory, adds guards and changes to its call, and fills the response; dispatch.c
 * then commits guards, changes, idempotency record and audit record in one store transaction, and runs the
 * handler again on a conflict. So nothing is ever half-done and no handler writes state itself.
 *
 * Store keys (big-endian binary after the prefix):
 *   p/state        partition record        c/<u8 type>      certificate DER
 *   s/policy       profile and settings    q/<32 bytes>     what is remembered of a key value, by fingerprint
 *   k/<u32 node>/<u8 lane>  page of the books of a lane (ledger.h)
 *   p/went         where the partition was moved to (moved.c)
 *   p/told         count of histories (history.c)
 *   p/pmk/<u32 node>  master key, sealed for that node      p/users  next free user id
 *   u/<name>       user record (lower-case name)            f/<name>  failure counter
 *   o/<u32 handle> token object            h/<u32 node>     next free handle of a node
 *   i/<16 bytes>   idempotency record      r/<16 bytes>     retired application context
 *   l/<u32 node>/<u8 lane>  lane: head of a management chain   m/<u32 node>/<u8 lane>/<u64 seq>  its records
 *   g/<u32 node><u32 user>  last recovery of an officer there
 *   x/<16 bytes>   used authorisation      y/<u32 handle>   uses of a key
 *   b/e            count of backups         p/tickets  what tickets are sealed with besides, since a restore
 *   b/k/<u8 class><32 bytes>  a key that was masked, by fingerprint (mask_memory.c)
 *   w/quorum       approvals each service needs, life of tokens
 *   w/tokens       turns of those who ask for tokens        t/<16 bytes>   quorum token
 *   n/<u32 node>   what a node of the cluster says of itself   j/...  joining nodes: src/cluster/join.h
 *   z/<32 bytes>   certificate of a node that was removed   p/format  version of all this: format.h
 *   a/<u32 node>   signed head of the node's key-use log
 *   d/u/<u32 user>  user-defined audit data   d/b/<u32 node>  bridges over purged records   d/n/<u32 node>
 * starts
 *   e/config       numbers that officers change: tuning.c
 *   z/...          the other region: region.h */
#ifndef CHSM_VAULT_CORE_H
#define CHSM_VAULT_CORE_H

#include "base/map.h"
#include "base/sec.h"
#include "vault/setting.h"
#include "vault/vault.h"
#include <pthread.h>
#include <stdatomic.h>

#define VAULT_CONTEXT_SIZE 16
#define VAULT_ONCE_SIZE    16 /* of an idempotency key */
#define VAULT_CALL_OPS     24 /* most changes one handler makes (a key pair with its bookkeeping) */

struct vault_users;          /* users.c */
struct vault_objects;        /* objects.c */
struct vault_lanes;          /* lanes.c */
struct vault_members;        /* members.c */
struct vault_tickets;        /* ticket.c: opened tickets by hash of the bytes */
struct vault_replays;        /* idempotency.c: keys of what was answered lately */
struct vault_streams;        /* stream.c: multi-part operations under way */
struct vault_authorisations; /* authorise.c: used ones */
struct vault_lives;          /* lives.c: what is remembered of key values */
struct vault_quorum;         /* quorum.c: values and tokens */
struct vault_udds;           /* udd.c */
struct vault_region;         /* region.c */
struct vault_tally;          /* uses.c: uses of one key */
struct vault_ledger;         /* ledger.c: what is known of the store */
struct vault_cache;          /* session_object.c: opened session objects by hash of the blob */

struct vault {
        struct vault_deps deps;
        struct vault_config config; /* own copies, presets filled in */
        int64_t opened_ms;          /* monotonic */
        struct store_watch *watch;
        _Atomic int64_t revision;  /* applied */
        _Atomic int64_t histories; /* history.c */
        pthread_mutex_t revision_lock;
        pthread_cond_t revision_moved;
        _Atomic uint64_t settings;         /* of the partition, packed: setting_command.c */
        _Atomic int64_t settings_rev;      /* 0: no record yet */
        struct vault_partition *partition; /* partition.c: state, ids, certificates, PMK; own lock */
        struct vault_users *users;
        struct vault_objects *objects;
        struct vault_lanes *lanes;
        struct vault_members *members;
        struct vault_clock_watch *clock_watch; /* clock_watch.c */
        struct vault_tickets *tickets;
        struct vault_replays *replays;
        struct vault_cache *cache;
        struct vault_lives *lives;
        struct vault_spools *spools;   /* spool.c: backups on their way */
        _Atomic uint64_t backup_epoch; /* backup_epoch.c */
        _Atomic int64_t backup_rev;
        struct vault_masks *masks; /* mask_memory.c: keys with masked copies outside */
        struct vault_streams *streams;
        struct vault_authorisations *authorisations;
        struct vault_quorum *quorum;
        struct vault_udds *udds;
        struct vault_region *region;
        _Atomic uint64_t tunings;    /* of the partition, packed: tuning.c */
        _Atomic int64_t tunings_rev; /* 0: no record yet */
        uint32_t starts;             /* of this node; 0: not counted */
        _Atomic bool swept;          /* nothing lies below the bridges of the audit log */
        struct vault_events events;  /* add NULL: none */
        uint64_t sealed_uses; /* records of key use under the stored head; vault_seal_use_log's caller's */
        _Atomic(struct vault_tally *) uses_queue; /* of keys whose uses are not in the store yet */
        int64_t uses_stored_ms;                   /* monotonic; vault_store_uses's caller's */
        struct vault_counters *counters;          /* metrics.c */
        _Atomic int64_t cut_off_ms;               /* monotonic; 0: in contact with the store */
        _Atomic uint64_t refused_cut_off;         /* requests, for that reason */
        _Atomic uint64_t answered_cut_off;        /* and those that were served all the same */
        _Atomic uint64_t joins, joins_refused;    /* of other nodes, by this one */
        _Atomic bool draining;                    /* takes nothing new, where others do */
        _Atomic bool removed;                     /* an officer took this node out */
        char moved_to[192]; /* moved.c: where the partition went, and the revision of that; 0: it is here */
        store_rev moved_rev;
        uint64_t store_identity; /* of its cluster; 0: there is no such thing */
        struct vault_ledger *ledger;
        bool watching;        /* the feed is held against the books */
        store_rev synced;     /* what a sweep has taken in already; under the ledger's lock */
        int64_t swept_ms;     /* monotonic; vault_sweep's caller's */
        char suspects[320];   /* records that made the node read its store again */
        _Atomic bool reading; /* until that is done nothing is answered */
        _Atomic bool reset;   /* and the feed begins anew */
        _Atomic uint64_t store_alarms, store_repairs, store_sweeps, store_rereads, store_foreign;
        _Atomic bool failed; /* the store's state could not be applied: refuse everything */
};

/* The opened ticket of a call. */
struct vault_login {
        enum vault_role role; /* VAULT_NOBODY: no ticket */
        uint32_t user_id;
        char user[32]; /* name as created */
        uint8_t context[VAULT_CONTEXT_SIZE];
        uint64_t epoch;
        uint32_t rights; /* of enum vault_right, at this moment */
        int64_t expires_ms;
};

/* One request being executed. */
struct vault_call {
        struct vault *vault;
        const struct vault_peer *peer;
        const Chsm__Request *request;
        struct arena *arena;
        struct vault_login login;
        struct vault_login ended;            /* of a ticket that its account has outlived; user_id 0: none */
        uint8_t context[VAULT_CONTEXT_SIZE]; /* the request's application context */
        Chsm__Response *response;
        struct err err;
        /* changes, in arena memory */
        struct store_guard guards[VAULT_CALL_OPS];
        size_t guard_count;
        struct store_op ops[VAULT_CALL_OPS];
        size_t op_count;
        /* Set by a handler that returns true: its changes are committed, and the answer is err all the same
         * (a counted login failure). */
        bool refused;
        /* Guards and changes (the first ones of the call) that are committed even when the handler then
         * returns false: an authorisation is used up by a failure too. 0: none. */
        size_t spent_guards, spent_ops;
        /* What a handler keeps (in the arena) for being run again after a conflict: a password's verdict, a
         * made key. NULL on the first run. */
        void *memo;
        void (*memo_clear)(void *); /* called with it at the end, when set */
        store_rev committed;        /* revision of its changes; 0: none yet */
        struct vault_object *used;  /* the token key it uses, counted if it succeeds; with a reference */
        bool unrecorded;            /* refused because it could not be recorded as an event */
        bool unaudited;             /* refused because there is no room in the log of key use */
        /* for the audit record */
        uint64_t object;        /* handle, 0: none or session object */
        uint64_t second_object; /* public half, wrapping key */
        uint64_t mechanism;
        const char *subject; /* user name acted upon */
};

/* Adds to the transaction; slices must live in the call's arena (use arena_copy). False: too many (err set).
 */
bool vault_call_guard(struct vault_call *, enum store_guard_kind, struct slice key, store_rev rev);
bool vault_call_put(struct vault_call *, struct slice key, struct slice value);
bool vault_call_delete(struct vault_call *, struct slice key);
/* A store key in the call's arena: prefix, then the bytes. */
struct slice vault_call_key(struct vault_call *, const char *prefix, struct slice rest);

/* Sets the answer of commands that return nothing but success. */
bool vault_call_done(struct vault_call *);

/* One row per command: dispatch_rows.c. */
struct vault_command {
        uint32_t body;         /* Request.body field number */
        const char *name;      /* "generate_key" */
        const char *operation; /* "CN_GENERATE_KEY", spec/semantics.md 17 */
        uint32_t opcode;       /* spec/semantics.md 18 */
        uint32_t roles;        /* mask of 1u << enum vault_role that may try it */
        uint32_t states;       /* mask of 1u << enum vault_state */
        bool mutating;         /* may add changes; carries an idempotency key */
        bool audited;          /* management record in the store's transaction (when it changes something) */
        enum vault_cost cost;
        bool (*handler)(struct vault_call *); /* false: call->err says why, nothing changes */
};
const struct vault_command *vault_command_find(uint32_t body);
const struct vault_command *vault_command_at(size_t i);

/* ---- partition.c: keys derived from the partition master key ---- */
/* 32 bytes derived from PMK by HKDF for `purpose` and `context` bytes. Caller frees. */
struct sec *vault_derive(struct vault *, const char *purpose, struct slice context, struct err *);
/* The same for HMACs of very many texts. Caller frees. */
struct crypto_mac *vault_derive_mac(struct vault *, const char *purpose, struct err *);
/* Fixed derived keys, made once at open: sealing of tickets, of session objects per application context is by
 * vault_derive("session", context). Fingerprint key of spec/key-rules.md A06. */
struct slice vault_fingerprint_key(struct vault *);
bool vault_context_retired(struct vault *, const uint8_t context[VAULT_CONTEXT_SIZE]);

/* ---- setting_command.c: what the owner decided; a copy of the moment ---- */
struct vault_settings vault_settings_now(struct vault *);
void vault_settings_open(struct vault *);

/* ---- users.c, as other files need it ---- */
/* Name of a user id into name[32]; false: no such user. */
bool vault_user_name(struct vault *, uint32_t user_id, char name[32]);
bool vault_user_is_cu(struct vault *, uint32_t user_id);

/* ---- objects.c, as other files need it ---- */
uint64_t vault_objects_count(struct vault *);
uint64_t vault_objects_owned(struct vault *, uint32_t user_id);

/* ---- apply: one row per key prefix, apply_rows.c ---- */
struct vault_apply_row {
        const char *prefix;
        bool (*apply)(struct vault *, const struct store_event *, struct err *);
        bool booked; /* what nobody may remove or put back: ledger.h */
};
bool vault_settings_apply(struct vault *, const struct store_event *, struct err *);       /* s/ */
bool vault_users_apply(struct vault *, const struct store_event *, struct err *);          /* u/ */
bool vault_failures_apply(struct vault *, const struct store_event *, struct err *);       /* f/ */
bool vault_recoveries_apply(struct vault *, const struct store_event *, struct err *);     /* g/ */
bool vault_partition_apply(struct vault *, const struct store_event *, struct err *);      /* p/ c/ r/ */
bool vault_objects_apply(struct vault *, const struct store_event *, struct err *);        /* o/ h/ */
bool vault_lives_apply(struct vault *, const struct store_event *, struct err *);          /* q/ */
bool vault_members_apply(struct vault *, const struct store_event *, struct err *);        /* n/ */
bool vault_lanes_apply(struct vault *, const struct store_event *, struct err *);          /* l/ a/ */
bool vault_idempotency_apply(struct vault *, const struct store_event *, struct err *);    /* i/ */
bool vault_quorum_apply(struct vault *, const struct store_event *, struct err *);         /* w/ */
bool vault_tokens_apply(struct vault *, const struct store_event *, struct err *);         /* t/ */
bool vault_authorisations_apply(struct vault *, const struct store_event *, struct err *); /* x/ */
bool vault_udds_apply(struct vault *, const struct store_event *, struct err *);           /* d/ */
bool vault_uses_apply(struct vault *, const struct store_event *, struct err *);           /* y/ */
bool vault_tunings_apply(struct vault *, const struct store_event *, struct err *);        /* e/ */
bool vault_region_record_apply(struct vault *, const struct store_event *, struct err *);  /* z/ */

/* Object side life: called by vault_open and vault_close. */
bool vault_objects_open(struct vault *, struct err *);
void vault_objects_close(struct vault *);
bool vault_cache_open(struct vault *, struct err *);
void vault_cache_close(struct vault *);

/* ---- handlers, object and key-use side (object_*.c, key_*.c) ---- */
bool vault_generate_key(struct vault_call *);
bool vault_generate_key_pair(struct vault_call *);
bool vault_create_object(struct vault_call *);
bool vault_copy_object(struct vault_call *);
bool vault_destroy_object(struct vault_call *);
bool vault_get_attributes(struct vault_call *);
bool vault_set_attributes(struct vault_call *);
bool vault_find_objects(struct vault_call *);
bool vault_object_info(struct vault_call *);
bool vault_share_object(struct vault_call *);
bool vault_find_all_keys(struct vault_call *);
bool vault_sign(struct vault_call *);
bool vault_verify(struct vault_call *);
bool vault_sign_recover(struct vault_call *);
bool vault_verify_recover(struct vault_call *);
bool vault_encrypt(struct vault_call *);
bool vault_decrypt(struct vault_call *);
bool vault_digest(struct vault_call *);
bool vault_wrap_key(struct vault_call *);
bool vault_unwrap_key(struct vault_call *);
bool vault_import_key(struct vault_call *);
bool vault_split_key(struct vault_call *);
bool vault_join_key(struct vault_call *);
bool vault_derive_key(struct vault_call *);
bool vault_encapsulate_key(struct vault_call *);
bool vault_decapsulate_key(struct vault_call *);
bool vault_random(struct vault_call *);
bool vault_seed_random(struct vault_call *);
bool vault_stream_open(struct vault_call *);
bool vault_stream_part(struct vault_call *);
bool vault_mechanisms(struct vault_call *);

/* ---- handlers, partition and user side (partition.c, ceremony.c, users.c, login.c, audit_log.c) ---- */
bool vault_hello(struct vault_call *);
bool vault_node_info(struct vault_call *);
bool vault_partition_info(struct vault_call *);
bool vault_cluster_info(struct vault_call *);
bool vault_remove_node(struct vault_call *);
bool vault_get_cert(struct vault_call *);
bool vault_cert_request(struct vault_call *);
bool vault_store_cert(struct vault_call *);
bool vault_login_user(struct vault_call *);
bool vault_authorise(struct vault_call *);
bool vault_logout(struct vault_call *);
bool vault_list_users(struct vault_call *);
bool vault_create_user(struct vault_call *);
bool vault_delete_user(struct vault_call *);
bool vault_change_password(struct vault_call *);
bool vault_unlock_user(struct vault_call *);
bool vault_retire_context(struct vault_call *);
bool vault_audit_heads(struct vault_call *);
bool vault_audit_records(struct vault_call *);
bool vault_audit_export(struct vault_call *);
bool vault_audit_purge(struct vault_call *);
bool vault_get_audit_udd(struct vault_call *);
bool vault_set_audit_udd(struct vault_call *);
bool vault_get_config(struct vault_call *);
bool vault_set_config(struct vault_call *);
bool vault_get_policy(struct vault_call *);
bool vault_set_policy(struct vault_call *);
bool vault_audit_keys(struct vault_call *);
bool vault_set_user_rights(struct vault_call *);
bool vault_disable_user_access(struct vault_call *);
bool vault_user_info(struct vault_call *);
bool vault_get_challenge(struct vault_call *);
bool vault_unlock_officer(struct vault_call *);
bool vault_change_owner(struct vault_call *);
bool vault_state_hash(struct vault_call *);
bool vault_rename_officer(struct vault_call *);

/* ---- handlers, the second region (region_*.c) ---- */
bool vault_region_info(struct vault_call *);
bool vault_region_join(struct vault_call *);
bool vault_region_snapshot(struct vault_call *);
bool vault_region_read_part(struct vault_call *);
bool vault_region_feed(struct vault_call *);
bool vault_region_promote(struct vault_call *);
bool vault_region_hear(struct vault_call *);
bool vault_region_demote(struct vault_call *);
bool vault_region_list_unseen(struct vault_call *);

/* ---- handlers, life of keys (rotate.c) ---- */
bool vault_rotate_key(struct vault_call *);
bool vault_retire_key(struct vault_call *);

/* ---- handlers, quorum (quorum_command.c, quorum_token_command.c) ---- */
bool vault_get_m_value(struct vault_call *);
bool vault_set_m_value(struct vault_call *);
bool vault_register_quorum_key(struct vault_call *);
bool vault_get_token(struct vault_call *);
bool vault_approve_token(struct vault_call *);
bool vault_list_tokens(struct vault_call *);
bool vault_delete_token(struct vault_call *);
bool vault_get_token_timeout(struct vault_call *);
bool vault_set_token_timeout(struct vault_call *);

/* ---- handlers, second factor (second_factor.c, factor_command.c) ---- */
bool vault_auth_challenge(struct vault_call *);
bool vault_set_auth_key(struct vault_call *);
bool vault_list_auth_keys(struct vault_call *);

#endif
