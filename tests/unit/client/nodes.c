#include "nodes.h"

struct node_conn {
        struct wire_conn wire;
        struct node *node; /* NULL: it was reset */
        struct node_conn *next;
        bool begun;
        struct buf in, out; /* from the pool, not yet looked at, and to it */
};

static struct node_conn *conn_of(const struct wire_conn *c)
{
        return (struct node_conn *)(uintptr_t)c; /* its first member */
}

/* ---- what a node does ---- */

static void reply(struct node_conn *conn, Chsm__Response *r)
{
        assert_true(wire_response_encode(r, &conn->out));
}

static void hello(struct node_conn *conn, uint64_t id)
{
        struct node *n = conn->node;
        Chsm__Response r = CHSM__RESPONSE__INIT;
        Chsm__HelloResponse h = CHSM__HELLO_RESPONSE__INIT;
        Chsm__Node nodes[NODES_MAX], *list[NODES_MAX];
        uint8_t partition[16];

        memset(partition, n->partition, sizeof(partition));
        n->hellos++;
        h.node_number = n->claims ? n->claims : n->number;
        h.partition_id = (ProtobufCBinaryData){ sizeof(partition), partition };
        for (size_t i = 0; i < n->all->n; i++) {
                struct node *other = &n->all->list[i];

                if (other->hidden && other != n)
                        continue;
                chsm__node__init(&nodes[i]);
                nodes[i].number = other->number;
                nodes[i].host = other->host;
                nodes[i].port = other->port;
                nodes[i].zone = other->zone;
                list[h.n_nodes++] = &nodes[i];
        }
        h.nodes = list;
        r.id = id;
        r.body_case = CHSM__RESPONSE__BODY_HELLO;
        r.hello = &h;
        reply(conn, &r);
}

static void conn_look(struct node_conn *c)
{
        struct node *n = c->node;

        while (c->in.n > WIRE_HEADER_SIZE) {
                size_t size = (size_t)c->in.p[2] << 8 | c->in.p[3]; /* ours are small */
                struct slice frame = slice_of(c->in.p + WIRE_HEADER_SIZE, size);
                uint64_t id;

                assert_true(wire_frame_id(frame, &id));
                if (wire_frame_body(frame) == CHSM__REQUEST__BODY_HELLO) {
                        hello(c, id);
                } else {
                        assert_true(n->held_n < HELD_MAX);
                        n->held[n->held_n++] = (struct held){ id, c };
                        n->got++;
                }
                size += WIRE_HEADER_SIZE;
                memmove(c->in.p, c->in.p + size, c->in.n - size);
                c->in.n -= size;
        }
}

void node_continue(struct node *n)
{
        n->stopped = false;
        for (struct node_conn *c = n->conns; c; c = c->next)
                conn_look(c);
}

void node_put_off(struct node *n, enum err_id why)
{
        for (size_t i = 0; i < n->held_n; i++) {
                Chsm__Response r = CHSM__RESPONSE__INIT;

                r.id = n->held[i].id;
                r.reason = (uint32_t)why;
                r.status = why ? err_row(why)->ckr : 0;
                reply(n->held[i].conn, &r);
        }
        n->held_n = 0;
}

void node_answer(struct node *n)
{
        node_put_off(n, ERR_NONE);
}

void node_kill(struct node *n)
{
        n->down = true;
        n->held_n = 0;
        for (struct node_conn *c = n->conns; c; c = c->next)
                c->node = NULL;
        n->conn = n->conns = NULL;
}

/* ---- the transport ---- */

static enum wire_io handshake(struct wire_conn *c, struct err *err)
{
        if (!conn_of(c)->node) {
                err_set(err, ERR_CONNECT, "reset");
                return WIRE_IO_FAILED;
        }
        if (conn_of(c)->node->stopped || !conn_of(c)->begun) {
                conn_of(c)->begun = true; /* as over a network, it takes a moment */
                return WIRE_IO_WANT_READ;
        }
        return WIRE_IO_OK;
}

static enum wire_io io_read(struct wire_conn *c, void *p, size_t cap, size_t *n, struct err *err)
{
        struct node_conn *conn = conn_of(c);

        if (!conn->node) {
                err_set(err, ERR_CONNECT, "reset");
                return WIRE_IO_FAILED;
        }
        if (conn->out.n == 0)
                return WIRE_IO_WANT_READ;
        *n = conn->out.n < cap ? conn->out.n : cap;
        memcpy(p, conn->out.p, *n);
        memmove(conn->out.p, conn->out.p + *n, conn->out.n - *n);
        conn->out.n -= *n;
        return WIRE_IO_OK;
}

static enum wire_io io_write(struct wire_conn *c, const void *p, size_t len, size_t *n, struct err *err)
{
        struct node_conn *conn = conn_of(c);

        if (!conn->node) {
                err_set(err, ERR_CONNECT, "reset");
                return WIRE_IO_FAILED;
        }
        buf_put(&conn->in, p, len);
        *n = len;
        if (!conn->node->stopped)
                conn_look(conn);
        return WIRE_IO_OK;
}

static bool pending(const struct wire_conn *c)
{
        return conn_of(c)->out.n > 0;
}

static void conn_close(struct wire_conn *c)
{
        struct node_conn *conn = conn_of(c);
        struct node *n = conn->node;

        if (n) {
                struct node_conn **at = &n->conns;
                size_t kept = 0;

                while (*at != conn)
                        at = &(*at)->next;
                *at = conn->next;
                n->conn = n->conns;
                for (size_t i = 0; i < n->held_n; i++) {
                        if (n->held[i].conn != conn)
                                n->held[kept++] = n->held[i];
                }
                n->held_n = kept;
        }
        buf_clear(&conn->in);
        buf_clear(&conn->out);
        free(conn);
}

static const struct wire_conn_ops ops = {
        .handshake = handshake, .read = io_read, .write = io_write, .pending = pending, .close = conn_close
};

static struct wire_conn *dial(void *arg, const char *host, uint16_t port, struct err *err)
{
        struct nodes *all = arg;

        for (size_t i = 0; i < all->n; i++) {
                struct node *n = &all->list[i];
                struct node_conn *conn;

                if ((strcmp(n->host, host) != 0 && !(n->alias && strcmp(n->alias, host) == 0)) ||
                    n->port != port)
                        continue;
                n->dialled++;
                if (n->down)
                        break;
                conn = calloc(1, sizeof(*conn));
                assert_non_null(conn);
                conn->wire = (struct wire_conn){ &ops, -1 };
                conn->node = n;
                conn->next = n->conns;
                n->conn = n->conns = conn;
                return &conn->wire;
        }
        err_set(err, ERR_CONNECT, "nobody listens at '%s'", host);
        return NULL;
}

/* ---- the pool ---- */

static int64_t now_ms(void *arg)
{
        return ((struct nodes *)arg)->now_us / 1000;
}

static int64_t now_us(void *arg)
{
        return ((struct nodes *)arg)->now_us;
}

static struct nodes *told; /* notices have no argument */

static void notice(const char *host, uint16_t port, const struct err *why)
{
        (void)host;
        (void)port;
        told->lost += why != NULL;
        told->back += why == NULL;
}

void nodes_init(struct nodes *all, size_t n)
{
        memset(all, 0, sizeof(*all));
        all->now_us = 1000000000;
        all->n = n;
        for (size_t i = 0; i < n; i++) {
                struct node *node = &all->list[i];

                node->all = all;
                node->number = (uint32_t)i + 1;
                node->port = 2225;
                (void)snprintf(node->host, sizeof(node->host), "10.0.0.%zu", i + 1);
        }
        told = all;
}

void nodes_clear(struct nodes *all)
{
        client_pool_free(&all->pool);
}

static void pool_open(struct nodes *all, size_t seeds, const char *zone, bool learn)
{
        struct chsm_endpoint at[NODES_MAX];
        struct client_pool_config config = {
                .options = { .dialer = { dial, all }, .endpoints = at, .endpoint_count = seeds },
                .clock = { now_ms, now_ms, all, now_us },
                .zone = zone,
                .learn = learn,
                .notice = notice
        };
        struct err err = ERR_INIT;

        for (size_t i = 0; i < seeds; i++)
                at[i] = (struct chsm_endpoint){ all->list[i].alias ? all->list[i].alias : all->list[i].host,
                                                all->list[i].port };
        all->pool = client_pool_new(&config, &err);
        assert_non_null(all->pool);
        client_pool_connect(all->pool);
        for (int i = 0; i < 3; i++)
                nodes_step(all);
}

void nodes_pool(struct nodes *all, size_t seeds, const char *zone)
{
        pool_open(all, seeds, zone, false);
}

void nodes_pool_learning(struct nodes *all, size_t seeds)
{
        pool_open(all, seeds, NULL, true);
        for (int i = 0; i < 3; i++)
                nodes_step(all);
}

void nodes_step(struct nodes *all)
{
        client_pool_step(all->pool, NULL, 0);
}

void nodes_pass(struct nodes *all, int64_t ms)
{
        for (int64_t i = 0; i < ms; i++) {
                all->now_us += 1000;
                nodes_step(all);
        }
}

static void replied(void *arg, uint8_t *frame, size_t n, const struct err *err)
{
        struct nodes *all = arg;

        (void)n;
        all->answered += frame != NULL;
        all->failed += frame == NULL;
        if (err)
                all->last = *err;
}

static void encode(struct buf *out, Chsm__Request__BodyCase body, uint64_t stream)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__SignRequest sign = CHSM__SIGN_REQUEST__INIT;
        Chsm__GenerateKeyRequest generate = CHSM__GENERATE_KEY_REQUEST__INIT;
        Chsm__StreamPartRequest part = CHSM__STREAM_PART_REQUEST__INIT;
        uint8_t once[WIRE_IDEMPOTENCY_SIZE] = { 1 };

        r.id = 1;
        r.body_case = body;
        switch (body) {
        case CHSM__REQUEST__BODY_GENERATE_KEY:
                r.generate_key = &generate;
                r.idempotency = (ProtobufCBinaryData){ sizeof(once), once };
                break;
        case CHSM__REQUEST__BODY_STREAM_PART:
                part.stream = stream;
                r.stream_part = &part;
                break;
        default:
                r.sign = &sign;
        }
        assert_true(wire_request_encode(&r, out));
}

static size_t sent_to(const struct node *n)
{
        size_t sum = n->got;

        for (const struct node_conn *c = n->conns; c; c = c->next)
                sum += c->in.n;
        return sum;
}

struct node *nodes_ask(struct nodes *all, Chsm__Request__BodyCase body, uint64_t stream)
{
        struct buf out = BUF_INIT;
        struct err err = ERR_INIT;
        size_t before[NODES_MAX];
        struct node *found = NULL;

        for (size_t i = 0; i < all->n; i++)
                before[i] = sent_to(&all->list[i]);
        encode(&out, body, stream);
        assert_int_not_equal(client_pool_submit(all->pool,
                                                slice_of(out.p + WIRE_HEADER_SIZE, out.n - WIRE_HEADER_SIZE),
                                                1, 5000, replied, all, &err),
                             0);
        client_pool_flush(all->pool);
        buf_clear(&out);
        for (size_t i = 0; i < all->n; i++) {
                if (sent_to(&all->list[i]) != before[i])
                        found = &all->list[i];
        }
        return found;
}

struct node *nodes_sign(struct nodes *all)
{
        return nodes_ask(all, CHSM__REQUEST__BODY_SIGN, 0);
}
