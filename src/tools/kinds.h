/* What words in the arguments of commands can stand for, as a node knows it: for completion. */
#ifndef CHSM_TOOLS_KINDS_H
#define CHSM_TOOLS_KINDS_H

#include "client/chsm.h"

typedef void kinds_add(void *arg, const char *word);

/* Each is quiet when the node does not answer, or nobody is logged in. */
void kinds_users(struct chsm *, kinds_add *, void *arg);
void kinds_user_ids(struct chsm *, kinds_add *, void *arg);
void kinds_settings(struct chsm *, kinds_add *, void *arg);
/* Labels of the caller's keys, each once. */
void kinds_labels(struct chsm *, kinds_add *, void *arg);
void kinds_attributes(kinds_add *, void *arg);

#endif
