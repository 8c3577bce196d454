/* The node's thread for the other region, and its way there. docs/regions.md. */
#ifndef CHSM_SERVER_REGION_H
#define CHSM_SERVER_REGION_H

#include "server/node.h"

/* Before the vault is opened: fills the store when this node is to follow and has nothing yet. */
bool node_region_prepare(struct node *, struct err *);
/* Tells the open vault how nodes of another region are let in. */
void node_region_attach(struct node *);
/* The thread; nothing without region_peer. */
bool node_region_start(struct node *, struct err *);
void node_region_stop(struct node *);
void node_region_clear(struct node *); /* what prepare made; NULL-safe */

#endif
