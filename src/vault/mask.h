/* Masked objects: one key or user, sealed so that this security domain alone can open it: the partition, its
 * clones, and what its backups are restored into, as they share the master key. spec/semantics.md 12.
 *
 * Layout (big-endian): magic (8), version (u16), kind (u8), partition id (16), salt (16), time of masking
 * (u64), length of the rest (u32): all this is associated data. Then nonce, ciphertext and tag of AES-256-GCM
 * under a key derived from master key and salt. */
#ifndef CHSM_VAULT_MASK_H
#define CHSM_VAULT_MASK_H

#include "vault/object.h"

enum vault_mask_kind { VAULT_MASK_KEY = 1, VAULT_MASK_USER = 2 };

#define VAULT_MASK_VERSION 1
#define VAULT_MASK_HEADER  55 /* bytes */

/* What a masked key says besides the object's own body. */
struct vault_masked_key {
        uint32_t handle;                       /* that it had */
        uint32_t life;                         /* what was remembered of its value: marks of lives.h */
        struct slice owner;                    /* name */
        struct slice sharer[VAULT_SHARED_MAX]; /* names, in the order of the body's ids */
        size_t sharers;
        struct slice body; /* vault_object_encode's; secret */
};

/* ---- mask.c: the form ---- */
/* Appends the masked object. plain is secret. */
bool vault_mask_seal(struct vault *, enum vault_mask_kind, struct slice plain, struct buf *out, struct err *);
/* The plain content; ERR_MASK_FORMAT, _LENGTH, _FOREIGN or _ALTERED. Caller frees. */
struct sec *vault_mask_open(struct vault *, struct slice masked, enum vault_mask_kind *, struct err *);
/* Header checks only, for whoever has no vault: what fuzz tests see first. */
bool vault_mask_read_header(struct slice masked, enum vault_mask_kind *, struct slice *partition_id,
                            struct slice *salt, struct slice *sealed, struct err *);
struct sec *vault_masked_key_encode(const struct vault_masked_key *);
/* Lends from plain. */
bool vault_masked_key_decode(struct slice plain, struct vault_masked_key *);

/* ---- mask_memory.c: keys that were masked, by fingerprint; a record is never deleted ---- */
bool vault_masks_open(struct vault *, struct err *);
void vault_masks_close(struct vault *); /* NULL-safe */

struct vault_mask_memory {
        struct slice store_key; /* in the call's arena */
        store_rev rev;          /* 0: no record */
        bool deleted;           /* the last object with this value was deleted here */
        uint32_t history;       /* of that object */
        uint32_t owner;         /* of that object; 0: not known, an old record */
        struct slice kept;      /* what restricted it, a template of ck/encoding.h; in the call's arena */
        uint32_t changes;       /* grows with each write */
};
bool vault_mask_memory_of(struct vault_call *, const struct vault_object *, struct crypto_key *,
                          struct vault_mask_memory *);
/* Writes the record, guarded by its revision. Of what is not deleted owner and restrictions are not kept. */
bool vault_mask_memory_put(struct vault_call *, const struct vault_mask_memory *, bool deleted,
                           uint32_t history);
/* The object is being deleted: when there are masked copies of it, what it has been through is remembered. */
bool vault_mask_deleted(struct vault_call *, struct vault_object *);

bool vault_masks_apply(struct vault *, const struct store_event *, struct err *); /* b/ */

/* ---- mask_command.c ---- */
bool vault_extract_masked(struct vault_call *);
bool vault_insert_masked(struct vault_call *);

/* ---- mask_insert.c ---- */
bool vault_mask_insert_key(struct vault_call *, struct slice plain);
bool vault_mask_insert_user(struct vault_call *, struct slice plain);
/* Officers have no power over a user who closed his account to them, nor over his keys. */
bool vault_mask_may_manage(struct vault_call *, uint32_t user_id);

#endif
