/* Two regions with one partition: which of them is primary, which follows, and how one takes over.
 * docs/regions.md.
 *
 * Store keys: z/region what this region is (absent: a primary that never had another region); z/f/<u32 node>
 * nodes of the other region that may follow; z/loading (not a record, nobody has to believe it): a snapshot
 * is being put into the store, which serves nothing meanwhile. None of them leaves the region, and z/ is last
 * in order, so that a revision's changes are applied before the place of the feed moves on. */
#ifndef CHSM_VAULT_REGION_H
#define CHSM_VAULT_REGION_H

#include "vault/core.h"
#include "vault/region_batch.h"

enum vault_region_role { VAULT_PRIMARY = 1, VAULT_FOLLOWER = 2, VAULT_FENCED = 3 };

#define VAULT_REGION_PEER      320
#define VAULT_REGION_FOLLOWERS 16
#define VAULT_REGION_BEAT_MS   5000
/* Revisions as clients see them have the epoch in front of the store's own, so that one of a region that was
 * superseded is always less, and one of the region that took over always more. */
#define VAULT_REGION_REV_BITS 40

struct vault_region_record {
        enum vault_region_role role;
        uint64_t epoch;   /* of the latest promotion that this region knows to be its own or its primary's */
        uint32_t by;      /* node that wrote the role */
        store_rev source; /* follower: of the primary, applied here; primary: where it took over */
        int64_t contact_ms;           /* follower: wall clock when the primary was heard */
        uint64_t seen_epoch;          /* fenced: of the region that took over; 0: none yet */
        store_rev seen;               /* fenced: what that region has of this one */
        bool rejoin;                  /* fenced: follow that region now, with a snapshot of it */
        char peer[VAULT_REGION_PEER]; /* the primary as this region knows it: host:port */
};

/* A node of the other region that may read the feed. */
struct vault_region_follower {
        uint32_t number;
        char name[64];
        uint8_t certificate[32];
        int64_t admitted_ms;
        store_rev acked;
        int64_t heard_ms; /* wall clock */
        store_rev rev;    /* of the record; 0: no such follower */
        int64_t said_ms;  /* monotonic: when it was written last by this node */
};

bool vault_region_open(struct vault *, struct err *);
void vault_region_close(struct vault *); /* NULL-safe */
/* What this region is, and the revision of the record (0: none). */
void vault_region_now(struct vault *, struct vault_region_record *, store_rev *rev);
enum vault_region_role vault_region_role(struct vault *);
/* The record as it stands in the store, for the other region; empty when there is none. */
bool vault_region_write(struct vault *, const struct vault_region_record *, struct buf *out);
bool vault_region_read(struct vault *, struct slice value, struct vault_region_record *, struct err *);
size_t vault_region_followers(struct vault *, struct vault_region_follower out[VAULT_REGION_FOLLOWERS]);

/* ---- for dispatch ---- */
/* May this command be done in this region now? ERR_REGION says where it can be. */
bool vault_region_admit(struct vault *, const struct vault_command *, struct err *);
/* The same of a command that is about to change something. */
bool vault_region_may_write(struct vault *, const struct vault_command *, struct err *);
/* Whether changes are to be guarded by what the region is, and that guard. */
bool vault_region_guard(struct vault *, struct store_guard *);
/* The revision told to clients, and whether this node has what a client has seen. */
int64_t vault_region_revision(struct vault *, store_rev committed);
bool vault_region_is_behind(struct vault *, int64_t min_revision);
void vault_region_wait(struct vault *, int64_t min_revision, int64_t wait_ms);
/* The store's revision of one that was told; 0: it is of another history, or not of this region's store. */
store_rev vault_region_until(struct vault *, int64_t told);
/* The caller has seen a region that took over from this one: ERR_REGION. */
bool vault_region_is_superseded(struct vault *, int64_t min_revision, struct err *);

/* ---- region_follow.c: what the applier tells the vault ---- */
/* Commits whole revisions of a batch, and the place in the feed with them. upto: the batch leaves nothing out
 * until there. */
bool vault_region_apply(struct vault *, struct slice changes, store_rev upto, struct err *);
struct vault_region_notes {
        store_rev head;    /* of the primary */
        int64_t level_ms;  /* monotonic: when this region had all; 0: not yet */
        int64_t apply_ms;  /* of the last changes; -1: none yet */
        int64_t heard_ms;  /* monotonic; 0: not yet */
        bool fenced;       /* the primary takes no changes */
        char trouble[256]; /* empty: none */
};
void vault_region_note(struct vault *, const struct vault_region_notes *);
void vault_region_notes(struct vault *, struct vault_region_notes *);
/* Judges the other region's record (empty: it never had another one): true when something was written. */
bool vault_region_meet(struct vault *, struct slice record, const char *address, bool *changed, struct err *);

/* ---- region_feed.c ---- */
bool vault_feeds_open(struct vault *, struct err *);
void vault_feeds_close(struct vault *); /* NULL-safe */

/* ---- what src/cluster and the program do for the vault ---- */
struct vault_region_host {
        /* May the node that sends this request follow? Its name, number and the hash of its certificate; and
         * the answer, with the master key sealed for it. */
        bool (*admit)(void *arg, struct slice request, struct vault_region_follower *, struct buf *answer,
                      struct err *);
        const char *address; /* of this node, host:port */
        bool asks;           /* it has a node of the other region to ask (region_peer) */
        int64_t
            lease_ms; /* a primary with followers that has not heard of one takes no changes; 0: it does */
        void *arg;
};
/* Before the first call. */
void vault_set_region(struct vault *, const struct vault_region_host *);
/* The store was filled anew: the node is to start anew. */
bool vault_region_is_stale(struct vault *);

/* What the owner signs so that this region may take over; any time before. */
bool vault_region_statement(struct vault *, struct buf *out, struct err *);
/* Writes the audit records of this region that the one that took over does not have. */
struct vault_region_unseen {
        store_rev since;
        uint64_t count;
        struct buf lines;
        uint64_t limit; /* of lines */
        size_t bytes;   /* of lines at most */
};
bool vault_region_unseen(struct vault *, struct vault_region_unseen *, struct err *);

#endif
