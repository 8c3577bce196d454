#include "server/seen.h"
#include "base/file.h"
#include "base/log.h"

#include <stdlib.h>
#include <time.h>

#define NOTE     "seen"
#define NOTE_MAX 256

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

struct sweeper {
        struct node *node;
        pthread_t thread;
        pthread_mutex_t lock;
        pthread_cond_t wake;
        bool stopping;
};

static void *run(void *arg)
{
        struct sweeper *s = arg;

        pthread_mutex_lock(&s->lock);
        while (!s->stopping) {
                struct err err = ERR_INIT;
                struct timespec until;

                (void)clock_gettime(CLOCK_REALTIME, &until);
                until.tv_nsec += 250 * 1000000L;
                if (until.tv_nsec >= 1000000000L) {
                        until.tv_sec++;
                        until.tv_nsec -= 1000000000L;
                }
                (void)pthread_cond_timedwait(&s->wake, &s->lock, &until);
                if (s->stopping)
                        break;
                pthread_mutex_unlock(&s->lock);
                if (!vault_sweep(s->node->vault, &err))
                        log_error("memory was not compared with the store: %s", err.detail);
                pthread_mutex_lock(&s->lock);
        }
        pthread_mutex_unlock(&s->lock);
        return NULL;
}

struct sweeper *sweeper_open(struct node *n, struct err *err)
{
        struct sweeper *s = calloc(1, sizeof(*s));

        if (s) {
                s->node = n;
                pthread_mutex_init(&s->lock, NULL);
                pthread_cond_init(&s->wake, NULL);
        }
        if (!s || pthread_create(&s->thread, NULL, run, s) != 0) {
                free(s);
                err_set(err, ERR_MEMORY, "the thread that compares memory with the store cannot be started");
                return NULL;
        }
        return s;
}

void sweeper_close(struct sweeper **sp)
{
        struct sweeper *s = *sp;

        *sp = NULL;
        if (!s)
                return;
        pthread_mutex_lock(&s->lock);
        s->stopping = true;
        pthread_cond_signal(&s->wake);
        pthread_mutex_unlock(&s->lock);
        (void)pthread_join(s->thread, NULL);
        pthread_mutex_destroy(&s->lock);
        pthread_cond_destroy(&s->wake);
        free(s);
}
