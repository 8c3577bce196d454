#include "daemon/relay.h"
#include "base/log.h"
#include "base/sec.h"
#include "client/pool.h"
#include "wire/frame.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#define EVENTS        64
#define FDS_MAX       (2 + CLIENT_POOL_MOST) /* epoll, wake, and the pool's */
#define TELL_PART     20                     /* of a deadline, to tell that it is over */
#define IN_FLIGHT_MAX 256
#define OUT_MAX       ((size_t)8 * 1024 * 1024)
#define HELD_MAX      ((size_t)8 * 1024 * 1024) /* bytes of requests that are under way */

struct app {
        struct app *next, *prev;
        LIST_ENTRY(app) due;
        bool is_due; /* stands in the relay's list */
        struct relay *relay;
        struct wire_conn *wire;
        struct wire_reader *reader;
        struct buf out;
        size_t out_at;
        struct pending *pending;
        unsigned in_flight;
        size_t held; /* bytes of those */
        uint32_t interest;
        uid_t uid;
        bool wants_write, stuck; /* stuck: frames wait in the reader for room */
};

/* A request that a node has not answered yet. */
struct pending {
        struct pending *next, *prev;
        struct app *app;
        uint64_t ticket;
        uint64_t id; /* as the application chose it */
        size_t n;    /* bytes */
};

struct relay {
        struct relay_shared *shared;
        struct client_pool *pool;
        pthread_t thread;
        bool started;
        unsigned told; /* how often it told of its nodes */
        int epoll, wake;
        struct app *apps;
        LIST_HEAD(, app) due; /* those that were answered since the last turn */
        pthread_mutex_t lock; /* the inbox */
        int *inbox;
        size_t inbox_n, inbox_cap;
        struct buf asking; /* a request with another revision; wiped after each */
};

/* ---- how many connections each system user has ---- */

size_t relay_user_count(uid_t uid, int change)
{
        static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
        static struct {
                uid_t uid;
                size_t n;
        } * users;
        static size_t count, cap;
        size_t i, n = 0;

        pthread_mutex_lock(&lock);
        for (i = 0; i < count && users[i].uid != uid; i++)
                ;
        if (i == count && change > 0 && count == cap) {
                void *more = realloc(users, (cap + 16) * sizeof(*users));
                if (more) {
                        users = more;
                        cap += 16;
                }
        }
        if (i == count && change > 0 && count < cap) {
                users[count].uid = uid;
                users[count++].n = 0;
        }
        if (i < count) {
                users[i].n = (size_t)((long)users[i].n + change);
                n = users[i].n;
                if (n == 0)
                        users[i] = users[--count];
        }
        if (count == 0) {
                free(users);
                users = NULL;
                cap = 0;
        }
        pthread_mutex_unlock(&lock);
        return n;
}

/* ---- applications ---- */

static void pending_unlink(struct pending *p)
{
        struct app *a = p->app;

        if (p->prev)
                p->prev->next = p->next;
        else
                a->pending = p->next;
        if (p->next)
                p->next->prev = p->prev;
        a->in_flight--;
        a->held -= p->n;
}

static void due_add(struct app *a)
{
        if (!a->is_due)
                LIST_INSERT_HEAD(&a->relay->due, a, due);
        a->is_due = true;
}

static void due_remove(struct app *a)
{
        if (a->is_due)
                LIST_REMOVE(a, due);
        a->is_due = false;
}

static void app_close(struct app *a)
{
        struct relay *r = a->relay;

        due_remove(a);
        while (a->pending) {
                struct pending *p = a->pending;
                client_pool_cancel(r->pool, p->ticket);
                pending_unlink(p);
                free(p);
        }
        if (a->prev)
                a->prev->next = a->next;
        else
                r->apps = a->next;
        if (a->next)
                a->next->prev = a->prev;
        (void)epoll_ctl(r->epoll, EPOLL_CTL_DEL, a->wire->fd, NULL);
        a->wire->ops->close(a->wire);
        wire_reader_free(&a->reader);
        if (a->out.p)
                sec_wipe(a->out.p, a->out.n);
        buf_clear(&a->out);
        (void)relay_user_count(a->uid, -1);
        atomic_fetch_sub(&r->shared->connections, 1);
        free(a);
}

static void app_open(struct relay *r, int fd)
{
        struct err err = ERR_INIT;
        struct app *a = calloc(1, sizeof(*a));
        struct wire_conn *wire = wire_unix_accept(fd, &err);
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = a };
        gid_t gid;
        pid_t pid;

        if (a && wire) {
                a->relay = r;
                a->wire = wire;
                a->out = BUF_INIT;
                a->interest = EPOLLIN;
                a->reader = wire_reader_new((size_t)r->shared->conf->max_frame);
                (void)wire_unix_peer(wire, &a->uid, &gid, &pid);
        }
        if (!a || !wire || !a->reader || epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
                log_error("an application's connection could not be taken: no memory");
                if (wire)
                        wire->ops->close(wire);
                if (a)
                        wire_reader_free(&a->reader);
                free(a);
                atomic_fetch_sub(&r->shared->connections, 1);
                return;
        }
        a->next = r->apps;
        if (r->apps)
                r->apps->prev = a;
        r->apps = a;
}

/* False: the application is gone. */
static bool app_flush(struct app *a)
{
        struct err err = ERR_INIT;

        a->wants_write = false;
        while (a->out_at < a->out.n) {
                size_t n = 0;
                enum wire_io io =
                    a->wire->ops->write(a->wire, a->out.p + a->out_at, a->out.n - a->out_at, &n, &err);

                if (io == WIRE_IO_WANT_WRITE) {
                        a->wants_write = true;
                        return true;
                }
                if (io != WIRE_IO_OK)
                        return false;
                a->out_at += n;
        }
        if (a->out.n > 64 * 1024)
                buf_clear(&a->out);
        else
                buf_reset(&a->out);
        a->out_at = 0;
        return true;
}

static bool answer_error(struct app *a, uint64_t id, const struct err *err)
{
        Chsm__Response r = CHSM__RESPONSE__INIT;
        struct err copy = *err;

        r.id = id;
        r.status = err_ckr(err);
        r.reason = (uint32_t)err->id;
        r.detail = copy.detail;
        return wire_response_encode(&r, &a->out);
}

static void revision_note(struct relay_shared *shared, int64_t revision)
{
        int64_t most = atomic_load(&shared->revision);

        while (revision > most && !atomic_compare_exchange_weak(&shared->revision, &most, revision))
                ;
}

/* The request as it came, or a copy that wants to see what other applications have been told of. No request
 * outgrows a limit of the node's by it: one that just fits goes as it is. */
static struct slice revision_ask(struct relay *r, struct slice frame)
{
        int64_t revision = atomic_load(&r->shared->revision);
        size_t limit = frame.n <= WIRE_LIMIT_LOGIN ? WIRE_LIMIT_LOGIN : (size_t)r->shared->conf->max_frame;

        if (wire_frame_min_revision(frame) >= revision)
                return frame;
        buf_reset(&r->asking);
        buf_put_slice(&r->asking, frame);
        wire_frame_put_min_revision(&r->asking, revision);
        return buf_ok(&r->asking) && r->asking.n <= limit ? buf_slice(&r->asking) : frame;
}

/* An answer from a node, or word that there is none. The relay's loop sends what lies ready afterwards. */
static void replied(void *arg, uint8_t *frame, size_t n, const struct err *err)
{
        struct pending *p = arg;
        struct app *a = p->app;

        if (frame) {
                revision_note(a->relay->shared, wire_frame_revision(slice_of(frame, n)));
                buf_put_u32(&a->out, (uint32_t)n);
                buf_put(&a->out, frame, n);
        } else {
                (void)answer_error(a, p->id, err);
        }
        pending_unlink(p);
        free(p);
        a->wants_write = true;
        due_add(a);
}

/* As long as the application waits, less what it takes to tell it why there is no answer. */
static int deadline_of(const struct relay *r, struct slice frame)
{
        int64_t most = r->shared->conf->deadline_s * 1000, asked = wire_frame_deadline_ms(frame);

        asked -= asked / TELL_PART;
        return (int)(asked > 0 && asked < most ? asked : most);
}

static bool relay_frame(struct app *a, struct slice frame)
{
        struct relay *r = a->relay;
        struct err err = ERR_INIT;
        struct pending *p = calloc(1, sizeof(*p));
        uint64_t id;

        if (!p || !wire_frame_id(frame, &id)) {
                log_info("an application of user %u sent what is no request", (unsigned)a->uid);
                free(p);
                return false;
        }
        p->app = a;
        p->id = id;
        p->n = frame.n;
        p->ticket =
            client_pool_submit(r->pool, revision_ask(r, frame), id, deadline_of(r, frame), replied, p, &err);
        if (r->asking.p)
                sec_wipe(r->asking.p, r->asking.n); /* passwords and plain text go by here */
        if (!p->ticket) {
                free(p);
                return answer_error(a, id, &err);
        }
        p->next = a->pending;
        if (a->pending)
                a->pending->prev = p;
        a->pending = p;
        a->in_flight++;
        a->held += p->n;
        return true;
}

static bool has_room(const struct app *a)
{
        return a->in_flight < IN_FLIGHT_MAX && a->held < HELD_MAX && a->out.n - a->out_at <= OUT_MAX;
}

/* False: the connection is over. */
static bool app_read(struct app *a)
{
        struct err err = ERR_INIT;
        size_t got = 0;

        while (has_room(a)) {
                uint8_t *frame, *space;
                size_t n, room;
                enum wire_io io;

                switch (wire_reader_next(a->reader, &frame, &n, &err)) {
                case WIRE_FRAME:
                        if (!relay_frame(a, slice_of(frame, n)))
                                return false;
                        continue;
                case WIRE_BAD:
                        log_info("an application of user %u sent a bad frame: %s", (unsigned)a->uid,
                                 err.detail);
                        return false;
                default:
                        break;
                }
                a->stuck = false;
                if (got)
                        return true; /* most likely there is nothing; the descriptor would tell */
                space = wire_reader_space(a->reader, &room);
                io = space ? a->wire->ops->read(a->wire, space, room, &got, &err) : WIRE_IO_FAILED;
                if (io == WIRE_IO_WANT_READ)
                        return true;
                if (io != WIRE_IO_OK)
                        return false;
                wire_reader_filled(a->reader, got);
        }
        a->stuck = true;
        return true;
}

static void app_step(struct app *a)
{
        struct epoll_event event;

        do {
                if (!app_read(a) || !app_flush(a)) {
                        app_close(a);
                        return;
                }
        } while (a->stuck && has_room(a)); /* what was sent made room */
        event = (struct epoll_event){ .events = (has_room(a) ? (uint32_t)EPOLLIN : 0) |
                                                (a->wants_write ? (uint32_t)EPOLLOUT : 0),
                                      .data.ptr = a };
        if (event.events != a->interest &&
            epoll_ctl(a->relay->epoll, EPOLL_CTL_MOD, a->wire->fd, &event) == 0)
                a->interest = event.events;
}

/* ---- the thread ---- */

static void take_in(struct relay *r)
{
        uint64_t count;
        int *inbox;
        size_t n;

        (void)!read(r->wake, &count, sizeof(count));
        pthread_mutex_lock(&r->lock);
        inbox = r->inbox;
        n = r->inbox_n;
        r->inbox = NULL;
        r->inbox_n = r->inbox_cap = 0;
        pthread_mutex_unlock(&r->lock);
        for (size_t i = 0; i < n; i++)
                app_open(r, inbox[i]);
        free(inbox);
}

static void apps_events(struct relay *r)
{
        struct epoll_event events[EVENTS];
        int n = epoll_wait(r->epoll, events, EVENTS, 0);

        for (int i = 0; i < n; i++)
                app_step(events[i].data.ptr);
}

/* Answers that came with the pool's step go out, and waiting frames move on. Applications that are silent
 * cost nothing here, however many there are. */
static void apps_answers(struct relay *r)
{
        struct app *a;

        while ((a = LIST_FIRST(&r->due))) {
                due_remove(a);
                if (!(a->interest & EPOLLOUT) || (a->stuck && has_room(a)))
                        app_step(a);
        }
}

/* A line a node, when somebody asked. */
static void nodes_tell(struct relay *r)
{
        struct client_pool_node nodes[CLIENT_POOL_MOST];
        size_t n;

        if (r->told == atomic_load(&r->shared->asked))
                return;
        r->told = atomic_load(&r->shared->asked);
        n = client_pool_nodes(r->pool, nodes, CLIENT_POOL_MOST);
        for (size_t i = 0; i < n; i++) {
                const struct client_pool_node *c = &nodes[i];

                log_info(
                    "node %u at %s port %u zone %s: %s%s, %zu requests, latency %.3f ms, share %u %%, %s%s%s",
                    c->number, c->host, (unsigned)c->port, c->zone[0] ? c->zone : "-",
                    c->connected ? "connected" : "out of reach", c->connected && c->rests ? ", resting" : "",
                    c->in_flight, (double)c->latency_us / 1000, c->share,
                    c->learned ? "learned" : "configured", c->connected || !c->trouble[0] ? "" : ": ",
                    c->connected ? "" : c->trouble);
        }
}

static void *run(void *arg)
{
        struct relay *r = arg;

        while (!atomic_load(&r->shared->stopping)) {
                struct pollfd fds[FDS_MAX] = { { .fd = r->epoll, .events = POLLIN },
                                               { .fd = r->wake, .events = POLLIN } };
                int timeout, ready;
                size_t n = client_pool_fds(r->pool, fds + 2, FDS_MAX - 2, &timeout);

                ready = poll(fds, n + 2, timeout);
                if (ready > 0 && fds[1].revents)
                        take_in(r);
                if (ready > 0 && fds[0].revents)
                        apps_events(r);
                client_pool_step(r->pool, fds + 2, n);
                apps_answers(r);
                nodes_tell(r);
                client_pool_flush(r->pool); /* what those steps have read goes out before the next sleep */
        }
        while (r->apps)
                app_close(r->apps);
        return NULL;
}

static void node_notice(const char *host, uint16_t port, const struct err *why)
{
        if (why)
                log_warning("node %s port %u is out of reach: %s", host, (unsigned)port, why->detail);
        else
                log_info("node %s port %u is back", host, (unsigned)port);
}

struct relay *relay_new(struct relay_shared *shared, struct err *err)
{
        struct client_pool_config config = { .options = shared->options,
                                             .clock = clock_system(),
                                             .zone = shared->conf->zone,
                                             .learn = shared->conf->learn_nodes,
                                             .notice = node_notice };
        struct relay *r = calloc(1, sizeof(*r));

        if (!r) {
                err_set(err, ERR_MEMORY, "no memory for a relay");
                return NULL;
        }
        r->shared = shared;
        r->asking = BUF_INIT;
        pthread_mutex_init(&r->lock, NULL);
        r->epoll = epoll_create1(EPOLL_CLOEXEC);
        r->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (chsm_local_random(config.context, sizeof(config.context)))
                r->pool = client_pool_new(&config, err);
        if (r->pool)
                client_pool_connect(r->pool);
        r->started =
            r->epoll >= 0 && r->wake >= 0 && r->pool && pthread_create(&r->thread, NULL, run, r) == 0;
        if (!r->started) {
                if (!err->id)
                        err_set_errno(err, ERR_IO, errno, "a relay cannot be started");
                relay_free(&r);
        }
        return r;
}

void relay_take(struct relay *r, int fd)
{
        bool ok = true;

        pthread_mutex_lock(&r->lock);
        if (r->inbox_n == r->inbox_cap) {
                int *more = realloc(r->inbox, (r->inbox_cap + 16) * sizeof(int));
                ok = more != NULL;
                if (ok) {
                        r->inbox = more;
                        r->inbox_cap += 16;
                }
        }
        if (ok)
                r->inbox[r->inbox_n++] = fd;
        pthread_mutex_unlock(&r->lock);
        if (ok) {
                relay_wake(r);
        } else {
                (void)close(fd);
                atomic_fetch_sub(&r->shared->connections, 1);
        }
}

void relay_wake(struct relay *r)
{
        const uint64_t one = 1;

        (void)!write(r->wake, &one, sizeof(one));
}

void relay_free(struct relay **rp)
{
        struct relay *r = *rp;

        *rp = NULL;
        if (!r)
                return;
        if (r->started) {
                relay_wake(r);
                pthread_join(r->thread, NULL);
        }
        client_pool_free(&r->pool);
        buf_clear(&r->asking);
        for (size_t i = 0; i < r->inbox_n; i++)
                (void)close(r->inbox[i]);
        free(r->inbox);
        if (r->epoll >= 0)
                (void)close(r->epoll);
        if (r->wake >= 0)
                (void)close(r->wake);
        pthread_mutex_destroy(&r->lock);
        free(r);
}
