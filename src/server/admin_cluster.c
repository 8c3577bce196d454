#include "server/admin.h"
#include "vault/cluster.h"

static void put(struct buf *out, const char *name, const char *type, const char *help, uint64_t value)
{
        buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, help, name, type, name,
                   (unsigned long long)value);
}

void admin_put_cluster(struct server *s, struct buf *out)
{
        struct vault_cluster_metrics m;
        const struct clock clock = clock_system();

        vault_cluster_metrics(s->node->vault, &m);
        certificates_put(s->node->certificates, clock_wall_ms(&clock), out);
        put(out, "chsm_node_health", "gauge",
            "This node: 1 serving, 2 draining, 3 behind, 4 cut off, 7 out of service.", m.health);
        put(out, "chsm_cluster_nodes", "gauge", "Nodes of the cluster.", m.nodes);
        put(out, "chsm_cluster_nodes_connected", "gauge", "Of them, those heard of lately.",
            m.nodes_connected);
        put(out, "chsm_store_members", "gauge", "Members of the store.", m.store.members);
        put(out, "chsm_store_members_answering", "gauge", "Of them, those that answer this node.",
            m.store.answering);
        put(out, "chsm_store_changes_possible", "gauge", "1: a majority answers and has a leader.",
            m.store.changes_possible);
        put(out, "chsm_store_revision", "gauge", "Newest store revision that a member told.",
            (uint64_t)m.store.rev);
        put(out, "chsm_revision_lag", "gauge", "Store revisions this node has not applied.", (uint64_t)m.lag);
        buf_printf(
            out,
            "# HELP chsm_cut_off_seconds How long this node has had no contact with the store's quorum.\n"
            "# TYPE chsm_cut_off_seconds gauge\nchsm_cut_off_seconds %lld.%03lld\n",
            (long long)(m.cut_off_ms / 1000), (long long)(m.cut_off_ms % 1000));
        put(out, "chsm_stale_limit_seconds", "gauge", "After that it serves no more until it is back.",
            (uint64_t)(m.stale_limit_ms / 1000));
        put(out, "chsm_cut_off_refusals_total", "counter", "Requests refused because the node was cut off.",
            m.refused_cut_off);
        put(out, "chsm_cut_off_answers_total", "counter",
            "Requests served while the node was cut off, from what it has in memory.", m.answered_cut_off);
        put(out, "chsm_joins_total", "counter", "Nodes that this one has let in.", m.joins);
        put(out, "chsm_joins_refused_total", "counter",
            "Requests of nodes to join that this one has refused: alarm when it grows.", m.joins_refused);
        put(out, "chsm_requests_in_flight", "gauge", "Requests under way in the pools.",
            atomic_load(&s->in_flight));
}
