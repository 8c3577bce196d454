/* Inside the regions: what region*.c share. */
#ifndef CHSM_VAULT_REGION_INTERNAL_H
#define CHSM_VAULT_REGION_INTERNAL_H

#include "vault/clone.h"
#include "vault/region.h"

#define VAULT_REGION_KEY  VAULT_CLONE_REGION
#define VAULT_LOADING_KEY VAULT_CLONE_LOADING

struct vault_feeds; /* region_feed.c */

struct vault_region {
        pthread_mutex_t lock; /* record to notes */
        struct vault_region_record record;
        store_rev rev; /* of the record; 0: none */
        struct vault_region_follower followers[VAULT_REGION_FOLLOWERS];
        struct vault_region_notes notes;
        _Atomic int role; /* of the record, as are the next two */
        _Atomic uint64_t epoch;
        _Atomic int64_t source;   /* follower: also what was level without being written */
        _Atomic int64_t heard_ms; /* monotonic: of the other region; 0: not yet */
        _Atomic bool loading, stale;
        _Atomic bool paired; /* there is or was another region: changes are guarded by what this one is */
        struct vault_region_host host;
        struct vault_feeds *feeds;
};

bool vault_follower_write(struct vault *, const struct vault_region_follower *, struct slice key,
                          struct buf *out);
bool vault_region_is_loading(struct vault *);
/* The node of the other region whose certificate the caller shows; false: err. */
bool vault_follower_of(struct vault_call *, struct vault_region_follower *);
/* Puts the follower's record into the call's transaction. */
bool vault_follower_put(struct vault_call *, const struct vault_region_follower *);
/* Puts the region's record into the call's transaction, guarded by the present one. */
bool vault_region_put(struct vault_call *, const struct vault_region_record *, store_rev rev);

#endif
