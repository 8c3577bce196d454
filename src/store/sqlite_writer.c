#include "store/sqlite.h"

#include <stdlib.h>

#define TRIM_EVERY 1024 /* revisions between two cuts of old history */

static bool bind_blob(sqlite3_stmt *st, int at, struct slice s)
{
        return sqlite3_bind_blob64(st, at, s.n ? (const void *)s.p : "", s.n, SQLITE_STATIC) == SQLITE_OK;
}

static bool step_done(sqlite3_stmt *st)
{
        int rc = sqlite3_step(st);

        (void)sqlite3_reset(st);
        return rc == SQLITE_DONE;
}

/* The revision of a key's last change, 0 when absent; false on an engine error. */
static bool key_revision(struct sqlite *s, struct slice key, store_rev *rev)
{
        sqlite3_stmt *st = s->statements[SQL_KEY_REV];
        int rc;

        if (!bind_blob(st, 1, key))
                return false;
        rc = sqlite3_step(st);
        *rev = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
        (void)sqlite3_reset(st);
        return rc == SQLITE_ROW || rc == SQLITE_DONE;
}

static bool guard_holds(const struct store_guard *guard, store_rev rev)
{
        switch (guard->kind) {
        case STORE_ABSENT:
                return rev == 0;
        case STORE_EXISTS:
                return rev != 0;
        case STORE_REV_IS:
                return rev == guard->rev;
        }
        return false;
}

/* STORE_OK, STORE_CONFLICT (told in the result) or STORE_IO (the engine failed). */
static enum store_rc guards_check(struct sqlite *s, const struct sqlite_txn *t)
{
        for (size_t i = 0; i < t->guard_count; i++) {
                store_rev rev;

                if (!key_revision(s, t->guards[i].key, &rev))
                        return STORE_IO;
                if (!guard_holds(&t->guards[i], rev)) {
                        t->result->guard = i;
                        t->result->guard_rev = rev;
                        err_set(t->err, ERR_STORE_CONFLICT, "another change came first");
                        return STORE_CONFLICT;
                }
        }
        return STORE_OK;
}

static bool op_apply(struct sqlite *s, const struct store_op *op, size_t n, store_rev rev)
{
        sqlite3_stmt *st = s->statements[op->kind == STORE_PUT ? SQL_PUT : SQL_DELETE];
        sqlite3_stmt *change = s->statements[SQL_CHANGE];

        if (!bind_blob(st, 1, op->key) ||
            (op->kind == STORE_PUT &&
             (!bind_blob(st, 2, op->value) || sqlite3_bind_int64(st, 3, rev) != SQLITE_OK)) ||
            !step_done(st))
                return false;
        return sqlite3_bind_int64(change, 1, rev) == SQLITE_OK &&
               sqlite3_bind_int64(change, 2, (int64_t)n) == SQLITE_OK && bind_blob(change, 3, op->key) &&
               (op->kind == STORE_PUT ? bind_blob(change, 4, op->value)
                                      : sqlite3_bind_null(change, 4) == SQLITE_OK) &&
               step_done(change);
}

static bool meta_set(struct sqlite *s, const char *name, int64_t value)
{
        sqlite3_stmt *st = s->statements[SQL_META_SET];

        return sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC) == SQLITE_OK &&
               sqlite3_bind_int64(st, 2, value) == SQLITE_OK && step_done(st);
}

static bool history_drop(struct sqlite *s, store_rev upto)
{
        sqlite3_stmt *st = s->statements[SQL_TRIM];

        return sqlite3_bind_int64(st, 1, upto) == SQLITE_OK && step_done(st) &&
               meta_set(s, "compacted", upto);
}

/* Runs one transaction inside the batch. *rev is the batch's last revision and moves on success. */
static enum store_rc txn_run(struct sqlite *s, struct sqlite_txn *t, store_rev *rev)
{
        enum store_rc rc;
        bool ok = true;

        if (t->compact)
                return history_drop(s, t->compact) ? STORE_OK : STORE_IO;
        rc = guards_check(s, t);
        if (rc != STORE_OK)
                return rc;
        if (t->op_count == 0) {
                t->result->rev = *rev;
                return STORE_OK;
        }
        if (!sqlite_run(s, SQL_SAVEPOINT))
                return STORE_IO;
        for (size_t i = 0; ok && i < t->op_count; i++)
                ok = op_apply(s, &t->ops[i], i, *rev + 1);
        if (!ok) {
                enum store_rc why = sqlite_failure(s, s->db, "change was not stored", t->err);
                (void)sqlite_run(s, SQL_REVERT);
                (void)sqlite_run(s, SQL_RELEASE);
                return why;
        }
        if (!sqlite_run(s, SQL_RELEASE))
                return STORE_IO;
        t->result->rev = ++*rev;
        return STORE_OK;
}

static bool history_trim(struct sqlite *s, store_rev rev, store_rev *compacted)
{
        store_rev upto = rev - s->keep_changes;

        if (rev % TRIM_EVERY || upto <= *compacted)
                return true;
        *compacted = upto;
        return history_drop(s, upto);
}

/* Nothing of the batch was applied: every transaction that had gone well gets the engine's failure. */
static void batch_fail(struct sqlite *s, struct sqlite_txn *batch)
{
        struct err why = ERR_INIT;
        enum store_rc rc = sqlite_failure(s, s->db, "change was not stored", &why);

        if (!sqlite3_get_autocommit(s->db))
                (void)sqlite_run(s, SQL_ROLLBACK);
        for (struct sqlite_txn *t = batch; t; t = t->next) {
                if (t->rc == STORE_OK || t->rc == STORE_IO) {
                        t->rc = rc;
                        if (t->err)
                                *t->err = why;
                }
        }
}

static void batch_run(struct sqlite *s, struct sqlite_txn *batch)
{
        store_rev before = atomic_load(&s->rev), rev = before, compacted = atomic_load(&s->compacted);
        bool ok = sqlite_run(s, SQL_BEGIN);

        for (struct sqlite_txn *t = batch; t; t = t->next) {
                t->rc = ok ? txn_run(s, t, &rev) : STORE_IO;
                if (t->rc == STORE_OK && t->compact > compacted)
                        compacted = t->compact;
                ok = ok && t->rc != STORE_IO && !sqlite3_get_autocommit(s->db);
        }
        ok = ok && (rev == before || (meta_set(s, "rev", rev) && history_trim(s, rev, &compacted)));
        if (!ok || !sqlite_run(s, SQL_COMMIT)) {
                batch_fail(s, batch);
                return;
        }
        atomic_fetch_add(&s->syncs, rev != before);
        atomic_store(&s->compacted, compacted);
        pthread_mutex_lock(&s->feed_lock);
        for (struct sqlite_txn *t = batch; t; t = t->next) {
                if (t->rc == STORE_OK && t->op_count)
                        sqlite_feed_tell(s, t->result->rev, t->ops, t->op_count);
                atomic_fetch_add(t->rc == STORE_CONFLICT ? &s->conflicts : &s->txns, 1);
        }
        atomic_store(&s->rev, rev);
        pthread_mutex_unlock(&s->feed_lock);
}

/* Takes up to batch_max waiting transactions off the queue; NULL when closing and nothing is left. */
static struct sqlite_txn *batch_take(struct sqlite *s)
{
        struct sqlite_txn *batch, *t;
        int n = 1;

        while (!s->first && !s->closing)
                pthread_cond_wait(&s->work, &s->lock);
        batch = t = s->first;
        if (!batch)
                return NULL;
        t->phase = TXN_RUNNING;
        while (t->next && n++ < s->batch_max) {
                t = t->next;
                t->phase = TXN_RUNNING;
        }
        s->first = t->next;
        if (!s->first)
                s->last = &s->first;
        t->next = NULL;
        return batch;
}

void *sqlite_writer_main(void *arg)
{
        struct sqlite *s = arg;
        struct sqlite_txn *batch;

        pthread_mutex_lock(&s->lock);
        while ((batch = batch_take(s)) != NULL) {
                pthread_mutex_unlock(&s->lock);
                batch_run(s, batch);
                pthread_mutex_lock(&s->lock);
                for (struct sqlite_txn *t = batch, *next; t; t = next) {
                        next = t->next;
                        t->phase = TXN_DONE; /* the caller may return and its memory go */
                }
                pthread_cond_broadcast(&s->done);
        }
        pthread_mutex_unlock(&s->lock);
        return NULL;
}
