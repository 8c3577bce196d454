/* One connection of the pool: dialling, hello, reading answers, writing requests. */
#include "client/pool_internal.h"
#include "base/sec.h"

#include <stdio.h>
#include <stdlib.h>

#define HELLO_ARENA   2048
#define BACK_OFF_MS   20
#define BACK_OFF_MOST 1000
#define CONNECT_MS    2000
#define REST_MS       200 /* for a node that has said: try again */

void pool_conn_close(struct pool_conn *c)
{
        if (c->conn)
                c->conn->ops->close(c->conn);
        c->conn = NULL;
        wire_reader_free(&c->reader);
        if (c->out.p)
                sec_wipe(c->out.p, c->out.cap);
        buf_reset(&c->out);
        c->out_at = 0;
        c->broken = c->elevated = c->want_write = c->doubled = false;
        c->gauge->ready = c->gauge->leaving = c->gauge->silent = false;
        c->gauge->in_flight = 0;
        c->gauge->latency_us = 0;
        c->hello_id = c->elevates = 0;
        c->state = POOL_DOWN;
}

void pool_conn_break(struct pool_conn *c)
{
        c->broken = true;
        c->gauge->ready = false;
}

void pool_conn_down(struct client_pool *pool, struct pool_conn *c, const struct err *why)
{
        int64_t wait = 0;

        if (pool->config.notice && !c->leaves &&
            (c->failures == 0 || strcmp(c->trouble.detail, why->detail) != 0))
                pool->config.notice(c->host, c->port, why);
        c->trouble = *why;
        pool_conn_close(c);
        if (c->failures) {
                uint32_t jitter = 0;

                wait = c->failures < 7 ? BACK_OFF_MS << (c->failures - 1) : BACK_OFF_MOST;
                (void)chsm_local_random(&jitter, sizeof(jitter));
                wait = wait / 2 + jitter % (wait / 2 + 1);
        }
        c->failures++;
        c->retry_at = pool_now(pool) + wait;
        for (size_t i = 0; i < pool->slot_count; i++) {
                struct pool_request *r = pool->slots[i];

                if (r && r->first == c)
                        r->first = NULL;
                if (r && r->conn == c)
                        pool_request_again(pool, r);
        }
}

bool pool_conn_dial(struct client_pool *pool, struct pool_conn *c)
{
        const struct chsm_options *o = &pool->config.options;
        struct err err = ERR_INIT;

        c->is_new = false;
        c->give_up_at = pool_now(pool) + (o->connect_ms ? o->connect_ms : CONNECT_MS);
        c->reader = wire_reader_new(WIRE_LIMIT_HIGHEST);
        if (c->reader)
                c->conn = o->dialer.dial(o->dialer.arg, c->host, c->port, &err);
        else
                err_set(&err, ERR_MEMORY, "no memory for a connection");
        if (!c->conn) {
                pool_conn_down(pool, c, &err);
                return false;
        }
        c->state = POOL_HANDSHAKE;
        return true;
}

bool pool_conn_send(struct pool_conn *c, struct slice frame)
{
        buf_put_u32(&c->out, (uint32_t)frame.n);
        buf_put_slice(&c->out, frame);
        return buf_ok(&c->out);
}

bool pool_conn_hello(struct client_pool *pool, struct pool_conn *c, struct slice ticket, struct slice context)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__HelloRequest hello = CHSM__HELLO_REQUEST__INIT;
        Chsm__Version version = CHSM__VERSION__INIT;
        const struct pool_request *waits = c->elevates ? pool_request_find(pool, c->elevates) : NULL;
        uint8_t own[1024], login_context[WIRE_CONTEXT_SIZE];
        char name[WIRE_LIMIT_LOGIN / 64 + 1] = "libchsm";

        if (ticket.n > sizeof(own))
                return false;
        memcpy(login_context, pool->config.context, sizeof(login_context));
        if (ticket.n)
                memcpy(own, ticket.p, ticket.n);
        if (pool->config.options.name && strlen(pool->config.options.name) < sizeof(name))
                memcpy(name, pool->config.options.name, strlen(pool->config.options.name) + 1);
        version.minor = 1;
        hello.version = &version;
        hello.client = name;
        if (++pool->sequence == 0)
                pool->sequence = 1;
        request.id = (uint64_t)pool->sequence << 32;
        request.ticket = (ProtobufCBinaryData){ ticket.n, own };
        /* A relay shows the login of an application, which is bound to that application's context. */
        if (context.n == sizeof(login_context))
                memcpy(login_context, context.p, context.n);
        request.context = (ProtobufCBinaryData){ sizeof(login_context), login_context };
        request.body_case = CHSM__REQUEST__BODY_HELLO;
        request.hello = &hello;
        if (waits) /* a node that is behind does not know a login that is newer */
                request.min_revision = wire_frame_min_revision(slice_of(waits->frame, waits->n));
        c->hello_id = request.id;
        c->asked_at = pool->now;
        if (c->state == POOL_READY)
                c->give_up_at = pool->now + POOL_ALIVE_MS;
        c->doubled = false;
        return wire_request_encode(&request, &c->out);
}

static void hello_keep(struct client_pool *pool, struct arena *arena, const Chsm__HelloResponse *hello)
{
        struct pool_hello *kept;
        size_t n = chsm__hello_response__get_packed_size(hello);

        if (pool->config.learn && pool->hello) {
                arena_free(&arena); /* there are many, and the first is as good */
                return;
        }
        if (pool->hello && chsm__hello_response__get_packed_size(pool->hello->response) == n) {
                uint8_t *a = arena_alloc(arena, n + 1), *b = arena_alloc(arena, n + 1);

                if (a && b) {
                        chsm__hello_response__pack(hello, a);
                        chsm__hello_response__pack(pool->hello->response, b);
                        if (memcmp(a, b, n) == 0) {
                                arena_free(&arena);
                                return;
                        }
                }
        }
        kept = calloc(1, sizeof(*kept));
        if (!kept) {
                arena_free(&arena);
                return;
        }
        *kept = (struct pool_hello){ pool->hello, arena, hello };
        pool->hello = kept;
}

static void conn_rest(const struct client_pool *pool, struct pool_conn *c)
{
        c->gauge->rest_until_us = pool->now_us + (int64_t)REST_MS * 1000;
}

/* Where the node stands that answers; NULL: it does not say. */
static const char *zone_of(const Chsm__HelloResponse *hello)
{
        for (size_t i = 0; i < hello->n_nodes; i++) {
                if (hello->nodes[i]->number == hello->node_number)
                        return hello->nodes[i]->zone;
        }
        return NULL;
}

static void conn_ready(struct client_pool *pool, struct pool_conn *c, const Chsm__HelloResponse *hello)
{
        const char *zone = zone_of(hello), *wanted = pool->config.zone;

        c->state = POOL_READY;
        c->node = hello->node_number;
        (void)snprintf(c->zone, sizeof(c->zone), "%s", zone ? zone : "");
        c->gauge->ready = !c->broken && !c->leaves;
        c->gauge->near = !wanted || !wanted[0] || (zone && strcmp(zone, wanted) == 0);
        if (c->failures) {
                c->gauge->back_us = pool->now_us;
                if (pool->config.notice)
                        pool->config.notice(c->host, c->port, NULL);
        }
        c->failures = 0;
}

static bool hello_answered(struct client_pool *pool, struct pool_conn *c, uint8_t *frame, size_t n,
                           struct err *err)
{
        struct arena *arena = arena_new(HELLO_ARENA, 16 * (size_t)WIRE_LIMIT_PRESET);
        Chsm__Response *r = arena ? wire_response_decode(arena, slice_of(frame, n), err) : NULL;
        struct pool_request *waits = c->elevates ? pool_request_find(pool, c->elevates) : NULL;
        bool elevates = c->elevates != 0, good = false, later;

        c->hello_id = c->elevates = 0;
        if (!r) {
                arena_free(&arena);
                return false;
        }
        good = r->status == 0 && r->body_case == CHSM__RESPONSE__BODY_HELLO;
        if (!good && !elevates)
                err_set(err, r->reason ? (enum err_id)r->reason : ERR_PROTOCOL, "hello was refused: %s",
                        r->detail);
        if (good) {
                good = pool_learn_take(pool, c, r->hello, err);
                if (good) {
                        conn_ready(pool, c, r->hello);
                        c->elevated = c->elevated || elevates;
                        pool->wanted = false;
                }
                hello_keep(pool, arena, r->hello);
                return good;
        }
        later = r->reason == ERR_RETRY;
        arena_free(&arena);
        if (later)
                conn_rest(pool, c); /* the node cannot say now; another may */
        else if (elevates && waits && !waits->conn)
                pool_request_end(pool, waits, frame, n, NULL); /* its ticket is what was refused */
        return elevates;
}

/* The reason of an undecoded response: status and reason are the small fields right behind the id. */
static uint32_t frame_reason(struct slice frame)
{
        struct reader r = reader_of(frame);
        uint32_t value[2] = { 0, 0 };

        (void)reader_bytes(&r, 9);
        for (unsigned field = 2; field <= 3 && r.rest.n; field++) {
                if (r.rest.p[0] != field << 3)
                        continue;
                (void)reader_u8(&r);
                for (unsigned shift = 0; shift < 35; shift += 7) {
                        uint8_t byte = reader_u8(&r);

                        value[field - 2] |= (uint32_t)(byte & 0x7f) << shift % 32;
                        if (!(byte & 0x80))
                                break;
                }
        }
        return value[1];
}

/* A node whose region follows another one, or was superseded: a node of the other region does it. */
static bool is_for_another(const struct client_pool *pool, struct pool_request *r, uint32_t reason)
{
        return reason == ERR_REGION && ++r->elsewhere < pool->conn_count;
}

/* The node wants it asked again: here later, or elsewhere. False: the answer is one. */
static bool is_put_off(struct client_pool *pool, struct pool_conn *c, struct pool_request *r, uint32_t reason)
{
        bool leaves = reason == ERR_DRAINING && pool->conn_count > 1;

        if (reason != ERR_RETRY && !leaves && !is_for_another(pool, r, reason))
                return false;
        conn_rest(pool, c);
        r->put_off = reason;
        if (r->conn == c) {
                /* Busy, or there is none but the one that leaves: not at once. */
                r->attempts += reason == ERR_RETRY || (leaves && c->gauge->leaving);
                pool_request_again(pool, r);
        } else {
                r->first = NULL; /* another has it too */
        }
        c->gauge->leaving = c->gauge->leaving || leaves;
        return true;
}

static bool answered(struct client_pool *pool, struct pool_conn *c, uint8_t *frame, size_t n, struct err *err)
{
        struct pool_request *r;
        uint64_t id;

        if (!wire_frame_id(slice_of(frame, n), &id))
                return err_set(err, ERR_FRAME, "'%s' sent an answer without an id", c->host);
        if (c->hello_id && id == c->hello_id)
                return hello_answered(pool, c, frame, n, err);
        if (c->gauge->in_flight)
                c->gauge->in_flight--;
        r = pool_request_find(pool, id);
        if (!r || (r->conn != c && r->first != c))
                return true; /* cancelled or out of time */
        if (is_put_off(pool, c, r, frame_reason(slice_of(frame, n))))
                return true;
        if (r->use && r->conn == c)
                pool_gauge_answered(c->gauge, pool->now_us, pool->now_us - r->sent_us);
        pool_request_end(pool, r, frame, n, NULL);
        return true;
}

void pool_conn_flush(struct pool_conn *c)
{
        struct err err = ERR_INIT;

        if (c->state < POOL_HELLO || c->broken)
                return;
        while (c->out_at < c->out.n) {
                size_t n = 0;
                enum wire_io io =
                    c->conn->ops->write(c->conn, c->out.p + c->out_at, c->out.n - c->out_at, &n, &err);

                if (io == WIRE_IO_OK) {
                        c->out_at += n;
                        continue;
                }
                if (io == WIRE_IO_CLOSED || io == WIRE_IO_FAILED)
                        pool_conn_break(c);
                return;
        }
        buf_reset(&c->out);
        c->out_at = 0;
}

static void conn_read(struct client_pool *pool, struct pool_conn *c)
{
        struct err err = ERR_INIT;

        for (;;) {
                size_t room, n = 0;
                uint8_t *frame, *space = wire_reader_space(c->reader, &room);
                enum wire_next next;
                enum wire_io io = WIRE_IO_FAILED;

                if (space)
                        io = c->conn->ops->read(c->conn, space, room, &n, &err);
                if (io == WIRE_IO_WANT_READ || io == WIRE_IO_WANT_WRITE)
                        return;
                if (io != WIRE_IO_OK) {
                        if (io == WIRE_IO_CLOSED)
                                err_set(&err, ERR_CONNECT, "'%s' closed the connection", c->host);
                        pool_conn_down(pool, c, &err);
                        return;
                }
                c->heard_at = pool->now;
                c->gauge->heard_us = pool->now_us;
                c->gauge->silent = false;
                wire_reader_filled(c->reader, n);
                while ((next = wire_reader_next(c->reader, &frame, &n, &err)) == WIRE_FRAME) {
                        if (!answered(pool, c, frame, n, &err)) {
                                next = WIRE_BAD;
                                break;
                        }
                }
                if (next == WIRE_BAD) {
                        pool_conn_down(pool, c, &err);
                        return;
                }
                if (!c->conn->ops->pending(c->conn))
                        return; /* most likely there is nothing; the descriptor would tell */
        }
}

void pool_conn_step(struct client_pool *pool, struct pool_conn *c)
{
        struct err err = ERR_INIT;

        if (c->state == POOL_HANDSHAKE) {
                enum wire_io io = c->conn->ops->handshake(c->conn, &err);

                c->want_write = io == WIRE_IO_WANT_WRITE;
                if (io == WIRE_IO_CLOSED)
                        err_set(&err, ERR_CONNECT, "'%s' closed the connection", c->host);
                if (io == WIRE_IO_CLOSED || io == WIRE_IO_FAILED) {
                        pool_conn_down(pool, c, &err);
                        return;
                }
                if (io != WIRE_IO_OK)
                        return;
                c->state = POOL_HELLO;
                if (!pool_conn_hello(pool, c, SLICE_EMPTY, SLICE_EMPTY))
                        pool_conn_break(c);
                pool_conn_flush(c);
        }
        if (c->state >= POOL_HELLO)
                conn_read(pool, c); /* before closing a broken one: its last words may be there */
        if (c->conn && c->broken) {
                err_set(&err, ERR_CONNECT, "writing to '%s' failed", c->host);
                pool_conn_down(pool, c, &err);
        }
}
