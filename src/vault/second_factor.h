/* The second factor of a login: a signature by a key that the person holds, over a challenge of this HSM.
 *
 * A challenge is sealed and bound to purpose, user and application context; it lives for five minutes, and
 * its use is a record x/<id> put under the guard that it is absent, so it is used once, on whichever node.
 * Who has registered a key never logs in by his password alone, on no interface. spec/semantics.md 5. */
#ifndef CHSM_VAULT_SECOND_FACTOR_H
#define CHSM_VAULT_SECOND_FACTOR_H

#include "vault/users.h"

enum vault_factor_purpose {
        VAULT_FACTOR_LOGIN = 0,
        VAULT_FACTOR_KEY = 1, /* a key is to be registered */
};

/* At login: nothing for who has no key. Else *good is whether the request's signature is by his key, and the
 * challenge is used up in the call's transaction; false: err (no signature, or no challenge of ours). */
bool vault_factor_login(struct vault_call *, const struct vault_user_view *, bool *good);
/* A key that comes with the signature of a challenge for this user, which is used up in the call's
 * transaction. in NULL: out is none. */
bool vault_factor_take(struct vault_call *, const Chsm__SecondFactor *in, uint32_t role, const char *user,
                       struct vault_user_key *out);
/* A new password: a key that serves for approvals too counts for these no longer, as documented. */
void vault_factor_password_changed(struct vault_user_view *);

#endif
