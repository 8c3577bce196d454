#include "vault/spool.h"
#include "vault/backup.h"

#include <stdlib.h>
#include <unistd.h>

#define PLACES  16
#define SHARE   2 /* of one user: his oldest makes room for his next */
#define LIFE_MS (10 * 60 * 1000)

struct place {
        uint64_t stream; /* 0: free */
        int fd;
        bool taken;
        uint32_t user;
        uint8_t context[VAULT_CONTEXT_SIZE];
        int64_t touched_ms;
};

struct vault_spools {
        pthread_mutex_t lock;
        uint64_t next;
        struct place places[PLACES];
};

bool vault_spools_open(struct vault *v, struct err *err)
{
        v->spools = calloc(1, sizeof(*v->spools));
        if (!v->spools)
                return err_set(err, ERR_MEMORY, "no memory for backups");
        pthread_mutex_init(&v->spools->lock, NULL);
        return true;
}

static void give_up(struct place *p)
{
        if (p->stream)
                (void)close(p->fd);
        *p = (struct place){ .stream = 0 };
}

void vault_spools_close(struct vault *v)
{
        if (!v->spools)
                return;
        for (size_t i = 0; i < PLACES; i++)
                give_up(&v->spools->places[i]);
        pthread_mutex_destroy(&v->spools->lock);
        free(v->spools);
        v->spools = NULL;
}

/* The lock is held. False: the user has his share, and all of it is being worked on. */
static bool share_keep(struct vault_spools *s, uint32_t user)
{
        struct place *oldest = NULL;
        unsigned count = 0;

        for (size_t i = 0; i < PLACES; i++) {
                struct place *p = &s->places[i];

                if (!p->stream || p->user != user)
                        continue;
                count++;
                if (!p->taken && (!oldest || p->stream < oldest->stream))
                        oldest = p;
        }
        if (count >= SHARE && oldest)
                give_up(oldest);
        return count < SHARE || oldest;
}

/* The lock is held. */
static struct place *free_place(struct vault *v, uint32_t user, int64_t now)
{
        struct vault_spools *s = v->spools;

        if (!share_keep(s, user))
                return NULL;
        for (size_t i = 0; i < PLACES; i++) {
                if (!s->places[i].taken && s->places[i].stream && s->places[i].touched_ms + LIFE_MS < now)
                        give_up(&s->places[i]);
        }
        for (size_t i = 0; i < PLACES; i++) {
                if (!s->places[i].stream)
                        return &s->places[i];
        }
        return NULL;
}

uint64_t vault_spool_new(struct vault_call *call, int *fd)
{
        struct vault *v = call->vault;
        struct place *p;
        uint64_t stream = 0;

        if (!v->deps.host.scratch) {
                err_set(&call->err, ERR_UNSUPPORTED, "this node has no room for backups");
                return 0;
        }
        if (!v->deps.host.scratch(v->deps.host.arg, fd, &call->err))
                return 0;
        pthread_mutex_lock(&v->spools->lock);
        p = free_place(v, call->login.user_id, clock_mono_ms(&v->deps.clock));
        if (p) {
                stream = ++v->spools->next;
                *p =
                    (struct place){ .stream = stream, .fd = *fd, .taken = true, .user = call->login.user_id };
                memcpy(p->context, call->context, sizeof(p->context));
        }
        pthread_mutex_unlock(&v->spools->lock);
        if (!p) {
                (void)close(*fd);
                err_set(
                    &call->err, ERR_RETRY,
                    "%d backups are on their way already, or %d of this user are being made; try again later",
                    PLACES, SHARE);
        }
        return stream;
}

int vault_spool_take(struct vault_call *call, uint64_t stream)
{
        struct vault_spools *s = call->vault->spools;
        int fd = -1;

        pthread_mutex_lock(&s->lock);
        for (size_t i = 0; stream && i < PLACES; i++) {
                struct place *p = &s->places[i];

                if (p->stream == stream && !p->taken && p->user == call->login.user_id &&
                    memcmp(p->context, call->context, sizeof(p->context)) == 0) {
                        p->taken = true;
                        fd = p->fd;
                }
        }
        pthread_mutex_unlock(&s->lock);
        if (fd < 0)
                err_set(&call->err, ERR_OPERATION_MISSING,
                        "this login has no backup %llu under way; begin anew", (unsigned long long)stream);
        return fd;
}

void vault_spool_done(struct vault_call *call, uint64_t stream, bool keep)
{
        struct vault_spools *s = call->vault->spools;

        pthread_mutex_lock(&s->lock);
        for (size_t i = 0; stream && i < PLACES; i++) {
                struct place *p = &s->places[i];

                if (p->stream != stream)
                        continue;
                p->taken = false;
                p->touched_ms = clock_mono_ms(&call->vault->deps.clock);
                if (!keep)
                        give_up(p);
        }
        pthread_mutex_unlock(&s->lock);
}
