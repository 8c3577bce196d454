/* The client daemon's configuration file. */
#ifndef CHSM_DAEMON_CONF_H
#define CHSM_DAEMON_CONF_H

#include "base/conf.h"
#include "client/chsm.h"

struct daemon_conf {
        char *socket;
        char **servers; /* "host:port" or "[address]:port" */
        char *owner_certificate, *certificate, *private_key;
        char *socket_mode; /* octal */
        int64_t loops, max_connections, max_per_user, deadline_s, max_frame;
        char *ready_file, *log_target;
        int log_level;
};

extern const struct conf_row daemon_conf_rows[];
extern const size_t daemon_conf_rows_n;

/* The servers as endpoints; hosts are heap copies, freed by daemon_endpoints_free. */
bool daemon_endpoints(const struct daemon_conf *, struct chsm_endpoint **, size_t *n, struct err *);
void daemon_endpoints_free(struct chsm_endpoint *, size_t n);

#endif
