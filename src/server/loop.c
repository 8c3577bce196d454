#include "server/loop.h"
#include "base/log.h"
#include "server/loop_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS       64
#define SPARES_MAX   64
#define HANDSHAKE_MS 10000
#define STOP_MS      5000
#define ARENA_BLOCK  (64 * 1024)
#define ARENA_LIMIT  ((size_t)48 * 1024 * 1024)

int64_t loop_now(void)
{
        struct clock clock = clock_system();

        return clock_mono_ms(&clock);
}

void loop_wake(struct loop *l)
{
        const uint64_t one = 1;

        (void)!write(l->wake, &one, sizeof(one));
}

/* ---- jobs ---- */

struct request_job *loop_job(struct loop *l)
{
        struct request_job *r = l->spare;

        if (r) {
                l->spare = r->next;
                l->spares--;
                r->next = NULL;
                r->ticket_valid = false;
                return r;
        }
        r = calloc(1, sizeof(*r));
        if (r) {
                r->loop = l;
                r->answer = BUF_INIT;
                r->arena = arena_new(16 * 1024, ARENA_LIMIT);
                if (!r->arena) {
                        free(r);
                        r = NULL;
                }
        }
        return r;
}

void loop_job_free(struct loop *l, struct request_job *r)
{
        arena_reset(r->arena);
        if (r->answer.p)
                sec_wipe(r->answer.p, r->answer.n);
        buf_reset(&r->answer);
        if (l->spares < SPARES_MAX) {
                r->next = l->spare;
                l->spare = r;
                l->spares++;
                return;
        }
        buf_clear(&r->answer);
        arena_free(&r->arena);
        free(r);
}

/* ---- accepting ---- */

static void hand_over(struct loop *to, int fd)
{
        bool ok = true;

        pthread_mutex_lock(&to->lock);
        if (to->inbox_n == to->inbox_cap) {
                int *more = realloc(to->inbox, (to->inbox_cap + 64) * sizeof(int));
                ok = more != NULL;
                if (ok) {
                        to->inbox = more;
                        to->inbox_cap += 64;
                }
        }
        if (ok)
                to->inbox[to->inbox_n++] = fd;
        pthread_mutex_unlock(&to->lock);
        if (ok) {
                loop_wake(to);
        } else {
                (void)close(fd);
                atomic_fetch_sub(&to->server->connections, 1);
        }
}

static void accept_all(struct loop *l)
{
        struct server *s = l->server;
        size_t most = (size_t)s->node->conf->max_connections;

        for (int i = 0; i < EVENTS; i++) {
                int fd = accept4(l->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

                if (fd < 0)
                        return;
                if (atomic_fetch_add(&s->connections, 1) >= most) {
                        log_warning(
                            "a connection was closed at once: there are %zu already (max_connections)", most);
                        atomic_fetch_sub(&s->connections, 1);
                        atomic_fetch_add(&s->refused, 1);
                        (void)close(fd);
                        continue;
                }
                atomic_fetch_add(&s->accepted, 1);
                hand_over(s->loops[l->next_loop++ % s->loop_count], fd);
        }
}

/* ---- running ---- */

static void take_in(struct loop *l)
{
        uint64_t count;
        struct request_job *done;
        int *inbox;
        size_t n;

        (void)!read(l->wake, &count, sizeof(count));
        pthread_mutex_lock(&l->lock);
        done = l->done;
        l->done = NULL;
        inbox = l->inbox;
        n = l->inbox_n;
        l->inbox = NULL;
        l->inbox_n = l->inbox_cap = 0;
        pthread_mutex_unlock(&l->lock);
        for (size_t i = 0; i < n; i++)
                conn_open(l, inbox[i]);
        free(inbox);
        while (done) {
                struct request_job *r = done;
                done = r->next;
                conn_done(r);
                loop_job_free(l, r);
        }
}

/* One more turn for each connection that has frames left; those with still more queue up again. */
static void each_again(struct loop *l)
{
        struct conn *c, *last = TAILQ_LAST(&l->again, conn_list);

        do {
                c = TAILQ_FIRST(&l->again);
                conn_again(c, false);
                conn_step(c);
        } while (c != last);
}

static void sweep(struct loop *l, int64_t now)
{
        int64_t idle = l->server->node->conf->idle_timeout_s * 1000;

        for (struct conn *c = l->conns, *next; c; c = next) {
                next = c->next;
                if (c->closing)
                        continue;
                if (c->shaking && now - c->since_ms > HANDSHAKE_MS) {
                        log_info("a connection did not finish its handshake in %d s", HANDSHAKE_MS / 1000);
                        conn_close(c);
                } else if (idle && !c->shaking && !c->in_flight && now - c->since_ms > idle) {
                        conn_close(c);
                }
        }
}

/* True when the loop may end. */
static bool stop(struct loop *l, int64_t now, int64_t *since)
{
        if (*since == 0) {
                *since = now;
                if (l->listener >= 0)
                        (void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, l->listener, NULL);
        }
        for (struct conn *c = l->conns, *next; c; c = next) {
                next = c->next;
                if (!c->closing && ((c->in_flight == 0 && c->out_at == c->out.n) || now - *since > STOP_MS))
                        conn_close(c);
        }
        return l->conns == NULL;
}

static void *run(void *arg)
{
        struct loop *l = arg;
        struct epoll_event events[EVENTS];
        int64_t swept = loop_now(), stopping = 0;

        for (;;) {
                int n = epoll_wait(l->epoll, events, EVENTS,
                                   !TAILQ_EMPTY(&l->again) ? 0
                                   : stopping              ? 20
                                                           : 1000);
                bool woken = false;
                int64_t now;

                /* A connection freed by one event is not among the others: each stands once. */
                for (int i = 0; i < n; i++) {
                        if (events[i].data.ptr == l)
                                woken = true;
                        else if (events[i].data.ptr == &l->listener)
                                accept_all(l);
                        else
                                conn_step(events[i].data.ptr);
                }
                if (woken)
                        take_in(l);
                if (!TAILQ_EMPTY(&l->again))
                        each_again(l);
                now = loop_now();
                if (now - swept >= 1000) {
                        sweep(l, now);
                        swept = now;
                }
                if (atomic_load(&l->server->stopping) && stop(l, now, &stopping))
                        return NULL;
        }
}

static bool watch(struct loop *l, int fd, void *what)
{
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = what };

        return epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

struct loop *loop_new(struct server *s, int listen_fd, struct err *err)
{
        struct loop *l = calloc(1, sizeof(*l));

        if (!l) {
                err_set(err, ERR_MEMORY, "no memory for an event loop");
                return NULL;
        }
        l->server = s;
        l->listener = listen_fd;
        TAILQ_INIT(&l->again);
        pthread_mutex_init(&l->lock, NULL);
        l->epoll = epoll_create1(EPOLL_CLOEXEC);
        l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        l->arena = arena_new(ARENA_BLOCK, ARENA_LIMIT);
        if (l->epoll < 0 || l->wake < 0 || !l->arena || !watch(l, l->wake, l) ||
            (listen_fd >= 0 && !watch(l, listen_fd, &l->listener))) {
                err_set_errno(err, ERR_IO, errno, "an event loop cannot be made");
                loop_join(&l);
                return NULL;
        }
        return l;
}

bool loop_start(struct loop *l, struct err *err)
{
        l->started = pthread_create(&l->thread, NULL, run, l) == 0;
        return l->started || err_set(err, ERR_MEMORY, "an event loop's thread cannot be started");
}

void loop_join(struct loop **lp)
{
        struct loop *l = *lp;

        *lp = NULL;
        if (!l)
                return;
        if (l->started)
                pthread_join(l->thread, NULL);
        while (l->spare) {
                struct request_job *r = l->spare;
                l->spare = r->next;
                buf_clear(&r->answer);
                arena_free(&r->arena);
                free(r);
        }
        for (size_t i = 0; i < l->inbox_n; i++)
                (void)close(l->inbox[i]);
        free(l->inbox);
        arena_free(&l->arena);
        if (l->epoll >= 0)
                (void)close(l->epoll);
        if (l->wake >= 0)
                (void)close(l->wake);
        pthread_mutex_destroy(&l->lock);
        free(l);
}
