/* One question at a time to a node of the other region, over the same mutual TLS that clients use, shown with
 * the node's own certificate. */
#ifndef CHSM_SERVER_REGION_LINK_H
#define CHSM_SERVER_REGION_LINK_H

#include "cluster/follow.h"
#include "tls/tls.h"

#include <stdatomic.h>

struct region_link {
        char *const *peers; /* "host:port", NULL after the last */
        struct tls_context *tls;
        struct wire_conn *conn;
        struct wire_reader *reader;
        size_t at;          /* of the peer spoken to */
        uint64_t id;        /* of the last question */
        _Atomic bool *stop; /* give up at once */
};

bool region_link_open(struct region_link *, const struct tls_client_config *, struct err *);
void region_link_close(struct region_link *);
/* As struct cluster_link has it. */
const Chsm__Response *region_link_call(void *link, Chsm__Request *, struct arena *, struct err *);

#endif
