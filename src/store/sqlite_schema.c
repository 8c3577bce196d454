#include "store/sqlite.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Above this size the full check at opening would take too long; the schema is still checked. */
#define QUICK_CHECK_MAX ((off_t)256 * 1024 * 1024)

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS kv(key BLOB PRIMARY KEY, value BLOB NOT NULL, rev INTEGER NOT NULL) WITHOUT "
    "ROWID;"
    "CREATE TABLE IF NOT EXISTS changes(rev INTEGER NOT NULL, n INTEGER NOT NULL, key BLOB NOT NULL, value "
    "BLOB,"
    " PRIMARY KEY(rev, n)) WITHOUT ROWID;"
    "INSERT OR IGNORE INTO meta VALUES('format', 1), ('rev', 0), ('compacted', 0);";

static const char *const statement_text[SQL_COUNT] = {
        [SQL_BEGIN] = "BEGIN IMMEDIATE",
        [SQL_COMMIT] = "COMMIT",
        [SQL_ROLLBACK] = "ROLLBACK",
        [SQL_SAVEPOINT] = "SAVEPOINT one",
        [SQL_RELEASE] = "RELEASE one",
        [SQL_REVERT] = "ROLLBACK TO one",
        [SQL_KEY_REV] = "SELECT rev FROM kv WHERE key = ?1",
        [SQL_PUT] = "INSERT INTO kv VALUES(?1, ?2, ?3) ON CONFLICT(key) DO UPDATE SET value = ?2, rev = ?3",
        [SQL_DELETE] = "DELETE FROM kv WHERE key = ?1",
        [SQL_CHANGE] = "INSERT INTO changes VALUES(?1, ?2, ?3, ?4)",
        [SQL_META_SET] = "UPDATE meta SET value = ?2 WHERE name = ?1",
        [SQL_TRIM] = "DELETE FROM changes WHERE rev <= ?1",
};

enum store_rc sqlite_failure(struct sqlite *s, sqlite3 *db, const char *what, struct err *err)
{
        switch (db ? sqlite3_errcode(db) : SQLITE_CANTOPEN) {
        case SQLITE_FULL:
                err_set(err, ERR_STORE, "%s: the disk of '%s' is full: free space on it", what, s->path);
                return STORE_FULL;
        case SQLITE_READONLY:
        case SQLITE_PERM:
                err_set(err, ERR_STORE, "%s: '%s' is read-only: check the folder's owner and mount", what,
                        s->path);
                return STORE_IO;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
                err_set(err, ERR_STORE_DAMAGED, "%s: database '%s' is damaged (%s): restore a backup", what,
                        s->path, sqlite3_errmsg(db));
                return STORE_DAMAGED;
        default:
                err_set(err, ERR_STORE, "%s: '%s': %s", what, s->path,
                        db ? sqlite3_errmsg(db) : "cannot be opened");
                return STORE_IO;
        }
}

bool sqlite_run(struct sqlite *s, enum sqlite_statement which)
{
        int rc = sqlite3_step(s->statements[which]);

        (void)sqlite3_reset(s->statements[which]);
        return rc == SQLITE_DONE || rc == SQLITE_ROW;
}

/* One process a store: a second one would not hear of the first one's changes. */
static bool store_lock(struct sqlite *s, struct err *err)
{
        char path[4096], text[32] = "";
        ssize_t n;

        (void)snprintf(path, sizeof(path), "%s.lock", s->path);
        s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (s->lock_fd < 0)
                return err_set_errno(err, ERR_STORE, errno, "lock file '%s' cannot be made", path);
        if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0) {
                n = read(s->lock_fd, text, sizeof(text) - 1);
                text[n > 0 ? strcspn(text, "\n") : 0] = '\0';
                return err_set(err, ERR_STORE, "store '%s' is in use by process %s: stop that one first",
                               s->path, text[0] ? text : "?");
        }
        n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
        if (ftruncate(s->lock_fd, 0) != 0 || write(s->lock_fd, text, (size_t)n) != n)
                return err_set_errno(err, ERR_STORE, errno, "lock file '%s' cannot be written", path);
        return true;
}

static bool pragma_run(struct sqlite *s, sqlite3 *db, const char *text, struct err *err)
{
        if (sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK)
                return true;
        sqlite_failure(s, db, "store cannot be opened", err);
        return false;
}

static int64_t meta_read(sqlite3 *db, const char *name)
{
        sqlite3_stmt *st = NULL;
        int64_t value = -1;

        if (sqlite3_prepare_v2(db, "SELECT value FROM meta WHERE name = ?1", -1, &st, NULL) == SQLITE_OK &&
            sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
                value = sqlite3_column_int64(st, 0);
        (void)sqlite3_finalize(st);
        return value;
}

static bool content_check(struct sqlite *s, struct err *err)
{
        struct stat st;
        sqlite3_stmt *check = NULL;
        bool ok = true;
        int64_t format = meta_read(s->db, "format");

        if (format != STORE_SQLITE_FORMAT)
                return err_set(err, ERR_STORE,
                               "database '%s' has format %" PRId64 "; this program reads format %d", s->path,
                               format, STORE_SQLITE_FORMAT);
        if (stat(s->path, &st) == 0 && st.st_size <= QUICK_CHECK_MAX) {
                ok = sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &check, NULL) == SQLITE_OK &&
                     sqlite3_step(check) == SQLITE_ROW &&
                     strcmp((const char *)sqlite3_column_text(check, 0), "ok") == 0;
                (void)sqlite3_finalize(check);
        }
        if (!ok)
                return err_set(err, ERR_STORE_DAMAGED, "database '%s' is damaged: restore a backup", s->path);
        atomic_store(&s->rev, meta_read(s->db, "rev"));
        atomic_store(&s->compacted, meta_read(s->db, "compacted"));
        return true;
}

static sqlite3 *connection_open(struct sqlite *s, int flags, struct err *err)
{
        sqlite3 *db = NULL;

        if (sqlite3_open_v2(s->path, &db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
                sqlite_failure(s, db, "store cannot be opened", err);
                (void)sqlite3_close(db);
                return NULL;
        }
        (void)sqlite3_extended_result_codes(db, 0);
        (void)sqlite3_busy_timeout(db, 10000);
        return db;
}

sqlite3 *sqlite_reader(struct sqlite *s, struct err *err)
{
        return connection_open(s, SQLITE_OPEN_READONLY, err);
}

bool sqlite_schema_open(struct sqlite *s, struct err *err)
{
        if (!store_lock(s, err))
                return false;
        s->db = connection_open(s, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
        if (!s->db || !pragma_run(s, s->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;", err) ||
            !pragma_run(s, s->db, "PRAGMA wal_autocheckpoint=4000; PRAGMA cache_size=-65536;", err) ||
            !pragma_run(s, s->db, schema, err) || !content_check(s, err))
                return false;
        (void)chmod(s->path, 0600);
        for (int i = 0; i < SQL_COUNT; i++) {
                if (sqlite3_prepare_v3(s->db, statement_text[i], -1, SQLITE_PREPARE_PERSISTENT,
                                       &s->statements[i], NULL) != SQLITE_OK) {
                        sqlite_failure(s, s->db, "store cannot be opened", err);
                        return false;
                }
        }
        return true;
}

void sqlite_schema_close(struct sqlite *s)
{
        for (int i = 0; i < SQL_COUNT; i++)
                (void)sqlite3_finalize(s->statements[i]);
        (void)sqlite3_close(s->db);
        if (s->lock_fd >= 0)
                (void)close(s->lock_fd);
}
