/* The words of refusals about keys: which rule, what it looked at, who may change it and how. Codes are those
 * of policy_rule_rows.c. */
#ifndef CHSM_VAULT_POLICY_WORDS_H
#define CHSM_VAULT_POLICY_WORDS_H

#include "ck/attribute.h"
#include "vault/policy.h"
#include "vault/policy_model.h"

/* Each sets call->err and is false. */
bool vault_words_not_owner(struct vault_call *, const struct vault_object *, enum err_id, const char *what);
/* A usage attribute that is FALSE. name: "CKA_SIGN". */
bool vault_words_usage(struct vault_call *, const struct vault_object *, const char *name);
/* An attribute that only officers change. */
bool vault_words_officer_only(struct vault_call *, const struct vault_object *,
                              const struct ck_attribute_row *);
/* What is known of the two keys when one would wrap the other. */
bool vault_words_wrap(struct vault_call *, enum vault_rule, const struct vault_object *wrapping,
                      const struct vault_key_facts *with, const struct vault_object *target,
                      const struct vault_key_facts *what);
/* "key 262150: ", then the rule's own words. */
bool vault_words_of(struct vault_call *, enum vault_rule, const struct vault_object *);
/* An attribute that only its owner may change, and its number: "CKA_DESTROYABLE", 370. */
bool vault_words_flag(struct vault_call *, const struct vault_object *, enum err_id, const char *name,
                      unsigned number);

#endif
