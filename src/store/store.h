/* Durable state behind one small interface: ordered keys, revisions, guarded transactions, a change feed.
 *
 * Every committed transaction gets the next revision (one int64 that only grows); every key remembers the
 * revision of its last change. There are no locks, leases or bare reads: memory is the read path, and whoever
 * needs certainty guards on a revision. Engines: SQLite (this host), etcd (a cluster); both pass the same
 * tests. Any function may be called from any thread unless said otherwise. DESIGN section 6. */
#ifndef CHSM_STORE_STORE_H
#define CHSM_STORE_STORE_H

#include "base/err.h"
#include "base/slice.h"
#include "base/clock.h"

typedef int64_t store_rev;

/* Limits, equal in all engines. */
#define STORE_KEY_MAX    512
#define STORE_VALUE_MAX  (256 * 1024)
#define STORE_GUARDS_MAX 100
#define STORE_OPS_MAX    100
#define STORE_TXN_MAX    (1024 * 1024) /* bytes of keys and values in one transaction */

enum store_rc {
        STORE_OK,
        STORE_CONFLICT,  /* a guard failed, nothing applied; store_result says which and its revision */
        STORE_UNAVAIL,   /* certainly not applied; retry later */
        STORE_UNKNOWN,   /* outcome could not be settled in time: say "unknown" to the caller */
        STORE_COMPACTED, /* the feed's start is gone: load again */
        STORE_LIMIT,     /* a limit above is exceeded */
        STORE_FULL,      /* disk or quota full */
        STORE_DAMAGED,   /* the engine's data fails its checks */
        STORE_IO,        /* anything else that the medium said; err has the words */
};

enum store_guard_kind { STORE_ABSENT, STORE_EXISTS, STORE_REV_IS };
struct store_guard {
        enum store_guard_kind kind;
        struct slice key;
        store_rev rev; /* STORE_REV_IS: revision of the key's last change */
};

enum store_op_kind { STORE_PUT, STORE_DELETE };
struct store_op {
        enum store_op_kind kind;
        struct slice key;
        struct slice value; /* STORE_PUT */
};

struct store_result {
        store_rev rev; /* STORE_OK: the transaction's revision (a guards-only one: the current revision) */
        size_t guard;  /* STORE_CONFLICT: index of the first guard that failed */
        store_rev guard_rev; /* and the revision its key has now, 0 when absent */
};

struct store_event {
        struct slice key;
        struct slice value; /* empty when deleted */
        store_rev rev;
        bool deleted;
};

struct store;

struct store_config {
        const char *engine; /* "sqlite" or "etcd" */
        /* sqlite: */
        const char *path;       /* folder that holds the database file */
        store_rev keep_changes; /* changes kept for the feed; 0: the default, 100,000 */
        int batch_max;          /* transactions committed with one sync; 0: the default, 256 */
        /* etcd: */
        const char *members;                /* "https://HOST:PORT,...": at most 9, mutual TLS only */
        const char *ca, *certificate, *key; /* PEM files */
        const char *prefix;                 /* of all keys of this partition, ends with '/' */
        uint32_t node; /* who writes: the newest opener of a number is, older ones are refused */
        bool stage; /* a new empty store beside the one of these keys, for store_adopt; earlier stages go */
};

/* Opens, creating what is absent; checks integrity. Errors name the file and the cure (disk full, read-only,
 * damaged, newer format, already open by another process). The store belongs to the caller. */
struct store *store_open(const struct store_config *, struct err *);
void store_close(struct store **); /* waits for running transactions; NULL-safe */

/* All or nothing. At most one op a key. Guards are checked in order. Returns when durable (or refused).
 * Many threads may call at once: their transactions share syncs. err gets words for every result but OK. */
enum store_rc store_txn(struct store *, const struct store_guard *, size_t guards, const struct store_op *,
                        size_t ops, int timeout_ms, struct store_result *, struct err *);

/* Every key under prefix, in order, at one revision. visit returns false to stop (then STORE_OK too). Slices
 * are valid during the call of visit only. */
enum store_rc store_load(struct store *, struct slice prefix,
                         bool (*visit)(void *arg, const struct store_event *), void *arg, store_rev *at,
                         struct err *);

/* Makes a stage what every later opening of the store beside it finds, in one step: all of it or, when a
 * guard (of keys of the present store) fails, nothing. Whoever has the present store open changes nothing
 * more; who only loads from it finds the new one. The stage is closed. An engine of one file has none of
 * this: its folder is moved. */
enum store_rc store_adopt(struct store **stage, const struct store_guard *, size_t guards, int timeout_ms,
                          struct err *);

/* Receives committed changes: whole revisions, in order, without gap or repeat, from one thread at a time. */
struct store_follower {
        void (*events)(void *arg, store_rev rev, const struct store_event *, size_t n); /* n may be 0 */
        void (*reset)(void *arg);         /* history is gone: unfollow, load, follow again */
        void (*link)(void *arg, bool up); /* contact with the quorum; an embedded engine is always up */
        void *arg;
};
struct store_watch;
/* Follows changes with revision > from. For a transaction made through this store, its events are delivered
 * before store_txn returns. */
enum store_rc store_follow(struct store *, store_rev from, const struct store_follower *,
                           struct store_watch **, struct err *);
void store_unfollow(struct store_watch **); /* no callback runs once this has returned; not from a callback */

/* *now: a revision not below that of any transaction acknowledged before the call. */
enum store_rc store_barrier(struct store *, int timeout_ms, store_rev *now, struct err *);
/* Drops feed history before keep_from. */
enum store_rc store_compact(struct store *, store_rev keep_from, struct err *);

struct store_status {
        const char *engine;
        bool writable;
        store_rev rev;
        store_rev compacted; /* feed history starts after this */
        uint64_t keys;
        uint64_t bytes;                  /* on the medium */
        uint64_t txns, conflicts, syncs; /* since open */
        uint64_t identity;               /* of the cluster; 0: there is no such thing */
};
enum store_rc store_status(struct store *, struct store_status *, struct err *);

/* How the store is, as its members say at this moment. Asks each of them; takes as long as the slowest, a
 * second at most. */
struct store_health {
        const char *engine;
        unsigned members, answering; /* an embedded engine is one member */
        bool changes_possible;       /* a majority answers and has a leader */
        store_rev rev;               /* the newest that any of them told; 0: none did */
        uint64_t identity;           /* of the cluster; 0: not known, or there is no such thing */
};
enum store_rc store_health(struct store *, struct store_health *, struct err *);

/* Engine-neutral stream of all keys at one revision, with counts and a digest; *at: that revision. Key values
 * are whatever the caller stored (the vault stores ciphertext). */
enum store_rc store_backup(struct store *, int fd, store_rev *at, struct err *);
/* Into an empty store only. The stream (a seekable file) is checked whole before the first change; keys keep
 * their bytes, revisions start anew. A process killed meanwhile leaves a part: restore into a fresh folder or
 * stage then. tell (may be NULL) hears now and then how many records are in. */
enum store_rc store_restore(struct store *, int fd, void (*tell)(void *arg, uint64_t records), void *arg,
                            struct err *);

#endif
