/* Whether a node of a cluster believes its own clock. Logins end by the time of day, so a node whose clock is
 * off would end good ones and keep ended ones; it lets the others serve instead, and says why. */
#ifndef CHSM_VAULT_CLOCK_WATCH_H
#define CHSM_VAULT_CLOCK_WATCH_H

#include "vault/core.h"

/* As far as clocks of one cluster may be apart. */
#define VAULT_CLOCK_APART_MS (60 * 1000)

bool vault_clock_open(struct vault *, struct err *);
void vault_clock_close(struct vault *);
/* Another node has just said what time it has. */
void vault_clock_heard(struct vault *, uint32_t node, int64_t wall_ms);
/* False (ERR_RETRY): the clock has jumped since another node last had the same time, or no other has it and
 * two have another. A node that hears no others believes its clock. Any thread. */
bool vault_clock_believed(struct vault *, struct err *);

#endif
