/* data_dir/seen: what the node has seen of its store, so that an older copy put in its place is noticed. And
 * the thread that compares memory with the store. */
#ifndef CHSM_SERVER_SEEN_H
#define CHSM_SERVER_SEEN_H

#include "server/node.h"
#include "server/ticker.h"

/* After the vault is opened. False: the store went back. */
bool server_seen_check(struct node *, struct err *);
/* Writes the note when there is something new. One thread at a time. */
bool server_seen_write(struct node *, struct err *);

/* NULL: err. */
struct ticker *sweeper_start(struct node *, struct err *);

#endif
