/* Which objects have which attributes, by who sees them.
 *
 * A scope is a set of people who see the same objects: each user has one for what he owns and is given to
 * use, all share the one of public objects. A search looks into the caller's scopes only, so neither what it
 * finds nor how long it takes tells of other people's objects.
 *
 * In a scope there are lists by value, for every attribute that is no boolean, and lists by kind: class, key
 * type and all booleans together. Values are listed under a hash, so a list may hold handles of other values
 * too; whoever searches compares. The owner locks. */
#ifndef CHSM_VAULT_INDEX_H
#define CHSM_VAULT_INDEX_H

#include "vault/object.h"
#include "vault/posting.h"

struct vault_index;
struct vault_index *vault_index_new(void);
void vault_index_free(struct vault_index **); /* NULL-safe */
bool vault_index_add(struct vault_index *, const struct vault_object *);
void vault_index_remove(struct vault_index *, const struct vault_object *);
/* Objects a user owns. */
size_t vault_index_owned(const struct vault_index *, uint32_t user_id);

#define VAULT_WALK_MAX 96 /* lists read as one */

/* Handles of several lists, ascending, each once. Valid until the index changes. */
struct vault_walk {
        struct vault_cursor cursors[VAULT_WALK_MAX];
        size_t n;
};
/* What can match the template among what a user sees (0: nobody is logged in), after a handle. */
void vault_index_search(const struct vault_index *, uint32_t user_id, const struct vault_template *,
                        uint32_t after, struct vault_walk *);
/* What a user owns or is given to use (0: everything), after a handle. */
void vault_index_list(const struct vault_index *, uint32_t user_id, uint32_t after, struct vault_walk *);
bool vault_walk_next(struct vault_walk *, uint32_t *handle);

#endif
