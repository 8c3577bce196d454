/* What a new object is when its template is silent. object_make.c calls these in their order. */
#ifndef CHSM_VAULT_OBJECT_RULES_H
#define CHSM_VAULT_OBJECT_RULES_H

#include "vault/object.h"

/* ERR_TEMPLATE_INCOMPLETE when an attribute the mode demands is missing. */
bool vault_rules_required(struct vault_call *, const struct vault_template *, uint64_t object_class,
                          uint32_t mode);
/* Defaults; refuses attributes the class does not have. */
bool vault_rules_defaults(struct vault_call *, struct vault_template *, uint64_t object_class,
                          uint64_t key_type);
/* Public components of the key; refuses a check value or public key info that is not its own. */
bool vault_rules_components(struct vault_call *, struct vault_template *, uint64_t object_class,
                            struct crypto_key *);
/* Unique id, origin and history. */
bool vault_rules_computed(struct vault_call *, struct vault_template *, uint64_t object_class,
                          const struct vault_origin *);
/* A new unique id. */
bool vault_rules_unique(struct vault_call *, struct vault_template *);
/* What attributes must be to each other, in a new object or one that changes: dates in order, recovery as
 * signing. changes: what the caller asked of an object that exists; NULL: it is new. */
bool vault_rules_agree(struct vault_call *, struct vault_template *, const struct vault_template *changes,
                       uint64_t object_class, uint64_t key_type);

#endif
