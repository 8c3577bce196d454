/* chsm-server recover: a store that is older than what this node has seen of it, was edited, or is a copy in
 * another etcd cluster, is shown and, when its operator says so, accepted. docs/etcd.md. */
#ifndef CHSM_SERVER_RECOVER_H
#define CHSM_SERVER_RECOVER_H

#include "server/conf.h"

/* argv[0] is the verb's name; the program's exit code. */
int server_recover(const struct server_conf *, int argc, char **argv);

#endif
