/* What chsm-server does besides serving, beside a node that may be running: chsm-server [--config FILE] VERB.
 */
#ifndef CHSM_SERVER_VERBS_H
#define CHSM_SERVER_VERBS_H

#include "server/conf.h"

/* Runs the verb of argv[0]; the program's exit code. */
int server_verb(const struct server_conf *, int argc, char **argv);

#endif
