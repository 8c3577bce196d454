/* Tickets: what a login gives, sealed under the partition's master key, so that any node accepts it.
 *
 * A ticket holds role, user id, epoch, application context, expiry and the fingerprint of the client
 * certificate it was given to. Opened ones are kept in memory by their bytes, because every request brings
 * one; epoch, expiry, certificate and context are checked each time. DESIGN section 5.2. */
#ifndef CHSM_VAULT_TICKET_H
#define CHSM_VAULT_TICKET_H

#include "vault/users.h"

bool vault_tickets_open(struct vault *, struct err *);
void vault_tickets_close(struct vault *); /* NULL-safe */
/* A ticket for the user in the call's context, in the call's arena. */
bool vault_ticket_make(struct vault_call *, const struct vault_user_view *, struct slice *ticket,
                       int64_t *expires_ms);
/* Forgets the opened ones: what they were sealed under has changed. */
void vault_tickets_forget(struct vault *);
/* Fills call->login from the request's ticket, or ERR_TICKET with the reason. */
bool vault_ticket_open(struct vault_call *, struct err *);
/* Was the request's ticket made by this partition, for whomever and whenever? */
bool vault_ticket_is_ours(const struct vault_call *);

#endif
