/* Which objects have which attribute values, and who sees what: lists of handles, kept sorted.
 *
 * Values are indexed by hash, so a list may hold handles of other values too; whoever searches compares. The
 * owner locks. */
#ifndef CHSM_VAULT_INDEX_H
#define CHSM_VAULT_INDEX_H

#include "vault/object.h"

struct vault_posting {
        uint32_t *handles; /* ascending */
        size_t n, cap;
};

struct vault_index;
struct vault_index *vault_index_new(void);
void vault_index_free(struct vault_index **); /* NULL-safe */
bool vault_index_add(struct vault_index *, const struct vault_object *);
void vault_index_remove(struct vault_index *, const struct vault_object *);
/* NULL: that attribute is not indexed. An empty list when nothing has the value. */
const struct vault_posting *vault_index_value(const struct vault_index *, uint64_t type, struct slice value);
const struct vault_posting *vault_index_owner(const struct vault_index *, uint32_t user_id);
const struct vault_posting *vault_index_shared(const struct vault_index *, uint32_t user_id);
const struct vault_posting *vault_index_public(const struct vault_index *);
/* Position of the first handle above `after`. */
size_t vault_posting_after(const struct vault_posting *, uint32_t after);

#endif
