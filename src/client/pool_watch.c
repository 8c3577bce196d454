/* Nodes that have requests and are silent.
 *
 * One that is silent for longer than its answers take is asked with a hello, which a node answers before any
 * work. If that is not answered soon either, the uses of keys it has are given to another node as well, and
 * whoever answers first has done them; nothing is closed, as it may be no more than slow. A second later it
 * is given up, and all it has goes to others. */
#include "client/pool_internal.h"

#define SILENT_LEAST 100 /* ms that say nothing, however quick a node is otherwise */
#define SILENT_MOST  500
#define SILENT_TIMES 4   /* its latency */
#define DOUBLE_MS    100 /* for the answer to a hello, until its uses are given to others as well */

static bool is_watched(const struct client_pool *pool, const struct pool_conn *c)
{
        return pool->conn_count > 1 && c->state == POOL_READY && (c->gauge->in_flight || c->elevates);
}

static int64_t silent_ms(const struct pool_conn *c)
{
        int64_t ms = c->gauge->latency_us * SILENT_TIMES / 1000;

        return ms < SILENT_LEAST ? SILENT_LEAST : ms > SILENT_MOST ? SILENT_MOST : ms;
}

/* It has said something since it was asked, be it an answer that was under way: it lives. */
static int64_t give_up_at(const struct pool_conn *c)
{
        return c->heard_at > c->asked_at ? c->heard_at + POOL_ALIVE_MS : c->give_up_at;
}

static bool doubles(const struct pool_conn *c)
{
        return !c->doubled && c->heard_at <= c->asked_at;
}

/* It may have been asked for another reason, a moment after it spoke. */
static int64_t double_at(const struct pool_conn *c)
{
        int64_t silent_at = c->heard_at + silent_ms(c);

        return (silent_at > c->asked_at ? silent_at : c->asked_at) + DOUBLE_MS;
}

int64_t pool_watch_due(const struct client_pool *pool, const struct pool_conn *c)
{
        if (!is_watched(pool, c))
                return INT64_MAX;
        if (!c->hello_id)
                return c->heard_at + silent_ms(c);
        return doubles(c) ? double_at(c) : give_up_at(c);
}

static bool has_other(const struct client_pool *pool, const struct pool_conn *c)
{
        for (size_t i = 0; i < pool->conn_count; i++) {
                if (&pool->conns[i] != c && pool->gauges[i].ready)
                        return true;
        }
        return false;
}

static void uses_double(struct client_pool *pool, struct pool_conn *c)
{
        c->doubled = c->gauge->silent = true;
        for (size_t i = 0; has_other(pool, c) && i < pool->slot_count; i++) {
                struct pool_request *r = pool->slots[i];

                if (r && r->conn == c && r->use && !r->first)
                        pool_request_double(pool, r);
        }
}

void pool_watch(struct client_pool *pool, struct pool_conn *c)
{
        struct err err = ERR_INIT;

        if (pool_watch_due(pool, c) > pool->now)
                return;
        if (!c->hello_id) {
                if (!pool_conn_hello(pool, c, SLICE_EMPTY, SLICE_EMPTY))
                        pool_conn_break(c);
        } else if (doubles(c)) {
                uses_double(pool, c);
        } else {
                err_set(&err, ERR_CONNECT, "'%s' does not answer any more", c->host);
                pool_conn_down(pool, c, &err);
        }
}
