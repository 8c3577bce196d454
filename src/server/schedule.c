#include "server/schedule.h"
#include "base/file.h"
#include "base/log.h"
#include "server/ticker.h"
#include "vault/backup.h"
#include "vault/region.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PART    ".chsm-backup.part"
#define RETRY_S 60
#define LOOK_MS 1000
#define KEPT    10000

struct schedule {
        struct node *node;
        struct ticker *ticker;
        pthread_mutex_t lock; /* state */
        struct schedule_state state;
        int64_t due_s; /* wall clock */
        char prefix[64];
};

static int64_t now_s(void)
{
        struct clock clock = clock_system();

        return clock_wall_ms(&clock) / 1000;
}

/* ---- the folder ---- */

static bool is_ours(const struct schedule *s, const char *name)
{
        size_t n = strlen(s->prefix), end = strlen(name);

        return strncmp(name, s->prefix, n) == 0 && end > n + 7 && strcmp(name + end - 7, ".backup") == 0;
}

static int by_name(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names of the partition's backups, oldest first; the count. Caller frees each and the list. */
static size_t list(struct schedule *s, char ***names)
{
        DIR *folder = opendir(s->node->conf->backup_dir);
        struct dirent *e;
        size_t n = 0;

        *names = calloc(KEPT, sizeof(char *));
        while (folder && *names && n < KEPT && (e = readdir(folder))) {
                if (is_ours(s, e->d_name) && ((*names)[n] = strdup(e->d_name)))
                        n++;
        }
        if (folder)
                (void)closedir(folder);
        if (*names)
                qsort(*names, n, sizeof(char *), by_name);
        return n;
}

static void list_free(char **names, size_t n)
{
        for (size_t i = 0; names && i < n; i++)
                free(names[i]);
        free(names);
}

/* When the newest one was made; 0: there is none. */
static int64_t newest_s(struct schedule *s)
{
        char **names;
        size_t n = list(s, &names);
        char *path = n ? file_join(s->node->conf->backup_dir, names[n - 1]) : NULL;
        struct stat st;
        int64_t when = path && stat(path, &st) == 0 ? (int64_t)st.st_mtime : 0;

        free(path);
        list_free(names, n);
        return when;
}

static void drop_old(struct schedule *s)
{
        char **names;
        size_t n = list(s, &names), keep = (size_t)s->node->conf->backup_keep;

        for (size_t i = 0; i + keep < n; i++) {
                char *path = file_join(s->node->conf->backup_dir, names[i]);

                if (path && unlink(path) != 0)
                        log_error("old backup '%s' cannot be removed: %s", path, strerror(errno));
                free(path);
        }
        list_free(names, n);
}

/* ---- making one ---- */

static bool write_one(struct schedule *s, const char *part, struct vault_backup_info *info, struct err *err)
{
        int fd = open(part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        bool ok;

        if (fd < 0)
                return err_set_errno(err, ERR_FILE, errno, "'%s' cannot be made", part);
        ok = vault_backup_now(s->node->vault, fd, info, err) &&
             (fsync(fd) == 0 || err_set_errno(err, ERR_FILE, errno, "'%s' cannot be written", part));
        (void)close(fd);
        if (!ok)
                (void)unlink(part);
        return ok;
}

static bool sync_dir(const char *path)
{
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        bool ok = fd >= 0 && fsync(fd) == 0;

        if (fd >= 0)
                (void)close(fd);
        return ok;
}

/* Under its name only when it is whole, read back and on disk. */
static bool make_one(struct schedule *s, struct err *err)
{
        const char *folder = s->node->conf->backup_dir;
        char *part = file_join(folder, PART), *path = NULL, name[128];
        struct vault_backup_info info;
        bool ok = part && write_one(s, part, &info, err);

        if (ok) {
                (void)snprintf(name, sizeof(name), "%s%010llu.backup", s->prefix,
                               (unsigned long long)info.epoch);
                path = file_join(folder, name);
                ok = path && ((rename(part, path) == 0 && sync_dir(folder)) ||
                              err_set_errno(err, ERR_FILE, errno, "'%s' cannot be named", path));
        }
        if (ok)
                log_info("backup '%s' is made and read back: epoch %llu, %llu records", path,
                         (unsigned long long)info.epoch, (unsigned long long)info.records);
        free(part);
        free(path);
        return ok;
}

/* The alarm is a line of level error each time, and the metric chsm_backup_failing. */
static void attempt(struct schedule *s)
{
        struct err err = ERR_INIT;
        int64_t interval = s->node->conf->backup_interval_s;
        bool ok = make_one(s, &err);

        if (ok)
                drop_old(s);
        else
                log_error("the scheduled backup failed: %s", err.detail);
        pthread_mutex_lock(&s->lock);
        s->state.failing = !ok;
        s->state.made += ok;
        s->state.failed += !ok;
        if (ok)
                s->state.last_s = now_s();
        s->due_s = now_s() + (ok || interval < RETRY_S ? interval : RETRY_S);
        pthread_mutex_unlock(&s->lock);
}

/* A clock set back does not put a backup off by more than the interval. */
static bool is_due(const struct schedule *s)
{
        int64_t now = now_s();

        return now >= s->due_s || s->due_s - now > s->node->conf->backup_interval_s;
}

static void look(void *arg)
{
        struct schedule *s = arg;

        if (is_due(s) && vault_state(s->node->vault) == VAULT_ACTIVATED &&
            vault_region_role(s->node->vault) != VAULT_FOLLOWER) /* the primary makes them */
                attempt(s);
}

struct schedule *schedule_open(struct node *n, struct err *err)
{
        const struct server_conf *c = n->conf;
        struct schedule *s;
        struct buf id = BUF_INIT;
        const char *text;

        if (!c->backup_dir || !c->backup_dir[0] || !file_make_dir(c->backup_dir, 0700, err))
                return NULL;
        s = calloc(1, sizeof(*s));
        buf_put_hex(&id, vault_partition_id(n->vault));
        text = buf_text(&id);
        if (s && text) {
                s->node = n;
                (void)snprintf(s->prefix, sizeof(s->prefix), "chsm-%.16s-", text);
                s->state.last_s = newest_s(s);
                s->due_s = s->state.last_s ? s->state.last_s + c->backup_interval_s : 0;
                pthread_mutex_init(&s->lock, NULL);
        }
        buf_clear(&id);
        if (!s) {
                err_set(err, ERR_MEMORY, "no memory for scheduled backups");
                return NULL;
        }
        s->ticker = ticker_start("for backups", LOOK_MS, look, s, err);
        if (!s->ticker)
                schedule_close(&s);
        return s;
}

void schedule_close(struct schedule **sp)
{
        struct schedule *s = *sp;

        *sp = NULL;
        if (!s)
                return;
        ticker_stop(&s->ticker);
        pthread_mutex_destroy(&s->lock);
        free(s);
}

void schedule_state(struct schedule *s, struct schedule_state *out)
{
        pthread_mutex_lock(&s->lock);
        *out = s->state;
        pthread_mutex_unlock(&s->lock);
}

bool schedule_verify(const char *path, struct err *err)
{
        struct crypto *crypto = crypto_new(NULL, err);
        struct vault_backup_header h = { .owner = BUF_INIT, .certificate = BUF_INIT, .wrapped = BUF_INIT };
        struct vault_backup_summary s;
        int fd = crypto ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        bool ok = fd >= 0;

        if (crypto && !ok)
                err_set_errno(err, ERR_FILE, errno, "'%s' cannot be opened", path);
        ok = ok && vault_backup_header_read(crypto, fd, &h, err) &&
             vault_backup_read(crypto, fd, &h, NULL, NULL, NULL, &s, err);
        if (ok)
                printf("%s of partition %s, epoch %llu, by node %s: whole, signed by the partition\n"
                       "users: %zu, keys: %zu\n",
                       h.manifest_only ? "manifest" : "backup", h.serial, (unsigned long long)h.epoch, h.node,
                       h.manifest.user_count, h.manifest.key_count);
        vault_backup_header_clear(&h);
        if (fd >= 0)
                (void)close(fd);
        crypto_free(&crypto);
        return ok;
}
