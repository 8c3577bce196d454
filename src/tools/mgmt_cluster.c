/* The cluster's nodes: what they are and how they are. */
#include "tools/mgmt.h"
#include "base/text.h"

#include <stdio.h>

/* By their numbers in Node.health. */
static const char *health_name(uint32_t health)
{
        static const char *const names[] = { "unknown", "serving", "draining",       "behind", "cut off",
                                             "silent",  "ended",   "out of service", "removed" };

        return names[health < sizeof(names) / sizeof(names[0]) ? health : 0];
}

static void heard_text(const Chsm__Node *n, char *out, size_t size)
{
        if (n->never_heard)
                (void)snprintf(out, size, "never");
        else
                (void)snprintf(out, size, "%llu.%llu s", (unsigned long long)(n->heard_ms / 1000),
                               (unsigned long long)(n->heard_ms % 1000 / 100));
}

static void nodes_show(struct shell *sh, const Chsm__ClusterInfoResponse *r)
{
        char heard[32];

        shell_say(sh, "Node Id  Hostname              Port\n");
        for (size_t i = 0; i < r->n_nodes; i++)
                shell_say(sh, "%-8u %-21s %u\n", r->nodes[i]->number, r->nodes[i]->host, r->nodes[i]->port);
        shell_say(sh, "Name          Zone          Health          Version       Revision  Lag  In flight  "
                      "Per second  CPU  Heard\n");
        for (size_t i = 0; i < r->n_nodes; i++) {
                const Chsm__Node *n = r->nodes[i];

                heard_text(n, heard, sizeof(heard));
                shell_say(sh, "%-13s %-13s %-15s %-12s %9lld %4lld %10u %11u %3u%%  %s\n", n->name,
                          n->zone[0] ? n->zone : "-", health_name(n->health), n->version,
                          (long long)n->revision, (long long)n->lag, n->in_flight, n->per_second,
                          (n->cpu_permille + 5) / 10, heard);
        }
        shell_say(sh, "Store: %s at revision %lld; %u of %u members answer; changes are %s\n", r->store,
                  (long long)r->store_revision, r->store_answering, r->store_members,
                  r->changes_possible ? "possible" : "not possible now");
}

static json_t *node_json(const Chsm__Node *n)
{
        return json_pack("{s:i,s:s,s:i,s:s,s:s,s:s,s:b,s:s,s:I,s:I,s:i,s:i,s:i,s:o}", "node", (int)n->number,
                         "hostname", n->host, "port", (int)n->port, "name", n->name, "zone", n->zone,
                         "health", health_name(n->health), "connected", n->connected, "version", n->version,
                         "revision", (json_int_t)n->revision, "lag", (json_int_t)n->lag, "in_flight",
                         (int)n->in_flight, "per_second", (int)n->per_second, "cpu_percent",
                         (int)(n->cpu_permille + 5) / 10, "heard_ms",
                         n->never_heard ? json_null() : json_integer((json_int_t)n->heard_ms));
}

static json_t *store_json(const Chsm__ClusterInfoResponse *r)
{
        return json_pack("{s:s,s:i,s:i,s:b,s:I}", "engine", r->store, "members", (int)r->store_members,
                         "answering", (int)r->store_answering, "changes_possible", r->changes_possible,
                         "revision", (json_int_t)r->store_revision);
}

static void cluster_json(struct shell *sh, const Chsm__ClusterInfoResponse *r)
{
        json_t *nodes = json_array();

        for (size_t i = 0; i < r->n_nodes; i++)
                (void)json_array_append_new(nodes, node_json(r->nodes[i]));
        shell_set(sh, "node", json_integer((json_int_t)r->node));
        shell_set(sh, "nodes", nodes);
        shell_set(sh, "store", store_json(r));
}

static uint32_t cluster_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__ClusterInfoRequest body = CHSM__CLUSTER_INFO_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        (void)argc;
        (void)argv;
        request.cluster_info = &body;
        request.body_case = CHSM__REQUEST__BODY_CLUSTER_INFO;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        if (rv == 0) {
                shell_say(sh, "Cluster info from server %zu(%s):\n", index, s->host);
                nodes_show(sh, answer.response->cluster_info);
                cluster_json(sh, answer.response->cluster_info);
        }
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t get_cluster_info(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, NULL, cluster_one, argc, argv);
}

static uint32_t remove_at(struct shell *sh, struct mgmt_server *s, uint32_t number)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__RemoveNodeRequest body = CHSM__REMOVE_NODE_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        body.number = number;
        request.remove_node = &body;
        request.body_case = CHSM__REQUEST__BODY_REMOVE_NODE;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        chsm_answer_clear(&answer);
        return rv;
}

/* One of the servers in scope is asked, another one than the node itself if there is one. */
static uint32_t remove_node(struct shell *sh, int argc, char **argv)
{
        struct mgmt *m = mgmt_of(sh);
        uint64_t number = 0;
        size_t chosen = m->count;
        uint32_t rv;

        (void)argc;
        if (!text_number(argv[1], 1, UINT32_MAX, &number))
                return shell_fail(sh, ERR_USAGE, "'%s' is no node number; getClusterInfo lists them",
                                  argv[1]);
        for (size_t i = 0; i < m->count; i++) {
                const struct chsm *c = m->servers[i].chsm;

                if (!c || (m->scope >= 0 && (size_t)m->scope != i))
                        continue;
                if (chosen == m->count || chsm_hello(m->servers[chosen].chsm)->node_number == number)
                        chosen = i;
        }
        if (chosen == m->count)
                return shell_fail(sh, ERR_CONNECT, "no server is connected");
        rv = remove_at(sh, &m->servers[chosen], (uint32_t)number);
        if (rv == 0)
                mgmt_success(sh, "removeNode", chosen);
        return rv;
}

const struct shell_command mgmt_cluster_rows[] = {
        { "getClusterInfo", "", "list the cluster's nodes, how they are, and the store's quorum", 0, 0, false,
          get_cluster_info, "getClusterInfo", SHELL_ANYWHERE },
        { "removeNode", "NODE_ID",
          "take a node that has ended out for good; its certificate lets it in no more", 1, 1, false,
          remove_node, "removeNode 3", SHELL_ANYWHERE },
        { 0 },
};
