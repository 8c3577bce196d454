/* The second region: a node that follows the primary of another region, or is the primary that others
 * follow. What it asks the other region goes through a link that is handed in. docs/regions.md. */
#ifndef CHSM_CLUSTER_FOLLOW_H
#define CHSM_CLUSTER_FOLLOW_H

#include "cluster/join.h"

#define FOLLOW_MEET_MS 2000

/* A way to some node of the other region. */
struct cluster_link {
        /* Sends the request and waits for its answer, which lives in the arena; a refusal is an answer.
         * NULL: err, and the next call may reach another node. */
        const Chsm__Response *(*call)(void *arg, Chsm__Request *, struct arena *, struct err *);
        void *arg;
};

struct cluster_follow {
        const struct cluster_join *join; /* store, crypto, sealer, clock, identity, number, owner, folder */
        struct cluster_link link;
        const char *folder;  /* of the snapshot while it is fetched, and of lists of what is not seen */
        const char *address; /* of this node, host:port */
        int wait_ms;         /* how long the primary may wait for a change */
        uint8_t context[16]; /* cluster_follow_begin */
        struct arena *arena; /* the same */
        int64_t met_ms;
        bool filled; /* the store is to be filled: the node starts anew */
};

bool cluster_follow_begin(struct cluster_follow *, struct err *);
void cluster_follow_end(struct cluster_follow *);

/* Before the vault is opened: a store without a partition, or one whose filling was begun, is filled from a
 * snapshot of the other region. False: err, or told to give up (then ERR_NONE). */
bool cluster_follow_prepare(struct cluster_follow *, struct err *);
/* One turn beside the open vault: tells and hears who is primary; a follower asks for changes and applies
 * them. Takes about wait_ms when nothing happens. False: err, try again after a while. */
bool cluster_follow_step(struct cluster_follow *, struct vault *, struct err *);

/* ---- follow_ask.c: one question each; an answer that is a refusal gives its reason ---- */
const Chsm__Response *follow_ask(struct cluster_follow *, Chsm__Request *, Chsm__Response__BodyCase,
                                 struct err *);
/* Asks to be let in; the master key goes into the store, sealed for this node, unless one is there. */
bool follow_ask_join(struct cluster_follow *, struct err *);
/* Fetches a snapshot into the folder, under its name when it is whole. */
bool follow_ask_snapshot(struct cluster_follow *, struct err *);
char *follow_snapshot_path(const struct cluster_follow *);

/* ---- follow_fill.c: the snapshot in the folder becomes the store's content ---- */
/* Takes the store for being filled: from here on it serves nothing until that is done. *taken false: another
 * node of this region is at it. */
bool follow_fill_begin(struct cluster_follow *, bool *taken, struct err *);
/* Puts, changes and deletes what differs; keys of this region's own nodes stay. */
bool follow_fill(struct cluster_follow *, struct err *);

#endif
