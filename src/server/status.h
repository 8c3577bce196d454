/* data_dir/status: what the node does and why, for its operator, also while it does not serve. Lines of
 * name=value: state, reason (of a state that has one), since (Unix seconds), pid, version. */
#ifndef CHSM_SERVER_STATUS_H
#define CHSM_SERVER_STATUS_H

#include "server/conf.h"

/* state: "starting", "waiting", "serving", "draining", "ended", "out". reason: NULL or a sentence. What
 * cannot be written is logged only. */
void server_status_set(const struct server_conf *, const char *state, const char *reason);
/* Prints the file, with state=gone in the place of a state whose process is not there any more. True: the
 * node serves. */
bool server_status_show(const struct server_conf *, FILE *, struct err *);
/* Is there a process that is this node? */
bool server_status_lives(const struct server_conf *);

#endif
