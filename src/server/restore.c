#include "server/restore.h"
#include "server/seen.h"
#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STAGE    "restore"  /* folder of the store being filled */
#define COMPLETE "complete" /* in it: it is to be opened from now on */
#define REPLACED "store.replaced"
#define ADOPT_MS 30000
#define LISTENER 3 /* where a program that is handed a socket finds it */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        (void)st;
        (void)type;
        (void)ftw;
        return remove(path);
}

static bool remove_folder(const char *path, struct err *err)
{
        if (!file_exists(path) || nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0)
                return true;
        return err_set_errno(err, ERR_FILE, errno, "folder '%s' cannot be removed", path);
}

static bool sync_folder(const char *path, struct err *err)
{
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        bool ok = fd >= 0 && fsync(fd) == 0;

        if (fd >= 0)
                (void)close(fd);
        return ok || err_set_errno(err, ERR_FILE, errno, "folder '%s' cannot be synced", path);
}

static bool move(const char *from, const char *to, const char *folder, struct err *err)
{
        if (rename(from, to) != 0)
                return err_set_errno(err, ERR_FILE, errno, "'%s' cannot be moved to '%s'", from, to);
        return sync_folder(folder, err);
}

/* ---- for the vault ---- */

static bool scratch(void *arg, int *fd, struct err *err)
{
        struct node *n = arg;

        *fd = open(n->conf->data_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (*fd < 0) { /* a file system without them */
                char *path = file_join(n->conf->data_dir, "backup.XXXXXX");

                *fd = path ? mkostemp(path, O_CLOEXEC) : -1;
                if (*fd >= 0)
                        (void)unlink(path);
                free(path);
        }
        return *fd >= 0 ||
               err_set_errno(err, ERR_FILE, errno, "a backup cannot be kept in '%s'", n->conf->data_dir);
}

static struct store *stage(void *arg, struct err *err)
{
        struct node *n = arg;

        return server_stage_open(n->conf, err);
}

struct store *server_stage_open(const struct server_conf *conf, struct err *err)
{
        char *path = file_join(conf->data_dir, STAGE);
        struct store_config config = node_store_config(conf, path);
        struct store *s = NULL;

        config.stage = true;
        if (conf->store || (path && remove_folder(path, err) && file_make_dir(path, 0700, err)))
                s = store_open(&config, err);
        free(path);
        return s;
}

bool server_stage_adopt(const struct server_conf *conf, struct store **s, const struct store_guard *guards,
                        size_t count, struct err *err)
{
        char *path, *mark;
        bool ok;

        if (conf->store)
                return store_adopt(s, guards, count, ADOPT_MS, err) == STORE_OK;
        path = file_join(conf->data_dir, STAGE);
        mark = path ? file_join(path, COMPLETE) : NULL;
        store_close(s);
        ok = mark && sync_folder(path, err) && file_write(mark, SLICE_LIT("chsm\n"), 0600, err);
        free(path);
        free(mark);
        return ok;
}

static bool adopt(void *arg, struct store **s, const struct store_guard *unowned, struct err *err)
{
        struct node *n = arg;
        bool ok = server_stage_adopt(n->conf, s, unowned, 1, err);

        if (ok)
                atomic_store(&n->restored, true);
        return ok;
}

static bool noted(void *arg, struct buf *out)
{
        struct node *n = arg;
        struct err err = ERR_INIT;

        return server_seen_records(n->conf, out, &err);
}

struct vault_host server_host_of(struct node *n)
{
        return (struct vault_host){ scratch, stage, adopt, noted, n };
}

/* ---- at start ---- */

/* Each step may be the last one before the node is killed; the next start goes on from there. */
static bool take_place(const char *data_dir, const char *staged, const char *store, const char *replaced,
                       struct err *err)
{
        char *mark;
        bool ok;

        if (file_exists(store) && (!remove_folder(replaced, err) || !move(store, replaced, data_dir, err)))
                return false;
        ok = move(staged, store, data_dir, err) && remove_folder(replaced, err);
        mark = ok ? file_join(store, COMPLETE) : NULL;
        ok = mark && unlink(mark) == 0;
        free(mark);
        if (ok)
                log_info("the restored partition has taken its place");
        return ok || (!err->id && err_set(err, ERR_FILE, "the restored store cannot be taken"));
}

bool server_restore_finish(const char *data_dir, struct err *err)
{
        char *staged = file_join(data_dir, STAGE), *store = file_join(data_dir, "store");
        char *replaced = file_join(data_dir, REPLACED), *mark = staged ? file_join(staged, COMPLETE) : NULL;
        char *taken = store ? file_join(store, COMPLETE) : NULL;
        bool ok = mark && store && replaced && taken;

        if (!ok)
                err_set(err, ERR_MEMORY, "no memory at start");
        else if (file_exists(mark))
                ok = take_place(data_dir, staged, store, replaced, err);
        else
                ok = remove_folder(staged, err) && remove_folder(replaced, err) &&
                     (unlink(taken) == 0 || errno == ENOENT);
        free(staged);
        free(store);
        free(replaced);
        free(mark);
        free(taken);
        return ok;
}

char *server_audit_folder(const char *data_dir, struct slice partition_id, struct err *err)
{
        char *path = file_join(data_dir, "audit"), *name = path ? file_join(path, "partition") : NULL;
        struct buf id = BUF_INIT, before = BUF_INIT;
        struct err absent = ERR_INIT;
        const char *text, *other;
        bool ok;

        buf_put_hex(&id, partition_id);
        text = buf_text(&id);
        ok = name && text && file_make_dir(path, 0700, err);
        if (ok && file_read(name, 64, &before, &absent) && (other = buf_text(&before)) &&
            strcmp(other, text) != 0) {
                char aside[64];
                char *to;

                (void)snprintf(aside, sizeof(aside), "audit-%.32s", strchr(other, '/') ? "unknown" : other);
                to = file_join(data_dir, aside);
                ok = to && move(path, to, data_dir, err) && file_make_dir(path, 0700, err);
                free(to);
                buf_reset(&before);
        }
        if (ok && !before.n)
                ok = file_write(name, buf_slice(&id), 0600, err);
        buf_clear(&id);
        buf_clear(&before);
        free(name);
        if (!ok) {
                free(path);
                path = NULL;
        }
        return path;
}

void server_start_anew(int listener, char **argv, struct err *err)
{
        char pid[24];

        (void)snprintf(pid, sizeof(pid), "%ld", (long)getpid());
        if ((listener != LISTENER && dup2(listener, LISTENER) < 0) || fcntl(LISTENER, F_SETFD, 0) != 0 ||
            setenv("LISTEN_FDS", "1", 1) != 0 || setenv("LISTEN_PID", pid, 1) != 0)
                err_set_errno(err, ERR_FILE, errno, "the listening socket cannot be handed on");
        else
                (void)execv("/proc/self/exe", argv);
        if (!err->id)
                err_set_errno(err, ERR_FILE, errno, "the node cannot start anew by itself");
        err_prefix(err, "the backup is restored; start the node again");
}
