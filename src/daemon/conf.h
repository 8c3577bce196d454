/* The client daemon's configuration file. */
#ifndef CHSM_DAEMON_CONF_H
#define CHSM_DAEMON_CONF_H

#include "client/nodes_conf.h"

struct daemon_conf {
        char *socket;
        struct client_nodes nodes;
        char *zone; /* where this host stands */
        bool learn_nodes;
        char *socket_mode; /* octal */
        int64_t loops, max_connections, max_per_user, deadline_s, max_frame;
        char *ready_file, *log_target;
        int log_level;
};

extern const struct conf_row daemon_conf_rows[];
extern const size_t daemon_conf_rows_n;

#endif
