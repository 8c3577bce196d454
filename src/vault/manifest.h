/* The manifest of a backup: what rights and keys there were, so that an older backup can be told from what
 * came later. Pure values. */
#ifndef CHSM_VAULT_MANIFEST_H
#define CHSM_VAULT_MANIFEST_H

#include "vault/quorum.h"
#include "vault/setting.h"

struct vault_manifest_user {
        uint32_t id;
        uint8_t role;
        uint64_t epoch; /* grows when the password changes */
        uint32_t rights;
        uint8_t flags; /* 1: quorum key, 2: second factor */
        char name[32];
};
struct vault_manifest_key {
        uint32_t handle;
        uint8_t flags; /* 1: trusted */
};
struct vault_manifest {
        struct vault_settings settings;
        uint8_t quorum[VAULT_SERVICES];
        struct vault_manifest_user *users; /* ascending by id */
        size_t user_count;
        struct vault_manifest_key *keys; /* ascending by handle */
        size_t key_count;
};
/* Of the partition as this node knows it now. */
bool vault_manifest_of(struct vault *, struct vault_manifest *, struct err *);
void vault_manifest_clear(struct vault_manifest *);
void vault_manifest_encode(const struct vault_manifest *, struct buf *);
bool vault_manifest_decode(struct reader *, struct vault_manifest *);

/* Lines "- ...\n", one for each thing that going back from `now` to `then` would undo; none: nothing. */
void vault_manifest_compare(const struct vault_manifest *then, const struct vault_manifest *now,
                            struct buf *lines);

#endif
