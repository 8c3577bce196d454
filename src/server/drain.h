/* A node of a cluster ends gently: it takes nothing new, finishes what it has, and tells the others. */
#ifndef CHSM_SERVER_DRAIN_H
#define CHSM_SERVER_DRAIN_H

#include "server/loop.h"
#include <signal.h>

/* Returns when nothing is under way any more, after drain_s, or at one more of the signals. Then
 * server.stopping may be set. */
void server_drain(struct server *, const sigset_t *signals);

#endif
