/* What a pool knows of its nodes, for people. */
#include "client/pool_internal.h"

static struct client_pool_node node_of(const struct pool_conn *c, int64_t now_us)
{
        const struct pool_gauge *g = c->gauge;

        return (struct client_pool_node){ .host = c->host,
                                          .zone = c->zone,
                                          .trouble = c->trouble.detail,
                                          .port = c->port,
                                          .number = c->node ? c->node : c->expected,
                                          .connected = c->state == POOL_READY,
                                          .learned = c->learned,
                                          .preferred = g->near,
                                          .rests = g->leaving || g->silent || g->rest_until_us > now_us,
                                          .in_flight = g->in_flight,
                                          .latency_us = pool_gauge_latency(g, now_us),
                                          .share = pool_gauge_weight(g, now_us) / 10 };
}

size_t client_pool_nodes(const struct client_pool *pool, struct client_pool_node *out, size_t cap)
{
        int64_t now_us = clock_mono_us(&pool->config.clock);
        size_t n = 0;

        for (size_t i = 0; i < pool->conn_count && n < cap; i++) {
                if (pool->conns[i].host)
                        out[n++] = node_of(&pool->conns[i], now_us);
        }
        return n;
}
