/* What the documented tools ask of new keys besides their attributes: users that may use them from the start,
 * and a CKA_ID that nothing else has. */
#ifndef CHSM_VAULT_WISH_H
#define CHSM_VAULT_WISH_H

#include "vault/object.h"

/* Users by id, each another crypto user than the owner and standing once, for a token key: into out. */
bool vault_wish_sharers(struct vault_call *, const uint64_t *ids, size_t n, const struct vault_template *,
                        uint32_t out[VAULT_SHARED_MAX]);
/* ERR_ATTRIBUTE_VALUE when an object the caller sees has the template's CKA_ID. */
bool vault_wish_id_free(struct vault_call *, const struct vault_template *);

#endif
