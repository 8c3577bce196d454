/* How long the certificates in a node's configuration are good for: a metric, and an alarm ahead of their
 * end. Their files are read again each minute, so that a new one is seen when it is put there. */
#ifndef CHSM_SERVER_CERTIFICATES_H
#define CHSM_SERVER_CERTIFICATES_H

#include "base/buf.h"
#include "base/clock.h"
#include "crypto/crypto.h"
#include "server/conf.h"

struct certificates;

/* Both outlive it. NULL: no memory. */
struct certificates *certificates_open(const struct server_conf *, struct crypto *);
void certificates_close(struct certificates **); /* NULL-safe */
/* Called every second or so, one thread at a time. Tells once a day of each that ends within
 * certificate_warning_days or has ended; so many it told of. */
unsigned certificates_watch(struct certificates *, struct clock);
/* The metric. Any thread. */
void certificates_put(struct certificates *, int64_t wall_ms, struct buf *out);

#endif
