/* Inside the SQLite engine: one writer thread commits the queue of waiting transactions in one database
 * transaction, one savepoint each, so that many callers share one sync. */
#ifndef CHSM_STORE_SQLITE_H
#define CHSM_STORE_SQLITE_H

#include "store/engine.h"
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#define STORE_SQLITE_FORMAT 1

enum sqlite_statement {
        SQL_BEGIN,
        SQL_COMMIT,
        SQL_ROLLBACK,
        SQL_SAVEPOINT,
        SQL_RELEASE,
        SQL_REVERT,
        SQL_KEY_REV,
        SQL_PUT,
        SQL_DELETE,
        SQL_CHANGE,
        SQL_META_SET,
        SQL_TRIM,
        SQL_COUNT
};

/* A caller waiting for its transaction. */
struct sqlite_txn {
        struct sqlite_txn *next;
        const struct store_guard *guards;
        size_t guard_count;
        const struct store_op *ops;
        size_t op_count;
        store_rev compact; /* drop history up to here; 0: an ordinary transaction */
        struct store_result *result;
        struct err *err;
        enum store_rc rc;
        enum { TXN_QUEUED, TXN_RUNNING, TXN_DONE } phase;
};

struct sqlite_watch {
        struct sqlite_watch *next;
        struct store_follower follower;
        store_rev seen;
};

struct sqlite {
        char *path;
        int lock_fd;
        sqlite3 *db; /* the writer's connection */
        sqlite3_stmt *statements[SQL_COUNT];
        pthread_t writer;
        pthread_mutex_t lock; /* queue, phases, closing */
        pthread_cond_t work, done;
        struct sqlite_txn *first, **last;
        bool closing;
        pthread_mutex_t
            feed_lock; /* followers, and the order of what they are told; never held with `lock` */
        struct sqlite_watch *watches;
        int batch_max;
        store_rev keep_changes;
        _Atomic store_rev rev; /* committed */
        _Atomic store_rev compacted;
        _Atomic uint64_t txns, conflicts, syncs;
};

/* schema: opens the file, checks it, prepares statements. */
bool sqlite_schema_open(struct sqlite *, struct err *);
void sqlite_schema_close(struct sqlite *);
sqlite3 *sqlite_reader(struct sqlite *, struct err *); /* a connection of the caller's, for loads */
/* Words and result for an SQLite error code. */
enum store_rc sqlite_failure(struct sqlite *, sqlite3 *, const char *what, struct err *);
/* Runs a prepared statement without result rows. */
bool sqlite_run(struct sqlite *, enum sqlite_statement);

/* writer */
void *sqlite_writer_main(void *);

/* feed */
enum store_rc sqlite_follow(void *, store_rev from, const struct store_follower *, void **, struct err *);
void sqlite_unfollow(void *, void *);
/* Tells followers of one committed transaction. feed_lock is held. */
void sqlite_feed_tell(struct sqlite *, store_rev, const struct store_op *, size_t);

#endif
