#include "client/pool_internal.h"
#include "base/sec.h"

#include <stdlib.h>

#define DEADLINE_MS 5000
#define AGAIN_MS    10
#define AGAIN_MOST  500
#define STREAM_NODE 56 /* bits of a stream's number before that of its node: vault/stream.h */
#define GONE_AFTER  3  /* failures in a row after which a node's streams are given up */

int64_t pool_now(const struct client_pool *pool)
{
        return clock_mono_ms(&pool->config.clock);
}

static void now_take(struct client_pool *pool)
{
        pool->now_us = clock_mono_us(&pool->config.clock);
        pool->now = pool->now_us / 1000;
}

struct client_pool *client_pool_new(const struct client_pool_config *config, struct err *err)
{
        struct client_pool *pool = calloc(1, sizeof(*pool));

        if (!pool || config->options.endpoint_count == 0)
                goto fail;
        if (config->zone && strlen(config->zone) >= POOL_ZONE_SIZE) {
                err_set(err, ERR_CONFIG, "zone '%.40s' is longer than %d characters", config->zone,
                        POOL_ZONE_SIZE - 1);
                client_pool_free(&pool);
                return NULL;
        }
        pool->config = *config;
        pool->conn_room = config->options.endpoint_count;
        if (config->learn && pool->conn_room < CLIENT_POOL_MOST)
                pool->conn_room = CLIENT_POOL_MOST;
        pool->conns = calloc(pool->conn_room, sizeof(*pool->conns));
        pool->gauges = calloc(pool->conn_room, sizeof(*pool->gauges));
        if (!pool->conns || !pool->gauges)
                goto fail;
        (void)chsm_local_random(&pool->chance, sizeof(pool->chance));
        pool->chance |= 1; /* of zero, nothing but zeros would come */
        for (size_t i = 0; i < config->options.endpoint_count; i++) {
                pool->conns[i].gauge = &pool->gauges[i];
                pool->conns[i].host = strdup(config->options.endpoints[i].host);
                pool->conns[i].port = config->options.endpoints[i].port;
                pool->conn_count++;
                if (!pool->conns[i].host)
                        goto fail;
        }
        return pool;
fail:
        err_set(err, pool ? ERR_CONFIG : ERR_MEMORY, "a pool needs an endpoint and memory for it");
        client_pool_free(&pool);
        return NULL;
}

static void pool_memory_free(struct client_pool *pool)
{
        for (size_t i = 0; i < pool->conn_count; i++) {
                pool_conn_close(&pool->conns[i]);
                buf_clear(&pool->conns[i].out);
                free((void *)(uintptr_t)pool->conns[i].host);
        }
        while (pool->hello) {
                struct pool_hello *older = pool->hello->older;

                arena_free(&pool->hello->arena);
                free(pool->hello);
                pool->hello = older;
        }
        free(pool->conns);
        free(pool->gauges);
        free(pool->slots);
        free(pool);
}

void client_pool_free(struct client_pool **pp)
{
        struct client_pool *pool = *pp;
        struct err err = ERR_INIT;

        if (!pool)
                return;
        *pp = NULL;
        err_set(&err, ERR_CONNECT, "the connection was closed by this side");
        for (size_t i = 0; i < pool->slot_count; i++) {
                if (pool->slots[i])
                        pool_request_end(pool, pool->slots[i], NULL, 0, &err);
        }
        pool_memory_free(pool);
}

void client_pool_abandon(struct client_pool **pp)
{
        struct client_pool *pool = *pp;

        if (!pool)
                return;
        *pp = NULL;
        for (size_t i = 0; i < pool->slot_count; i++) {
                if (pool->slots[i])
                        sec_wipe(pool->slots[i]->frame, pool->slots[i]->n);
                free(pool->slots[i]);
        }
        pool_memory_free(pool);
}

/* ---- the queue ---- */

static void queue_add(struct client_pool *pool, struct pool_request *r)
{
        r->conn = NULL;
        r->next = NULL;
        r->prev = pool->last;
        if (pool->last)
                pool->last->next = r;
        else
                pool->first = r;
        pool->last = r;
}

static void queue_remove(struct client_pool *pool, struct pool_request *r)
{
        if (r->prev)
                r->prev->next = r->next;
        else
                pool->first = r->next;
        if (r->next)
                r->next->prev = r->prev;
        else
                pool->last = r->prev;
        r->next = r->prev = NULL;
}

struct pool_request *pool_request_find(const struct client_pool *pool, uint64_t wire_id)
{
        size_t slot = (size_t)(wire_id & UINT32_MAX);

        if (slot == 0 || slot > pool->slot_count || !pool->slots[slot - 1] ||
            pool->slots[slot - 1]->wire_id != wire_id)
                return NULL;
        return pool->slots[slot - 1];
}

static void request_free(struct client_pool *pool, struct pool_request *r)
{
        if (!r->conn)
                queue_remove(pool, r);
        pool->slots[(r->wire_id & UINT32_MAX) - 1] = NULL;
        pool->in_flight--;
        sec_wipe(r->frame, r->n);
        free(r);
}

void pool_request_end(struct client_pool *pool, struct pool_request *r, uint8_t *frame, size_t n,
                      const struct err *err)
{
        client_pool_reply *reply = r->reply;
        void *arg = r->arg;

        if (frame)
                (void)wire_frame_set_id(frame, n, r->caller_id);
        request_free(pool, r);
        reply(arg, frame, n, err);
}

void pool_request_again(struct client_pool *pool, struct pool_request *r)
{
        int64_t wait = 0;

        if (r->attempts) {
                uint32_t jitter = 0;

                wait = r->attempts < 6 ? AGAIN_MS << (r->attempts - 1) : AGAIN_MOST;
                (void)chsm_local_random(&jitter, sizeof(jitter));
                wait = wait / 2 + jitter % (wait / 2 + 1);
        }
        r->attempts++;
        r->not_before = pool_now(pool) + wait;
        queue_add(pool, r);
}

void pool_request_double(struct client_pool *pool, struct pool_request *r)
{
        r->first = r->conn;
        r->not_before = pool->now;
        queue_add(pool, r);
}

static size_t slot_take(struct client_pool *pool)
{
        size_t count = pool->slot_count ? pool->slot_count * 2 : 64;
        struct pool_request **slots;

        for (size_t i = 0; pool->in_flight < pool->slot_count && i < pool->slot_count; i++) {
                if (!pool->slots[i])
                        return i + 1;
        }
        slots = realloc(pool->slots, count * sizeof(struct pool_request *));
        if (!slots)
                return 0;
        for (size_t i = pool->slot_count; i < count; i++)
                slots[i] = NULL;
        pool->slots = slots;
        pool->slot_count = count;
        return pool->in_flight + 1;
}

uint64_t client_pool_submit(struct client_pool *pool, struct slice frame, uint64_t caller_id, int deadline_ms,
                            client_pool_reply *reply, void *arg, struct err *err)
{
        uint64_t id;
        struct pool_request *r = NULL;
        struct slice login, context;
        size_t slot;

        if (!wire_frame_id(frame, &id) || frame.n > WIRE_LIMIT_HIGHEST) {
                err_set(err, ERR_FRAME, "a request of %zu bytes without an id, or too large", frame.n);
                return 0;
        }
        /* A node closes the connection for it, which others' requests are on as well. */
        if (frame.n > WIRE_LIMIT_LOGIN && !(wire_frame_login(frame, &login, &context) && login.n)) {
                err_set(err, ERR_NOT_LOGGED_IN, "before login a request may have %d bytes, this one has %zu",
                        (int)WIRE_LIMIT_LOGIN, frame.n);
                return 0;
        }
        slot = slot_take(pool);
        if (slot)
                r = calloc(1, sizeof(*r) + frame.n);
        if (!r) {
                err_set(err, ERR_MEMORY, "no memory for a request of %zu bytes", frame.n);
                return 0;
        }
        if (++pool->sequence == 0)
                pool->sequence = 1;
        r->wire_id = (uint64_t)pool->sequence << 32 | slot;
        r->caller_id = caller_id;
        r->not_before = pool_now(pool);
        r->deadline = r->not_before + (deadline_ms > 0 ? deadline_ms : DEADLINE_MS);
        r->reply = reply;
        r->arg = arg;
        r->node = pool->conn_room > 1 ? (uint32_t)(wire_frame_stream(frame) >> STREAM_NODE) : 0;
        r->use = wire_frame_use(frame);
        r->n = frame.n;
        memcpy(r->frame, frame.p, frame.n);
        (void)wire_frame_set_id(r->frame, r->n, r->wire_id);
        pool->slots[slot - 1] = r;
        if (pool->in_flight++ == 0 || r->deadline < pool->soonest)
                pool->soonest = r->deadline;
        queue_add(pool, r);
        return r->wire_id;
}

void client_pool_cancel(struct client_pool *pool, uint64_t ticket)
{
        struct pool_request *r = pool_request_find(pool, ticket);

        if (r)
                request_free(pool, r); /* a late answer finds nobody */
}

/* ---- sending ---- */

static uint32_t chance_draw(struct client_pool *pool)
{
        pool->chance ^= pool->chance << 13;
        pool->chance ^= pool->chance >> 17;
        pool->chance ^= pool->chance << 5;
        return pool->chance;
}

static struct pool_conn *conn_choose(struct client_pool *pool)
{
        size_t i = pool_choose(pool->gauges, pool->conn_count, pool->chosen, pool->now_us, chance_draw(pool));

        if (i == pool->conn_count)
                return NULL;
        pool->chosen = i;
        return &pool->conns[i];
}

/* The connection for this request; NULL: it waits for one. Parts of a stream go where the stream is, as long
 * as that may come back. */
static struct pool_conn *conn_for(struct client_pool *pool, const struct pool_request *r)
{
        for (size_t i = 0; r->node && i < pool->conn_count; i++) {
                struct pool_conn *c = &pool->conns[i];

                if (c->node != r->node)
                        continue;
                if (c->state == POOL_READY && !c->broken)
                        return c;
                if (c->failures < GONE_AFTER)
                        return NULL;
        }
        return conn_choose(pool);
}

/* True when the request went out on the connection. Large ones wait for a hello that shows their ticket. */
static bool request_send(struct client_pool *pool, struct pool_conn *c, struct pool_request *r)
{
        struct slice frame = slice_of(r->frame, r->n), ticket, context;

        if (r->n > WIRE_LIMIT_LOGIN && !c->elevated) {
                bool has = wire_frame_login(frame, &ticket, &context) && ticket.n;

                if (has && !c->hello_id) {
                        c->elevates = r->wire_id;
                        if (!pool_conn_hello(pool, c, ticket, context))
                                pool_conn_break(c);
                }
                if (has)
                        return false;
        }
        if (!pool_conn_send(c, frame)) {
                pool_conn_break(c);
                return false;
        }
        queue_remove(pool, r);
        r->conn = c;
        r->sent_us = pool->now_us;
        if (c->gauge->in_flight++ == 0) {
                c->heard_at = pool->now;
                c->gauge->heard_us = pool->now_us;
        }
        return true;
}

void client_pool_flush(struct client_pool *pool)
{
        struct pool_request *next;
        int64_t now;

        if (pool->first)
                now_take(pool);
        now = pool->now;
        for (struct pool_request *r = pool->first; r; r = next) {
                struct pool_conn *c = r->not_before <= now ? conn_for(pool, r) : NULL;

                next = r->next;
                if (c)
                        (void)request_send(pool, c, r);
                else if (!r->node && r->not_before <= now)
                        break; /* there is none for anybody */
        }
        for (size_t i = 0; i < pool->conn_count; i++)
                pool_conn_flush(&pool->conns[i]);
}

/* ---- time and steps ---- */

/* While anything is asked, nodes that are gone are tried again, also when others serve. */
static bool is_dialled(const struct client_pool *pool, const struct pool_conn *c)
{
        return c->host && c->state == POOL_DOWN && (pool->in_flight || pool->wanted || c->is_new);
}

size_t client_pool_fds(struct client_pool *pool, struct pollfd *fds, size_t cap, int *timeout_ms)
{
        int64_t now = pool_now(pool), until = INT64_MAX;
        size_t n = 0;

        for (size_t i = 0; i < pool->conn_count; i++) {
                struct pool_conn *c = &pool->conns[i];

                if (is_dialled(pool, c) && c->retry_at < until)
                        until = c->retry_at;
                if ((c->state == POOL_HANDSHAKE || c->state == POOL_HELLO) && c->give_up_at < until)
                        until = c->give_up_at;
                if (pool_watch_due(pool, c) < until)
                        until = pool_watch_due(pool, c);
                if (pool_learn_due(pool, c) < until)
                        until = pool_learn_due(pool, c);
                if (!c->conn)
                        continue;
                if (c->broken || c->conn->ops->pending(c->conn))
                        until = now;
                if (n < cap)
                        fds[n++] = (struct pollfd){
                                .fd = c->conn->fd,
                                .events = (short)(c->want_write ? POLLOUT
                                                  : c->out.n    ? POLLIN | POLLOUT
                                                                : POLLIN),
                        };
        }
        if (pool->in_flight && pool->soonest < until)
                until = pool->soonest;
        for (const struct pool_request *r = pool->first; r; r = r->next) {
                if (r->not_before > now && r->not_before < until)
                        until = r->not_before;
        }
        *timeout_ms = until == INT64_MAX ? -1 : until <= now ? 0 : (int)(until - now);
        return n;
}

static bool conn_due(const struct pool_conn *c, const struct pollfd *fds, size_t n)
{
        if (!fds || c->broken || c->conn->ops->pending(c->conn) || c->state == POOL_HANDSHAKE)
                return true;
        for (size_t i = 0; i < n; i++) {
                if (fds[i].fd == c->conn->fd)
                        return fds[i].revents != 0;
        }
        return true;
}

static void request_expire(struct client_pool *pool, struct pool_request *r)
{
        struct err err = ERR_INIT;

        if (!conn_choose(pool))
                client_pool_trouble(pool, &err);
        else if (r->put_off && r->put_off < ERR_COUNT)
                err_set(&err, ERR_DEADLINE,
                        "no node could do it in time (asked %u times, the last answer was: %s)",
                        r->attempts + 1, err_row((enum err_id)r->put_off)->text);
        else if (r->conn)
                err_set(&err, ERR_DEADLINE, "no answer in time: '%s' port %u has had it for %lld ms",
                        r->conn->host, (unsigned)r->conn->port,
                        (long long)(pool->now_us - r->sent_us) / 1000);
        else
                err_set(&err, ERR_DEADLINE, "no answer in time: the node that it is for is out of reach");
        pool_request_end(pool, r, NULL, 0, &err);
}

/* Looks through the requests only when the soonest deadline is over; that one may have been answered since,
 * and then the next is found here. */
static void requests_expire(struct client_pool *pool, int64_t now)
{
        if (!pool->in_flight || pool->soonest > now)
                return;
        pool->soonest = INT64_MAX; /* a reply may submit another request */
        for (size_t i = 0; i < pool->slot_count; i++) {
                struct pool_request *r = pool->slots[i];

                if (r && r->deadline <= now)
                        request_expire(pool, r);
                else if (r && r->deadline < pool->soonest)
                        pool->soonest = r->deadline;
        }
}

void client_pool_step(struct client_pool *pool, const struct pollfd *fds, size_t n)
{
        int64_t now;

        now_take(pool);
        now = pool->now;
        for (size_t i = 0; i < pool->conn_count; i++) {
                struct pool_conn *c = &pool->conns[i];

                if (c->conn && conn_due(c, fds, n))
                        pool_conn_step(pool, c);
                if ((c->state == POOL_HANDSHAKE || c->state == POOL_HELLO) && c->give_up_at <= now) {
                        struct err err = ERR_INIT;

                        err_set(&err, ERR_CONNECT, "'%s' did not answer in time", c->host);
                        pool_conn_down(pool, c, &err);
                }
                pool_watch(pool, c);
                pool_learn_step(pool, c);
                if (is_dialled(pool, c) && c->retry_at <= now && pool_conn_dial(pool, c))
                        pool_conn_step(pool, c);
        }
        requests_expire(pool, now);
        client_pool_flush(pool);
}

void client_pool_connect(struct client_pool *pool)
{
        pool->wanted = true;
}

bool client_pool_unreachable(const struct client_pool *pool)
{
        for (size_t i = 0; i < pool->conn_count; i++) {
                if (pool->conns[i].host && pool->conns[i].failures == 0)
                        return false;
        }
        return true;
}

size_t client_pool_in_flight(const struct client_pool *pool)
{
        return pool->in_flight;
}

const Chsm__HelloResponse *client_pool_hello(const struct client_pool *pool)
{
        return pool->hello ? pool->hello->response : NULL;
}

void client_pool_trouble(const struct client_pool *pool, struct err *err)
{
        struct buf text = BUF_INIT;
        const char *words;

        for (size_t i = 0; i < pool->conn_count; i++) {
                const struct pool_conn *c = &pool->conns[i];

                if (!c->host)
                        continue;
                buf_printf(&text, "%s'%s' port %u: %s", i ? "; " : "", c->host, c->port,
                           c->trouble.detail[0] ? c->trouble.detail : "not yet connected");
        }
        words = buf_text(&text);
        err_set(err, ERR_CONNECT, "no endpoint can be reached: %s", words ? words : "no memory");
        buf_clear(&text);
}
