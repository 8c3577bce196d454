/* A second node over the first one's store, to whom the store's news comes late: what it commits is
 * committed, but its memory does not move while the news is held. */
#ifndef CHSM_TESTS_VAULT_LATE_H
#define CHSM_TESTS_VAULT_LATE_H

#include "hsm.h"

struct late;

/* Node 2 of the same partition. It is closed before the first one. */
struct hsm *late_node(struct hsm *first, struct late **);
void late_free(struct hsm *node);
void late_hold(struct late *);
/* Tells all that was held, in order. */
void late_let_go(struct late *);

#endif
