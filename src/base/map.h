/* A hash map from byte strings to pointers. Keys are copied; values belong to the caller. SipHash-keyed per
 * process, so chosen keys cannot be made to collide. Not thread-safe: the owner locks. */
#ifndef CHSM_BASE_MAP_H
#define CHSM_BASE_MAP_H

#include "base/slice.h"

struct map;

struct map *map_new(void);
void map_free(struct map **); /* NULL-safe; values are not touched */
/* Frees each value first. */
void map_free_values(struct map **, void (*free_value)(void *value));
size_t map_count(const struct map *);
void *map_get(const struct map *, struct slice key); /* NULL when absent */
/* Sets; *old (may be NULL) receives the replaced value or NULL. False: out of memory, nothing changed. */
bool map_put(struct map *, struct slice key, void *value, void **old);
void *map_remove(struct map *, struct slice key); /* the value, or NULL when absent */
/* Calls visit for every entry until it returns false; the map must not be changed meanwhile. */
void map_each(const struct map *, bool (*visit)(void *arg, struct slice key, void *value), void *arg);

/* SipHash-2-4 of the bytes under the process's random key. */
uint64_t map_hash(struct slice);

#endif
