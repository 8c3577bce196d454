/* What the cluster's cloning protocol needs of a partition: its master key leaves the vault only sealed under
 * a key that src/cluster has agreed on with a node whose certificate it has checked. DESIGN sections 5.6
 * and 7. */
#ifndef CHSM_VAULT_CLONE_H
#define CHSM_VAULT_CLONE_H

#include "vault/vault.h"

/* Appends the master key, sealed under key (32 bytes). */
bool vault_clone_seal(struct vault *, struct slice key, struct slice aad, struct buf *out, struct err *);
/* Appends the partition key's signature over data, and its certificates. ERR_CERT_ABSENT before the owner
 * came. */
bool vault_clone_sign(struct vault *, struct slice data, struct buf *signature, struct err *);
bool vault_clone_certificates(struct vault *, struct buf *owner, struct buf *poac, struct err *);
/* Did the owner's key (PO.key) sign data: RSA, SHA-256, PKCS#1 v1.5? */
bool vault_clone_owner_signed(struct vault *, struct slice data, struct slice signature, struct err *);
/* Does the partition's policy ask for that of every new node? And the guard under which the answer holds:
 * this node may be behind. */
bool vault_clone_needs_owner(struct vault *, struct store_guard *);

/* The partition's id in the record p/state as it stands in the store, for a node that cannot check it yet. */
bool vault_clone_partition_id(struct slice record, struct slice *id);

/* Keys in a store that is being filled, for who has no vault yet: src/vault/region.h. */
#define VAULT_CLONE_REGION  SLICE_LIT("z/region")
#define VAULT_CLONE_LOADING SLICE_LIT("z/loading")

#endif
