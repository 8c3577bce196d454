/* What the program around the vault tells it as a node among others, and asks of it. vault_member_say, in
 * vault.h, passes it on to the other nodes. */
#ifndef CHSM_VAULT_CLUSTER_H
#define CHSM_VAULT_CLUSTER_H

#include "vault/vault.h"

#define VAULT_ZONE_MAX 31 /* bytes of a zone's name */

/* How a node is, as it says of itself or as another sees it. Numbers travel in Node.health. */
enum vault_health {
        VAULT_SERVING = 1,
        VAULT_DRAINING = 2, /* finishes what it has, takes nothing new */
        VAULT_BEHIND = 3,   /* it has not applied all of the store yet */
        VAULT_CUT_OFF = 4,  /* from the store's quorum: keys in use only, for a while */
        VAULT_SILENT = 5,   /* not heard of */
        VAULT_ENDED = 6,    /* it was drained and has ended */
        VAULT_OUT_OF_SERVICE = 7,
        VAULT_REMOVED = 8, /* by an officer; what is left of it is that its number is its name's */
};
const char *vault_health_name(enum vault_health); /* "serving"; for numbers that are none: "unknown" */

/* How busy this node is, over the last second or so. */
struct vault_load {
        uint32_t in_flight, per_second; /* requests */
        uint32_t cpu_permille;          /* of all its processors */
};
void vault_set_load(struct vault *, const struct vault_load *);
/* What the store's members say. */
void vault_set_store_health(struct vault *, const struct store_health *);

/* From now on new work is refused with ERR_DRAINING wherever another node is connected; streams go on. The
 * others are told with the next vault_member_say. */
void vault_drain(struct vault *);
/* Has nothing been done lately that only this node can finish? Requests under way are the caller's to count.
 */
bool vault_drained(struct vault *);
/* Tells the others that this node has ended, as the last thing it does. */
bool vault_member_end(struct vault *, struct err *);
/* An officer took this node out: it is to end. */
bool vault_removed(struct vault *);

/* A node that asked was let in by this one, or refused. */
void vault_count_join(struct vault *, bool let_in);

/* For the metrics. */
struct vault_cluster_metrics {
        enum vault_health health; /* this node's own */
        int64_t cut_off_ms;       /* for how long it has had no contact to the store's quorum; 0: it has */
        int64_t stale_limit_ms;
        unsigned nodes, nodes_connected;
        struct store_health store;
        int64_t lag;               /* revisions of the store that this node has not applied */
        uint64_t refused_cut_off;  /* requests refused because the node was cut off */
        uint64_t answered_cut_off; /* and those that were served all the same */
        uint64_t joins, joins_refused;
};
void vault_cluster_metrics(struct vault *, struct vault_cluster_metrics *);

#endif
