#include "server/seen.h"
#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define NOTE        "seen"
#define NOTE_MAX    256
#define RECORDS     "records"
#define RECORDS_MAX BUF_MAX
#define GROWTH      (4u << 20) /* appended to the note of records until it is written whole again */
#define SWEEP_MS    250        /* a page of the sweep */

static bool note_read(const struct server_conf *c, const char *name, size_t most, struct buf *out,
                      struct err *err)
{
        char *path = file_join(c->data_dir, name);
        bool ok = path && (!file_exists(path) || file_read(path, most, out, err));

        free(path);
        return ok || (!err->id && err_set(err, ERR_MEMORY, "no memory for what the store held"));
}

bool server_seen_read(const struct server_conf *c, struct buf *out, struct err *err)
{
        return note_read(c, NOTE, NOTE_MAX, out, err);
}

bool server_seen_records(const struct server_conf *c, struct buf *out, struct err *err)
{
        return note_read(c, RECORDS, RECORDS_MAX, out, err);
}

bool server_seen_check(struct node *n, struct err *err)
{
        struct buf note = BUF_INIT;
        bool ok = server_seen_read(n->conf, &note, err) &&
                  (!note.n || vault_seen_check(n->vault, buf_slice(&note), err));

        buf_clear(&note);
        if (!ok && n->conf->accept_edited_store) {
                log_error("ALARM: %s; it is accepted, as the configuration says", err->detail);
                *err = ERR_INIT;
                ok = true;
        }
        if (ok && n->conf->accept_edited_store)
                log_warning("accept_edited_store is on: what was removed from the store or put back is not "
                            "noticed at start; "
                            "take it out of the configuration");
        return ok;
}

/* What is lost here when the power goes costs names, and nothing else. */
static bool append(const char *path, struct slice what, struct err *err)
{
        int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
        bool ok = fd >= 0 && write(fd, what.p, what.n) == (ssize_t)what.n;

        if (!ok)
                err_set_errno(err, ERR_FILE, errno, "what the store held cannot be noted in '%s'", path);
        if (fd >= 0)
                (void)close(fd);
        return ok;
}

static bool records_write(struct node *n, struct err *err)
{
        char *path = file_join(n->conf->data_dir, RECORDS);
        struct buf what = BUF_INIT;
        bool whole = n->noted == 0 || n->noted > GROWTH, ok;

        ok = path && vault_noted_put(n->vault, &whole, &what, err) &&
             (whole ? file_write(path, buf_slice(&what), 0600, err) : append(path, buf_slice(&what), err));
        n->noted = !ok ? 0 : whole ? 1 : n->noted + what.n;
        buf_clear(&what);
        free(path);
        return ok;
}

bool server_seen_write(struct node *n, struct err *err)
{
        char *path;
        struct buf note = BUF_INIT;
        uint64_t changes = vault_changes(n->vault);
        struct err out = ERR_INIT;
        bool ok;

        if (changes == n->seen || !vault_in_service(n->vault, &out))
                return true; /* what it saw last is what stands there */
        path = file_join(n->conf->data_dir, NOTE);
        ok = path && vault_seen_put(n->vault, &note, err) && file_write(path, buf_slice(&note), 0600, err) &&
             records_write(n, err);
        if (ok)
                n->seen = changes;
        buf_clear(&note);
        free(path);
        return ok || (!err->id && err_set(err, ERR_MEMORY, "what the store held cannot be noted"));
}

/* ---- the thread ---- */

static void sweep(void *arg)
{
        struct node *n = arg;
        struct err err = ERR_INIT;

        if (!vault_sweep(n->vault, &err))
                log_error("memory was not compared with the store: %s", err.detail);
}

struct ticker *sweeper_start(struct node *n, struct err *err)
{
        return ticker_start("that compares memory with the store", SWEEP_MS, sweep, n, err);
}
