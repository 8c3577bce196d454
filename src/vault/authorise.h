/* One-use authorisations: what C_Login(CKU_CONTEXT_SPECIFIC) gives, for keys with CKA_ALWAYS_AUTHENTICATE.
 *
 * An authorisation is sealed like a ticket and bound to user, epoch, application context, key and operation;
 * it lives for a minute. Its use is a record x/<id> put under the guard that it is absent, in the transaction
 * before whose commit no result leaves the node: so it is used once, whatever is sent again, whichever nodes
 * are asked at once. An operation that fails has used it too, or decryption could be tried again and again.
 * The same request, sent again for a lost answer, gets its answer again: the record holds
 * the hash of the request. */
#ifndef CHSM_VAULT_AUTHORISE_H
#define CHSM_VAULT_AUTHORISE_H

#include "vault/object.h"
#include "crypto/mechanism.h"

bool vault_authorisations_open(struct vault *, struct err *);
void vault_authorisations_close(struct vault *); /* NULL-safe */
/* Uses up a one-use id of somebody else's making (a challenge) in the call's transaction. *before: it was
 * used already, and nothing is added. */
bool vault_authorisation_spend(struct vault_call *, const uint8_t id[16], int64_t now_ms, bool *before);
/* True when the operation needs none, or the call's request carries one for it, which the call's transaction
 * then uses up. ERR_NOT_LOGGED_IN with the reason otherwise. */
bool vault_authorised(struct vault_call *, const struct vault_object *, enum crypto_op);

#endif
