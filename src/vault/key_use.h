/* What all uses of keys share: find the key, check mechanism and parameter, ask the policy. */
#ifndef CHSM_VAULT_KEY_USE_H
#define CHSM_VAULT_KEY_USE_H

#include "vault/policy.h"

struct vault_use {
        struct vault_object *object; /* with a reference; NULL for digests */
        struct crypto_key *key;      /* lent by object */
        const struct crypto_mechanism *mechanism;
        struct ck_mech_param param;
};

/* In the order of spec/key-rules.md: handle, mechanism, parameter, key type and size, usage, policy, and the
 * authorisation of keys that want one for each use. absent:
 * the code for a handle that names nothing. False: call->err; vault_use_end is due in both cases. */
bool vault_use_begin(struct vault_call *, const Chsm__ObjectRef *, enum err_id absent,
                     const Chsm__Mechanism *, enum crypto_op, struct vault_use *);
void vault_use_end(struct vault_use *);
/* The mechanism and its parameter without a key. */
bool vault_use_mechanism(struct vault_call *, const Chsm__Mechanism *, struct vault_use *);
/* Adds history to a token object, in the call's transaction, unless it has it already. */
bool vault_use_remember(struct vault_call *, const struct vault_object *, uint32_t history);
/* Remembers that a key was used for data, which spoils later trust; and counts the use. */
bool vault_use_data(struct vault_call *, struct vault_object *);
/* The value of a secret key that may be digested by use's mechanism; NULL: call->err. vault_use_end is due.
 */
struct sec *vault_use_value(struct vault_call *, const Chsm__ObjectRef *, struct vault_use *);
/* Answers with bytes in the call's arena; iv may be NULL. */
bool vault_use_reply(struct vault_call *, struct slice data, const uint8_t *iv, size_t iv_n);

#endif
