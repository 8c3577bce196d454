/* One node tells of all: each hello has the cluster's nodes, with the addresses they advertise.
 *
 * A node that is told of and not connected yet gets a connection of its own, which is as good as a configured
 * one: it is verified by the same certificate, and must be of the same partition. What is configured always
 * stays. What was learned stays until the nodes that are asked (each every LEARN_MS while there is work) have
 * not told of it for GONE_MS, or until it turns out to be a node that has a connection already; then it gets
 * nothing new and is closed when it has answered what it has. */
#include "client/pool_internal.h"
#include "base/log.h"

#include <stdlib.h>

#define LEARN_MS  15000
#define SOON_MS   1000 /* while configured nodes may turn out to be those that are told of */
#define GONE_MS   60000
#define TOLD_MOST 64  /* nodes in one answer: vault/members.h */
#define HOST_MOST 255 /* bytes of a host name */

static bool is_loopback(const char *host)
{
        return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 || strcmp(host, "localhost") == 0;
}

/* An address that is good for the client: a node that listens everywhere and does not say where it is
 * reached, or says "here" to another host, tells nothing. */
static bool is_useful(const struct pool_conn *teacher, const Chsm__Node *n)
{
        return n->number && n->port && n->port <= UINT16_MAX && n->host && n->host[0] &&
               strlen(n->host) <= HOST_MOST && strcmp(n->host, "0.0.0.0") != 0 &&
               strcmp(n->host, "::") != 0 && (!is_loopback(n->host) || is_loopback(teacher->host));
}

static bool is_at(const struct pool_conn *c, const Chsm__Node *n)
{
        return c->port == n->port && strcmp(c->host, n->host) == 0;
}

/* The connection to that node: by its number where one is known, as a configured name need not be the one it
 * advertises. A learned one is that of its address: a node that moved gets another. */
static struct pool_conn *conn_of(const struct client_pool *pool, const Chsm__Node *n)
{
        for (size_t i = 0; i < pool->conn_count; i++) {
                struct pool_conn *c = &pool->conns[i];

                if (c->host && !c->leaves && (is_at(c, n) || (!c->learned && c->node == n->number)))
                        return c;
        }
        return NULL;
}

static void conn_leave(struct pool_conn *c)
{
        c->leaves = true;
        c->gauge->ready = false;
}

static void conn_add(struct client_pool *pool, const Chsm__Node *n)
{
        struct pool_conn *c = NULL;
        char *host;

        for (size_t i = 0; i < pool->conn_count && !c; i++) {
                if (!pool->conns[i].host)
                        c = &pool->conns[i];
        }
        if (!c && pool->conn_count == pool->conn_room)
                return; /* what is configured is enough then */
        host = strdup(n->host);
        if (!host)
                return;
        if (!c)
                c = &pool->conns[pool->conn_count++];
        *c = (struct pool_conn){ .gauge = &pool->gauges[c - pool->conns],
                                 .host = host,
                                 .port = (uint16_t)n->port,
                                 .is_new = true,
                                 .learned = true,
                                 .expected = n->number,
                                 .out = BUF_INIT };
        *c->gauge = (struct pool_gauge){ .ready = false };
        log_info("node %u at %s port %u was told of", n->number, host, (unsigned)n->port);
}

/* Every node tells of itself, also one that was removed: that says nothing. */
static void learned_note(struct client_pool *pool, const struct pool_conn *teacher,
                         const Chsm__HelloResponse *hello)
{
        for (size_t i = 0; i < pool->conn_count; i++) {
                struct pool_conn *c = &pool->conns[i];
                bool told = false;

                if (!c->host || !c->learned || c->leaves || c == teacher)
                        continue;
                for (size_t k = 0; k < hello->n_nodes && !told; k++)
                        told = hello->nodes[k]->host && is_at(c, hello->nodes[k]);
                if (told)
                        c->missing_since = 0;
                else if (!c->missing_since)
                        c->missing_since = pool->now;
                else if (pool->now - c->missing_since >= GONE_MS)
                        conn_leave(c);
        }
}

/* Two connections to one node: the learned one goes, or of two learned ones the older. */
static void twin_leave(struct client_pool *pool, struct pool_conn *c)
{
        for (size_t i = 0; i < pool->conn_count; i++) {
                struct pool_conn *other = &pool->conns[i];

                if (other == c || !other->host || other->leaves || other->state != POOL_READY ||
                    other->node != c->node || (!other->learned && !c->learned))
                        continue;
                conn_leave(other->learned ? other : c);
        }
}

static bool is_stranger(struct client_pool *pool, const struct pool_conn *c, const Chsm__HelloResponse *hello)
{
        if (hello->partition_id.len != sizeof(pool->partition))
                return c->learned;
        if (!pool->partition_known && !c->learned) {
                memcpy(pool->partition, hello->partition_id.data, sizeof(pool->partition));
                pool->partition_known = true;
        }
        return c->learned && memcmp(pool->partition, hello->partition_id.data, sizeof(pool->partition)) != 0;
}

/* Is a configured address still to say which node it is? The cluster may know that one by another name. */
static bool awaits_configured(const struct client_pool *pool)
{
        for (size_t i = 0; i < pool->conn_count; i++) {
                const struct pool_conn *c = &pool->conns[i];

                if (c->host && !c->learned && c->node == 0 && c->failures == 0)
                        return true;
        }
        return false;
}

bool pool_learn_take(struct client_pool *pool, struct pool_conn *c, const Chsm__HelloResponse *hello,
                     struct err *err)
{
        if (!pool->config.learn)
                return true;
        if (is_stranger(pool, c, hello) || (c->expected && c->expected != hello->node_number))
                return err_set(
                    err, ERR_CONNECT,
                    "at '%s' port %u is not node %u of this cluster, as another node told: see its "
                    "advertise_host",
                    c->host, (unsigned)c->port, c->expected);
        c->node = hello->node_number;
        c->learn_at = pool->now + LEARN_MS;
        if (hello->n_nodes > TOLD_MOST || !pool->partition_known)
                return true; /* no node of ours tells so many */
        twin_leave(pool, c);
        if (awaits_configured(pool)) {
                c->learn_at = pool->now + SOON_MS;
                return true;
        }
        for (size_t i = 0; i < hello->n_nodes; i++) {
                if (is_useful(c, hello->nodes[i]) && hello->nodes[i]->number != hello->node_number &&
                    !conn_of(pool, hello->nodes[i]))
                        conn_add(pool, hello->nodes[i]);
        }
        learned_note(pool, c, hello);
        return true;
}

int64_t pool_learn_due(const struct client_pool *pool, const struct pool_conn *c)
{
        bool asks = pool->config.learn && pool->in_flight && c->state == POOL_READY && !c->hello_id;

        return asks ? c->learn_at : INT64_MAX;
}

void pool_learn_step(struct client_pool *pool, struct pool_conn *c)
{
        if (c->leaves && (c->state != POOL_READY || (c->gauge->in_flight == 0 && !c->hello_id))) {
                struct err err = ERR_INIT;

                err_set(&err, ERR_CONNECT, "node %u is not told of any more", c->expected);
                log_info("node %u at %s port %u is not told of any more", c->expected, c->host,
                         (unsigned)c->port);
                pool_conn_down(pool, c, &err);
                buf_clear(&c->out);
                free((void *)(uintptr_t)c->host);
                *c = (struct pool_conn){ .gauge = c->gauge, .out = BUF_INIT };
        } else if (pool_learn_due(pool, c) <= pool->now) {
                c->learn_at = pool->now + LEARN_MS;
                if (!pool_conn_hello(pool, c, SLICE_EMPTY, SLICE_EMPTY))
                        pool_conn_break(c);
        }
}
