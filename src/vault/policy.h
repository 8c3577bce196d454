/* Who may do what with which object. Every decision about an object is made here and nowhere else; which role
 * may send which command is policy_roles.c. spec/semantics.md 2.1, 9, 11; spec/key-rules.md. */
#ifndef CHSM_VAULT_POLICY_H
#define CHSM_VAULT_POLICY_H

#include "crypto/mechanism.h"
#include "vault/object.h"

struct vault_key_facts;
struct vault_parent;

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
/* What decisions about an object rest on (policy_model.h), without the strength of its key. */
struct vault_key_facts vault_policy_facts(const struct vault_object *);
/* May target leave under this wrapping key? */
bool vault_policy_wrap(struct vault_call *, struct vault_object *wrapping, struct vault_object *target);
/* May such an object come about? After the defaults. *history becomes what is remembered of it; where roles
 * are separate, earlier lives of its value count, and this one is remembered in the call's transaction. key:
 * NULL for what is no key. */
bool vault_policy_birth(struct vault_call *, const struct vault_template *, const struct crypto_key *key,
                        const struct vault_origin *, uint32_t *history);
/* The value of this object leaves the HSM: what it could do is remembered for its next lives. */
bool vault_policy_leaves(struct vault_call *, const struct vault_object *, const struct crypto_key *);
/* Of the usage that a silent template would get, what the partition's policy lets it have. */
uint32_t vault_policy_default_usage(struct vault_call *, const struct vault_template *, uint32_t wanted);
/* Halves of a pair have one role: a half that names no usage gets that of the other. *pub and *priv are what
 * the one is to remember of the other. */
bool vault_policy_pair(struct vault_call *, struct vault_template *pub, struct vault_template *priv,
                       uint32_t *pub_history, uint32_t *priv_history);
/* What comes out of a key is as protected as the key says: sets what the template is silent about, refuses
 * what it says otherwise. */
bool vault_policy_inherit(struct vault_call *, const struct vault_parent *, struct vault_template *);
/* May the officer make it trusted, or no longer so? Adds to *history, and to the private half of a pair. When
 * its trust would open nothing protected, the answer says so. */
bool vault_policy_trust(struct vault_call *, const struct vault_object *, bool on, uint32_t *history);
/* What a template may ask of a new object of this class. */
bool vault_policy_template(struct vault_call *, const struct vault_template *, uint64_t object_class);
/* Usage that a class can never have is refused. */
bool vault_policy_usage(struct vault_call *, const struct vault_template *, uint64_t object_class);
/* May the caller change this attribute to this value? */
bool vault_policy_change(struct vault_call *, const struct vault_object *, uint64_t type, struct slice value);
/* May this copy differ so from its original? */
bool vault_policy_copy(struct vault_call *, const struct vault_object *, const struct vault_template *);

#endif
