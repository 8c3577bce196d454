/* The admin endpoint: /healthz, /readyz, /metrics over plain HTTP on a local address. */
#ifndef CHSM_SERVER_ADMIN_H
#define CHSM_SERVER_ADMIN_H

#include "server/loop.h"

struct admin;
/* port 0 takes a free one; *bound is the port it listens on. */
struct admin *admin_open(struct server *, const char *address, uint16_t port, uint16_t *bound, struct err *);
void admin_close(struct admin **); /* NULL-safe */

/* admin_cluster.c: what the metrics say of this node among others, and of the store's quorum. */
void admin_put_cluster(struct server *, struct buf *out);
/* admin_region.c: what they say of the other region. */
void admin_put_region(struct server *, struct buf *out);

#endif
