/* data_dir/seen and data_dir/records: what the node has seen of its store, so that an older copy put in its
 * place is noticed, and what is missing from it can be named. And
 * the thread that compares memory with the store. */
#ifndef CHSM_SERVER_SEEN_H
#define CHSM_SERVER_SEEN_H

#include "server/node.h"
#include "server/ticker.h"

/* After the vault is opened. False: the store went back. */
bool server_seen_check(struct node *, struct err *);
/* Writes the note when there is something new. One thread at a time. */
bool server_seen_write(struct node *, struct err *);

/* The notes as they lie there: of the count of changes, and of records. Absent: empty. */
bool server_seen_read(const struct server_conf *, struct buf *out, struct err *);
bool server_seen_records(const struct server_conf *, struct buf *out, struct err *);

/* NULL: err. */
struct ticker *sweeper_start(struct node *, struct err *);

#endif
