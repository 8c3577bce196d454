/* One connection: handshake, frames in, requests to the vault, answers out. */
#include "base/log.h"
#include "server/loop_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define IN_FLIGHT_MAX 256
#define OUT_MAX       ((size_t)4 * 1024 * 1024)
#define HELD_MAX      ((size_t)8 * 1024 * 1024) /* bytes of requests that wait for a thread */
#define BURST         64                        /* frames handled before others get their turn */

static void conn_free(struct conn *c)
{
        struct loop *l = c->loop;

        if (c->prev)
                c->prev->next = c->next;
        else
                l->conns = c->next;
        if (c->next)
                c->next->prev = c->prev;
        wire_reader_free(&c->reader);
        if (c->out.p)
                sec_wipe(c->out.p, c->out.n);
        buf_clear(&c->out);
        free(c);
        atomic_fetch_sub(&l->server->connections, 1);
}

void conn_again(struct conn *c, bool again)
{
        if (again && !c->is_again)
                TAILQ_INSERT_TAIL(&c->loop->again, c, again);
        else if (!again && c->is_again)
                TAILQ_REMOVE(&c->loop->again, c, again);
        c->is_again = again;
}

void conn_close(struct conn *c)
{
        conn_again(c, false);
        if (c->wire) {
                (void)epoll_ctl(c->loop->epoll, EPOLL_CTL_DEL, c->wire->fd, NULL);
                c->wire->ops->close(c->wire);
                c->wire = NULL;
        }
        c->closing = true;
        if (c->in_flight == 0)
                conn_free(c);
}

void conn_open(struct loop *l, int fd)
{
        struct err err = ERR_INIT;
        struct tls_context *tls = node_tls(l->server->node, &err);
        struct conn *c = calloc(1, sizeof(*c));
        struct epoll_event event = { .events = EPOLLIN };

        if (c && tls) {
                c->wire = tls_accept(tls, fd, &err);
                c->reader = wire_reader_new(WIRE_LIMIT_LOGIN);
        } else {
                (void)close(fd);
        }
        tls_context_free(&tls);
        event.data.ptr = c;
        if (!c || !c->wire || !c->reader || epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
                log_warning("a connection could not be taken: %s", err.id ? err.detail : "no memory");
                if (c && c->wire)
                        c->wire->ops->close(c->wire);
                if (c)
                        wire_reader_free(&c->reader);
                free(c);
                atomic_fetch_sub(&l->server->connections, 1);
                return;
        }
        c->loop = l;
        c->out = BUF_INIT;
        c->shaking = true;
        c->interest = EPOLLIN;
        c->since_ms = loop_now();
        c->next = l->conns;
        if (l->conns)
                l->conns->prev = c;
        l->conns = c;
}

static bool out_full(const struct conn *c)
{
        return c->out.n - c->out_at > OUT_MAX;
}

static bool jobs_full(const struct conn *c)
{
        return c->in_flight >= IN_FLIGHT_MAX || c->held >= HELD_MAX;
}

static void interest_set(struct conn *c)
{
        bool full = jobs_full(c) || out_full(c) || c->loop->server->stopping;
        uint32_t wanted = (full && !c->shaking ? 0 : EPOLLIN) | (c->wants_write ? (uint32_t)EPOLLOUT : 0);
        struct epoll_event event = { .events = wanted, .data.ptr = c };

        if (wanted != c->interest && epoll_ctl(c->loop->epoll, EPOLL_CTL_MOD, c->wire->fd, &event) == 0)
                c->interest = wanted;
}

/* False: the connection is over. */
static bool handshake(struct conn *c)
{
        static const uint8_t none[WIRE_FINGERPRINT_SIZE];
        struct err err = ERR_INIT;
        char peer[WIRE_PEER_TEXT];

        c->wants_write = false;
        switch (c->wire->ops->handshake(c->wire, &err)) {
        case WIRE_IO_OK:
                break;
        case WIRE_IO_WANT_READ:
                return true;
        case WIRE_IO_WANT_WRITE:
                c->wants_write = true;
                return true;
        default:
                log_info("connection refused: %s", err.id ? err.detail : "closed during the handshake");
                atomic_fetch_add(&c->loop->server->refused, 1);
                return false;
        }
        c->shaking = false;
        c->wire->ops->fingerprint(c->wire, c->peer.certificate);
        c->peer.has_certificate = memcmp(c->peer.certificate, none, sizeof(none)) != 0;
        c->wire->ops->describe(c->wire, peer);
        (void)snprintf(c->peer.address, sizeof(c->peer.address), "%.63s", peer);
        log_debug("connection from %s", peer);
        return true;
}

static bool flush(struct conn *c)
{
        struct err err = ERR_INIT;

        c->wants_write = false;
        while (c->out_at < c->out.n) {
                size_t n = 0;

                switch (c->wire->ops->write(c->wire, c->out.p + c->out_at, c->out.n - c->out_at, &n, &err)) {
                case WIRE_IO_OK:
                        c->out_at += n;
                        break;
                case WIRE_IO_WANT_WRITE:
                        c->wants_write = true;
                        return true;
                case WIRE_IO_WANT_READ:
                        return true;
                default:
                        log_debug("%s", err.detail);
                        return false;
                }
        }
        if (c->out.n > 64 * 1024)
                buf_clear(&c->out);
        else
                buf_reset(&c->out);
        c->out_at = 0;
        return true;
}

/* ---- requests ---- */

static bool answer(struct conn *c, const Chsm__Response *r, struct buf *out)
{
        return wire_response_encode(r, out) ||
               (log_error("an answer to %s is too large", c->peer.address), false);
}

/* Larger frames only after a valid ticket was seen. */
static void raise_limit(struct conn *c, bool ticket_valid)
{
        if (!ticket_valid || c->raised)
                return;
        c->raised = true;
        wire_reader_limit(c->reader, (size_t)c->loop->server->node->conf->max_frame);
}

/* What cannot be read gets an answer when it has an id to answer to. */
static bool answer_malformed(struct conn *c, struct slice frame, const struct err *err)
{
        Chsm__Response r = CHSM__RESPONSE__INIT;
        struct err detail = *err;

        if (!wire_frame_id(frame, &r.id)) {
                log_info("%s sent what is no request: %s", c->peer.address, err->detail);
                return false;
        }
        r.status = err_ckr(err);
        r.reason = (uint32_t)err->id;
        r.detail = detail.detail;
        return answer(c, &r, &c->out);
}

static void run_job(struct job *job)
{
        struct request_job *r = (struct request_job *)job;
        struct loop *l = r->loop;
        const Chsm__Response *response =
            vault_call(l->server->node->vault, &r->conn->peer, r->request, r->arena, &r->ticket_valid);

        (void)answer(r->conn, response, &r->answer);
        arena_reset(r->arena);
        pthread_mutex_lock(&l->lock);
        r->next = l->done;
        l->done = r;
        pthread_mutex_unlock(&l->lock);
        loop_wake(l);
}

/* Decodes again into memory of the job's own, as the loop's is reused at once. */
static bool defer(struct conn *c, struct slice frame, struct pool *pool)
{
        struct request_job *r = loop_job(c->loop);
        struct err err = ERR_INIT;

        if (!r)
                return false;
        r->request = wire_request_decode(r->arena, frame, &err);
        if (!r->request) {
                loop_job_free(c->loop, r);
                return answer_malformed(c, frame, &err);
        }
        r->conn = c;
        r->n = frame.n;
        r->job.run = run_job;
        c->in_flight++;
        c->held += r->n;
        atomic_fetch_add_explicit(&c->loop->server->in_flight, 1, memory_order_relaxed);
        if (pool_submit(pool, &r->job))
                return true;
        c->in_flight--; /* the node stops: the client asks another, or again */
        c->held -= r->n;
        atomic_fetch_sub_explicit(&c->loop->server->in_flight, 1, memory_order_relaxed);
        loop_job_free(c->loop, r);
        return false;
}

/* What software the peer is; the first hello is its own, later ones are relayed for others. */
static void note_client(struct conn *c, const Chsm__Request *r)
{
        if (r->body_case == CHSM__REQUEST__BODY_HELLO && !c->peer.client[0])
                (void)snprintf(c->peer.client, sizeof(c->peer.client), "%s", r->hello->client);
}

static bool request(struct conn *c, struct slice frame)
{
        struct server *s = c->loop->server;
        struct vault *v = s->node->vault;
        struct err err = ERR_INIT;
        struct arena *arena = c->loop->arena;
        const Chsm__Request *r = wire_request_decode(arena, frame, &err);
        enum vault_cost cost = VAULT_INLINE;
        bool ok, ticket_valid = false;

        if (r)
                note_client(c, r);
        if (!r) {
                ok = answer_malformed(c, frame, &err);
        } else if ((cost = vault_cost(v, r)) == VAULT_INLINE) {
                ok = answer(c, vault_call(v, &c->peer, r, arena, &ticket_valid), &c->out);
                raise_limit(c, ticket_valid);
        } else {
                ok = defer(c, frame, cost == VAULT_COMMIT ? s->commit : s->slow);
        }
        arena_reset(arena);
        return ok;
}

static bool read_more(struct conn *c, bool *dry)
{
        struct err err = ERR_INIT;
        size_t room, n = 0;
        uint8_t *space = wire_reader_space(c->reader, &room);

        if (!space)
                return false;
        switch (c->wire->ops->read(c->wire, space, room, &n, &err)) {
        case WIRE_IO_OK:
                wire_reader_filled(c->reader, n);
                c->since_ms = loop_now();
                return true;
        case WIRE_IO_WANT_READ:
        case WIRE_IO_WANT_WRITE:
                *dry = true;
                return true;
        case WIRE_IO_CLOSED:
                return false;
        default:
                log_debug("%s", err.detail);
                return false;
        }
}

/* Handles frames until there are none, or others must have their turn, or answers pile up. *left: there may
 * be frames that no event will tell of. */
static bool read_frames(struct conn *c, bool *left)
{
        struct err err = ERR_INIT;
        bool dry = false, got = false;
        int burst = 0;

        while (!dry && !jobs_full(c) && !(*left = out_full(c))) {
                uint8_t *frame;
                size_t n;
                enum wire_next next = wire_reader_next(c->reader, &frame, &n, &err);

                if (next == WIRE_BAD) {
                        log_info("%s sent a bad frame: %s", c->peer.address, err.detail);
                        return false;
                }
                if (next == WIRE_MORE) {
                        if (got && !c->wire->ops->pending(c->wire))
                                break; /* most likely there is nothing; the descriptor would tell */
                        if (!read_more(c, &dry))
                                return false;
                        got = true;
                        continue;
                }
                if (!request(c, slice_of(frame, n)))
                        return false;
                if (++burst == BURST) {
                        *left = true;
                        break;
                }
        }
        return true;
}

void conn_step(struct conn *c)
{
        bool left = false, ok = !c->shaking || handshake(c);

        if (ok && !c->shaking)
                ok = (atomic_load(&c->loop->server->stopping) || read_frames(c, &left)) && flush(c);
        if (!ok) {
                conn_close(c);
                return;
        }
        conn_again(c, left && !out_full(c)); /* full: the event that lets more go out comes first */
        interest_set(c);
}

void conn_done(struct request_job *r)
{
        struct conn *c = r->conn;

        c->in_flight--;
        c->held -= r->n;
        atomic_fetch_sub_explicit(&c->loop->server->in_flight, 1, memory_order_relaxed);
        if (c->closing) {
                if (c->in_flight == 0)
                        conn_free(c);
                return;
        }
        raise_limit(c, r->ticket_valid);
        buf_put_slice(&c->out, buf_slice(&r->answer));
        if (buf_ok(&c->out))
                conn_step(c);
        else
                conn_close(c);
}
