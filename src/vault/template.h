/* Templates: lists of attributes in canonical form, ascending by type, each type once. */
#ifndef CHSM_VAULT_TEMPLATE_H
#define CHSM_VAULT_TEMPLATE_H

#include "base/arena.h"
#include "vault/core.h"

struct vault_attribute {
        uint64_t type;
        struct slice value;
};

#define VAULT_TEMPLATE_MAX 96

struct vault_template {
        struct vault_attribute items[VAULT_TEMPLATE_MAX];
        size_t n;
};

/* Reads what a caller sent. mode: the CK_IN_ bit of the template, or 0 for a search, where any known
 * attribute may stand. Refuses unknown, repeated, malformed, read-only and misplaced attributes. Values are
 * lent. */
bool vault_template_read(struct vault_call *, Chsm__Attribute *const *, size_t n, uint32_t mode,
                         struct vault_template *);
/* NULL pointer: absent. */
struct slice vault_template_get(const struct vault_template *, uint64_t type);
bool vault_template_has(const struct vault_template *, uint64_t type);
/* The value, or fallback when absent. */
bool vault_template_bool(const struct vault_template *, uint64_t type, bool fallback);
uint64_t vault_template_number(const struct vault_template *, uint64_t type, uint64_t fallback);
/* Adds or replaces; the value is lent. False: too many attributes (call->err). */
bool vault_template_set(struct vault_call *, struct vault_template *, uint64_t type, struct slice value);
bool vault_template_set_bool(struct vault_call *, struct vault_template *, uint64_t type, bool);
bool vault_template_set_number(struct vault_call *, struct vault_template *, uint64_t type, uint64_t);
void vault_template_remove(struct vault_template *, uint64_t type);
/* In any ascending list. */
const struct vault_attribute *vault_attribute_find(const struct vault_attribute *, size_t n, uint64_t type);

#endif
