/* Memory for the life of one request: many small allocations, one wipe.
 *
 * A first block is kept between requests, so a hot path allocates nothing. arena_reset wipes every byte that
 * was handed out. Not thread-safe: one arena belongs to one thread at a time. */
#ifndef CHSM_BASE_ARENA_H
#define CHSM_BASE_ARENA_H

#include "base/slice.h"

struct arena;

/* first_block: bytes kept between resets; limit: most bytes one request may use (then arena_alloc gives
 * NULL). */
struct arena *arena_new(size_t first_block, size_t limit);
void arena_free(struct arena **); /* wipes; NULL-safe */
void arena_reset(struct arena *); /* wipes and makes everything handed out invalid */
/* n bytes aligned for any type, zeroed; NULL when the limit or the memory is exhausted. */
void *arena_alloc(struct arena *, size_t n);
/* A copy of the bytes; an empty slice gives a non-NULL pointer. */
struct slice arena_copy(struct arena *, struct slice);
/* A NUL-terminated copy, or NULL. */
char *arena_text(struct arena *, struct slice);
char *arena_printf(struct arena *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
size_t arena_used(const struct arena *);

#endif
