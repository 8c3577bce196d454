/* Who may do what with which object. Every decision about an object is made here and nowhere else; which role
 * may send which command is policy_roles.c. spec/semantics.md 2.1, 9, 11; spec/key-rules.md. */
#ifndef CHSM_VAULT_POLICY_H
#define CHSM_VAULT_POLICY_H

#include "crypto/mechanism.h"
#include "vault/object.h"

/* The object a request names, with a reference, when the caller may see it; else NULL and `absent`, the same
 * for what is not there and what is somebody else's. */
struct vault_object *vault_object_of(struct vault_call *, const Chsm__ObjectRef *, enum err_id absent);
bool vault_policy_sees(const struct vault_object *, const struct vault_login *);
/* ERR_ACTION_PROHIBITED unless the caller owns the object. what: "delete" and so on, for the sentence. */
bool vault_policy_owns(struct vault_call *, const struct vault_object *, const char *what);
/* Does the partition's policy offer this mechanism, for anything at all? */
bool vault_policy_mechanism(struct vault_call *, const struct crypto_mechanism *);
/* True where the partition's policy has no non_fips: FIPS-approved uses only. */
bool vault_policy_approved_only(struct vault *);
/* ERR_MECHANISM_PARAM for a parameter that the partition's policy does not take. */
bool vault_policy_param(struct vault_call *, enum crypto_op, const struct ck_mech_param *);
/* May this key be used so? Usage flag, allowed mechanisms, what a trusted key may not do. */
bool vault_policy_use(struct vault_call *, const struct vault_object *, enum crypto_op,
                      const struct crypto_mechanism *);
/* Is the key in its time for this? Before its start it does nothing; after its end it only reads and verifies
 * what is there: decrypt, unwrap, verify. Days are UTC, both included. policy_date.c */
bool vault_policy_date(struct vault_call *, const struct vault_object *, enum crypto_op);
/* May target leave under this wrapping key? */
bool vault_policy_wrap(struct vault_call *, const struct vault_object *wrapping,
                       const struct vault_object *target, const struct crypto_mechanism *);
/* What a template may ask of a new object of this class. */
bool vault_policy_template(struct vault_call *, const struct vault_template *, uint64_t object_class);
/* Usage that a class can never have is refused. */
bool vault_policy_usage(struct vault_call *, const struct vault_template *, uint64_t object_class);
/* May the caller change this attribute to this value? */
bool vault_policy_change(struct vault_call *, const struct vault_object *, uint64_t type, struct slice value);
/* May this copy differ so from its original? */
bool vault_policy_copy(struct vault_call *, const struct vault_object *, const struct vault_template *);
/* True when trust in it can be relied on for protected keys (spec/key-rules.md rule 2). */
bool vault_policy_honoured(const struct vault_object *, struct err *);

#endif
