/* The audit log as it leaves the node: signed manifests, and bridges over what was purged. docs/logs.md */
#ifndef CHSM_VAULT_AUDIT_EXPORT_H
#define CHSM_VAULT_AUDIT_EXPORT_H

#include "audit/export.h"
#include "vault/core.h"

/* ---- audit_bridge.c: d/b/<u32 node>, this node's bridges in one record ---- */
struct vault_bridge {
        char chain[AUDIT_CHAIN_NAME];
        uint64_t next; /* sequence of the first record that was not purged */
        uint8_t start[AUDIT_HASH_SIZE];
        struct slice line, signature; /* audit_bridge_format */
};
struct vault_bridges {
        struct vault_bridge rows[AUDIT_CHAINS_MAX];
        size_t n;
        store_rev rev; /* 0: no record */
};
/* In arena memory; NULL: err. */
struct vault_bridges *vault_bridges_read(struct vault *, struct arena *, struct err *);
/* NULL: nothing of the chain was purged. */
const struct vault_bridge *vault_bridge_of(const struct vault_bridges *, const char *chain);
/* Puts the chain's bridge in place of its old one; signs it. False: err of the call. */
bool vault_bridge_set(struct vault_call *, struct vault_bridges *, const struct audit_bridge *);
bool vault_bridges_put(struct vault_call *, const struct vault_bridges *);

/* By the partition key, over the text; in arena memory. */
bool vault_audit_sign(struct vault *, struct arena *, struct slice text, struct slice *signature,
                      struct err *);
/* Store keys of a lane's records: all of them, or those whose sequence agrees in all but its last byte.
 * Empty: no memory. */
struct slice vault_lane_records(struct vault_call *, uint32_t lane);
struct slice vault_lane_block(struct arena *, uint32_t node, uint32_t lane, uint64_t sequence);

#endif
