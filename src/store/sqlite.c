/* The embedded engine: opening, closing, and the calls that wait for the writer thread. */
#include "store/sqlite.h"
#include "base/file.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define KEEP_CHANGES_PRESET 100000
#define BATCH_PRESET        256

static void sqlite_free(struct sqlite *s)
{
        sqlite_schema_close(s);
        pthread_cond_destroy(&s->work);
        pthread_cond_destroy(&s->done);
        pthread_mutex_destroy(&s->lock);
        pthread_mutex_destroy(&s->feed_lock);
        free(s->path);
        free(s);
}

static void *sqlite_open(const struct store_config *config, struct err *err)
{
        struct sqlite *s = calloc(1, sizeof(*s));
        pthread_condattr_t monotonic;

        if (!s) {
                err_set(err, ERR_MEMORY, "no memory for the store");
                return NULL;
        }
        s->lock_fd = -1;
        s->last = &s->first;
        s->batch_max = config->batch_max ? config->batch_max : BATCH_PRESET;
        s->keep_changes = config->keep_changes ? config->keep_changes : KEEP_CHANGES_PRESET;
        pthread_mutex_init(&s->lock, NULL);
        pthread_mutex_init(&s->feed_lock, NULL);
        pthread_condattr_init(&monotonic);
        pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
        pthread_cond_init(&s->work, NULL);
        pthread_cond_init(&s->done, &monotonic);
        pthread_condattr_destroy(&monotonic);
        s->path = file_join(config->path, "partition.db");
        if (!s->path || !file_make_dir(config->path, 0700, err) || !sqlite_schema_open(s, err))
                goto fail;
        if (pthread_create(&s->writer, NULL, sqlite_writer_main, s) != 0) {
                err_set(err, ERR_MEMORY, "the store's writer thread cannot be started");
                goto fail;
        }
        return s;
fail:
        sqlite_free(s);
        return NULL;
}

static void sqlite_close(void *self)
{
        struct sqlite *s = self;

        pthread_mutex_lock(&s->lock);
        s->closing = true;
        pthread_cond_signal(&s->work);
        pthread_mutex_unlock(&s->lock);
        pthread_join(s->writer, NULL);
        sqlite_free(s);
}

/* Takes a transaction that nobody has picked up off the queue. */
static void txn_withdraw(struct sqlite *s, struct sqlite_txn *t)
{
        struct sqlite_txn **link = &s->first;

        while (*link && *link != t)
                link = &(*link)->next;
        if (*link)
                *link = t->next;
        if (s->last == &t->next)
                s->last = link;
}

static enum store_rc txn_wait(struct sqlite *s, struct sqlite_txn *t, int timeout_ms)
{
        struct timespec until;
        bool late = false;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += timeout_ms / 1000;
        until.tv_nsec += (long)(timeout_ms % 1000) * 1000000L;
        if (until.tv_nsec >= 1000000000L) {
                until.tv_sec++;
                until.tv_nsec -= 1000000000L;
        }
        pthread_mutex_lock(&s->lock);
        *s->last = t;
        s->last = &t->next;
        pthread_cond_signal(&s->work);
        while (t->phase != TXN_DONE && !(late && t->phase == TXN_QUEUED)) {
                if (t->phase == TXN_QUEUED)
                        late = pthread_cond_timedwait(&s->done, &s->lock, &until) == ETIMEDOUT;
                else
                        pthread_cond_wait(&s->done, &s->lock);
        }
        if (t->phase == TXN_QUEUED) {
                txn_withdraw(s, t);
                t->rc = STORE_UNAVAIL;
                err_set(t->err, ERR_RETRY, "the store was busy for %d ms; nothing was changed", timeout_ms);
        }
        pthread_mutex_unlock(&s->lock);
        return t->rc;
}

static enum store_rc sqlite_txn(void *self, const struct store_guard *guards, size_t guard_count,
                                const struct store_op *ops, size_t op_count, int timeout_ms,
                                struct store_result *result, struct err *err)
{
        struct sqlite_txn t = { .guards = guards,
                                .guard_count = guard_count,
                                .ops = ops,
                                .op_count = op_count,
                                .result = result,
                                .err = err };

        return txn_wait(self, &t, timeout_ms);
}

static enum store_rc sqlite_compact(void *self, store_rev keep_from, struct err *err)
{
        struct sqlite *s = self;
        struct store_result result;
        store_rev upto = keep_from - 1;
        struct sqlite_txn t = { .result = &result, .err = err };

        if (upto > atomic_load(&s->rev))
                upto = atomic_load(&s->rev);
        if (upto <= atomic_load(&s->compacted))
                return STORE_OK;
        t.compact = upto;
        return txn_wait(s, &t, 60000);
}

static enum store_rc sqlite_barrier(void *self, int timeout_ms, store_rev *now, struct err *err)
{
        struct sqlite *s = self;

        (void)timeout_ms;
        (void)err;
        *now = atomic_load(&s->rev);
        return STORE_OK;
}

/* The smallest key that does not begin with prefix, or an empty slice: no upper end. */
static struct slice prefix_end(struct slice prefix, uint8_t end[STORE_KEY_MAX])
{
        size_t n = prefix.n;

        if (n > STORE_KEY_MAX)
                return SLICE_EMPTY;
        if (n)
                memcpy(end, prefix.p, n);
        while (n && end[n - 1] == 0xff)
                n--;
        if (n)
                end[n - 1]++;
        return slice_of(end, n);
}

static enum store_rc rows_visit(struct sqlite *s, sqlite3 *db, struct slice prefix,
                                bool (*visit)(void *, const struct store_event *), void *arg, struct err *err)
{
        uint8_t end[STORE_KEY_MAX];
        struct slice stop = prefix_end(prefix, end);
        sqlite3_stmt *st = NULL;
        const char *text = stop.n ? "SELECT key, value, rev FROM kv WHERE key >= ?1 AND key < ?2 ORDER BY key"
                                  : "SELECT key, value, rev FROM kv WHERE key >= ?1 ORDER BY key";
        enum store_rc result = STORE_OK;
        int rc = sqlite3_prepare_v2(db, text, -1, &st, NULL);

        if (rc == SQLITE_OK)
                rc = sqlite3_bind_blob64(st, 1, prefix.n ? (const void *)prefix.p : "", prefix.n,
                                         SQLITE_STATIC);
        if (rc == SQLITE_OK && stop.n)
                rc = sqlite3_bind_blob64(st, 2, stop.p, stop.n, SQLITE_STATIC);
        while (rc == SQLITE_OK || rc == SQLITE_ROW) {
                rc = sqlite3_step(st);
                if (rc == SQLITE_ROW) {
                        struct store_event e = {
                                slice_of(sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0)),
                                slice_of(sqlite3_column_blob(st, 1), (size_t)sqlite3_column_bytes(st, 1)),
                                sqlite3_column_int64(st, 2), false
                        };
                        if (!visit(arg, &e))
                                rc = SQLITE_DONE;
                }
        }
        if (rc != SQLITE_DONE)
                result = sqlite_failure(s, db, "store cannot be read", err);
        (void)sqlite3_finalize(st);
        return result;
}

static enum store_rc sqlite_load(void *self, struct slice prefix,
                                 bool (*visit)(void *, const struct store_event *), void *arg, store_rev *at,
                                 struct err *err)
{
        struct sqlite *s = self;
        sqlite3 *db = sqlite_reader(s, err);
        sqlite3_stmt *st = NULL;
        enum store_rc rc = STORE_IO;

        if (!db)
                return STORE_IO;
        /* One read transaction: the revision and the rows are of the same moment. */
        if (sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK &&
            sqlite3_prepare_v2(db, "SELECT value FROM meta WHERE name = 'rev'", -1, &st, NULL) == SQLITE_OK &&
            sqlite3_step(st) == SQLITE_ROW) {
                *at = sqlite3_column_int64(st, 0);
                rc = rows_visit(s, db, prefix, visit, arg, err);
        } else {
                rc = sqlite_failure(s, db, "store cannot be read", err);
        }
        (void)sqlite3_finalize(st);
        (void)sqlite3_close(db);
        return rc;
}

static enum store_rc sqlite_status(void *self, struct store_status *status, struct err *err)
{
        struct sqlite *s = self;
        sqlite3 *db = sqlite_reader(s, err);
        sqlite3_stmt *st = NULL;
        struct stat file;

        if (!db)
                return STORE_IO;
        *status = (struct store_status){ .engine = "sqlite",
                                         .writable = access(s->path, W_OK) == 0,
                                         .rev = atomic_load(&s->rev),
                                         .compacted = atomic_load(&s->compacted),
                                         .txns = atomic_load(&s->txns),
                                         .conflicts = atomic_load(&s->conflicts),
                                         .syncs = atomic_load(&s->syncs) };
        if (stat(s->path, &file) == 0)
                status->bytes = (uint64_t)file.st_size;
        if (sqlite3_prepare_v2(db, "SELECT count(*) FROM kv", -1, &st, NULL) == SQLITE_OK &&
            sqlite3_step(st) == SQLITE_ROW)
                status->keys = (uint64_t)sqlite3_column_int64(st, 0);
        (void)sqlite3_finalize(st);
        (void)sqlite3_close(db);
        return STORE_OK;
}

const struct store_engine store_sqlite_engine = {
        .name = "sqlite",
        .open = sqlite_open,
        .close = sqlite_close,
        .txn = sqlite_txn,
        .load = sqlite_load,
        .follow = sqlite_follow,
        .unfollow = sqlite_unfollow,
        .barrier = sqlite_barrier,
        .compact = sqlite_compact,
        .status = sqlite_status,
};
