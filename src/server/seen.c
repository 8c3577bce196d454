#include "server/seen.h"
#include "base/file.h"
#include "base/log.h"

#include <stdlib.h>

#define NOTE     "seen"
#define NOTE_MAX 256
#define SWEEP_MS 250 /* a page of the sweep */

bool server_seen_check(struct node *n, struct err *err)
{
        char *path = file_join(n->conf->data_dir, NOTE);
        struct buf note = BUF_INIT;
        bool ok = path != NULL;

        if (ok && file_exists(path))
                ok = file_read(path, NOTE_MAX, &note, err) &&
                     vault_seen_check(n->vault, buf_slice(&note), err);
        buf_clear(&note);
        free(path);
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

bool server_seen_write(struct node *n, struct err *err)
{
        char *path;
        struct buf note = BUF_INIT;
        uint64_t changes = vault_changes(n->vault);
        bool ok;

        if (changes == n->seen)
                return true;
        path = file_join(n->conf->data_dir, NOTE);
        ok = path && vault_seen_put(n->vault, &note, err) && file_write(path, buf_slice(&note), 0600, err);
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
