/* Versions of a key: what rotation makes of it. docs/key-life.md
 *
 * All versions have the same CKA_CHSM_KEY_FAMILY, label and id, and tell themselves apart by
 * CKA_CHSM_KEY_VERSION; a pair's halves are of one family. What a version that is no longer the current one
 * may not do, its usage attributes say, and they do not come back. A key that was never rotated has none of
 * these attributes: it is version 1 and current. */
#ifndef CHSM_VAULT_VERSION_H
#define CHSM_VAULT_VERSION_H

#include "vault/object.h"

struct vault_version {
        struct slice family; /* empty: never rotated */
        uint64_t number;     /* from 1 */
        uint64_t state;      /* CHSM_KEY_CURRENT ... */
};
struct vault_version vault_version_of(const struct vault_object *);

/* May the owner set this attribute so? ERR_ATTRIBUTE_READ_ONLY: it would give back what rotation or
 * retirement took. */
bool vault_version_allows(struct vault_call *, const struct vault_object *, uint64_t type,
                          struct slice value);
/* A copy is of no family, and keeps what was taken from its original. */
void vault_version_leave(struct vault_template *copy);
/* Turns off in t what a version in that state may not do, and says so in it. */
bool vault_version_take(struct vault_call *, struct vault_template *t, const struct vault_version *);
/* All versions the caller sees, of the object's class, into the answer. */
bool vault_version_list(struct vault_call *, const struct vault_object *, Chsm__ObjectInfoResponse *);

#endif
