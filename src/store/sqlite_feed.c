#include "store/sqlite.h"

#include <stdlib.h>

static void ops_tell(const struct store_follower *f, store_rev rev, const struct store_op *ops, size_t n)
{
        struct store_event events[STORE_OPS_MAX];

        for (size_t i = 0; i < n; i++)
                events[i] =
                    (struct store_event){ ops[i].key, ops[i].kind == STORE_PUT ? ops[i].value : SLICE_EMPTY,
                                          rev, ops[i].kind == STORE_DELETE };
        f->events(f->arg, rev, events, n);
}

void sqlite_feed_tell(struct sqlite *s, store_rev rev, const struct store_op *ops, size_t n)
{
        for (struct sqlite_watch *w = s->watches; w; w = w->next) {
                if (rev > w->seen) {
                        w->seen = rev;
                        ops_tell(&w->follower, rev, ops, n);
                }
        }
}

static struct slice column(sqlite3_stmt *st, int at)
{
        const void *p = sqlite3_column_blob(st, at);

        return slice_of(p, (size_t)sqlite3_column_bytes(st, at));
}

/* Tells one follower the stored changes after w->seen. Copies each revision, as column memory moves. */
static bool catch_up(struct sqlite *s, sqlite3 *db, struct sqlite_watch *w, struct err *err)
{
        sqlite3_stmt *st = NULL;
        struct store_op ops[STORE_OPS_MAX];
        size_t n = 0;
        store_rev rev = 0;
        int rc;

        if (sqlite3_prepare_v2(db, "SELECT rev, key, value FROM changes WHERE rev > ?1 ORDER BY rev, n", -1,
                               &st, NULL) != SQLITE_OK ||
            sqlite3_bind_int64(st, 1, w->seen) != SQLITE_OK) {
                sqlite_failure(s, db, "changes cannot be read", err);
                (void)sqlite3_finalize(st);
                return false;
        }
        do {
                rc = sqlite3_step(st);
                if (n && (rc != SQLITE_ROW || sqlite3_column_int64(st, 0) != rev)) {
                        ops_tell(&w->follower, rev, ops, n);
                        w->seen = rev;
                        for (size_t i = 0; i < n; i++)
                                free((void *)(uintptr_t)ops[i].key.p);
                        n = 0;
                }
                if (rc == SQLITE_ROW && n < STORE_OPS_MAX) {
                        struct slice key = column(st, 1), value = column(st, 2);
                        uint8_t *copy = malloc(key.n + value.n + 1);

                        if (!copy) {
                                rc = SQLITE_NOMEM;
                                break;
                        }
                        memcpy(copy, key.p, key.n);
                        if (value.n)
                                memcpy(copy + key.n, value.p, value.n);
                        rev = sqlite3_column_int64(st, 0);
                        ops[n++] =
                            (struct store_op){ sqlite3_column_type(st, 2) == SQLITE_NULL ? STORE_DELETE
                                                                                         : STORE_PUT,
                                               slice_of(copy, key.n), slice_of(copy + key.n, value.n) };
                }
        } while (rc == SQLITE_ROW);
        for (size_t i = 0; i < n; i++)
                free((void *)(uintptr_t)ops[i].key.p);
        (void)sqlite3_finalize(st);
        return rc == SQLITE_DONE || err_set(err, ERR_STORE, "changes cannot be read from '%s'", s->path);
}

enum store_rc sqlite_follow(void *self, store_rev from, const struct store_follower *follower, void **out,
                            struct err *err)
{
        struct sqlite *s = self;
        struct sqlite_watch *w;
        sqlite3 *db;
        enum store_rc rc = STORE_IO;

        if (from < atomic_load(&s->compacted)) {
                err_set(err, ERR_STORE, "history before revision %lld is gone",
                        (long long)atomic_load(&s->compacted));
                return STORE_COMPACTED;
        }
        w = calloc(1, sizeof(*w));
        db = w ? sqlite_reader(s, err) : NULL;
        if (!db) {
                free(w);
                return STORE_IO;
        }
        w->follower = *follower;
        w->seen = from;
        /* Twice: the bulk while writers go on, then the rest while they wait, so nothing falls between. */
        if (catch_up(s, db, w, err)) {
                pthread_mutex_lock(&s->feed_lock);
                if (catch_up(s, db, w, err)) {
                        w->next = s->watches;
                        s->watches = w;
                        rc = STORE_OK;
                }
                pthread_mutex_unlock(&s->feed_lock);
        }
        (void)sqlite3_close(db);
        if (rc == STORE_OK)
                *out = w;
        else
                free(w);
        return rc;
}

void sqlite_unfollow(void *self, void *watch)
{
        struct sqlite *s = self;

        pthread_mutex_lock(&s->feed_lock);
        for (struct sqlite_watch **link = &s->watches; *link; link = &(*link)->next) {
                if (*link == watch) {
                        *link = ((struct sqlite_watch *)watch)->next;
                        break;
                }
        }
        pthread_mutex_unlock(&s->feed_lock);
        free(watch);
}
