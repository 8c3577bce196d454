/* Lists of handles, ascending, that stay quick when they are long: insertion moves one chunk, not the list.
 */
#ifndef CHSM_VAULT_POSTING_H
#define CHSM_VAULT_POSTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vault_chunk;
struct vault_posting {
        struct vault_chunk **chunks;
        size_t chunk_count, chunk_cap;
        size_t n; /* handles */
};

void vault_posting_clear(struct vault_posting *);
/* Once is enough. False: no memory, and nothing changed. */
bool vault_posting_add(struct vault_posting *, uint32_t handle);
void vault_posting_remove(struct vault_posting *, uint32_t handle);

/* A place in a list, or one handle that needs no list. Valid until the list changes. */
struct vault_cursor {
        const struct vault_posting *list; /* NULL: one */
        size_t chunk, at;
        uint32_t one; /* 0: nothing */
};
/* The first handle above `after`. */
struct vault_cursor vault_posting_after(const struct vault_posting *, uint32_t after);
/* The handle it stands on; false at the end. */
bool vault_cursor_peek(const struct vault_cursor *, uint32_t *handle);
void vault_cursor_next(struct vault_cursor *);

#endif
