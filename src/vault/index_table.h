/* The hash table of the index: a name leads to one handle, or to a list. Made for tens of millions of names,
 * most of which have one handle. */
#ifndef CHSM_VAULT_INDEX_TABLE_H
#define CHSM_VAULT_INDEX_TABLE_H

#include "base/slice.h"
#include "vault/posting.h"

struct vault_table;
struct vault_table *vault_table_new(void);
void vault_table_free(struct vault_table **); /* NULL-safe; with all lists */
/* A name: what is listed, for whom, and its value. Never 0. */
uint64_t vault_table_name(uint64_t what, uint32_t scope, struct slice value);
bool vault_table_add(struct vault_table *, uint64_t name, uint32_t handle);
void vault_table_remove(struct vault_table *, uint64_t name, uint32_t handle);
/* How many handles the name has, and a cursor on the first above `after`. */
size_t vault_table_find(const struct vault_table *, uint64_t name, uint32_t after, struct vault_cursor *);

#endif
