/* What both tools show of nodes and users, in words and in JSON. */
#ifndef CHSM_TOOLS_SHOW_H
#define CHSM_TOOLS_SHOW_H

#include "client/chsm.h"
#include "tools/shell.h"

/* The documented lines of getHSMInfo after its heading. */
void tool_show_hsm(struct shell *, const Chsm__NodeInfoResponse *);
/* "CU", "CO", ... */
const char *tool_role_name(uint32_t role);
/* A user as listUsers answers in JSON. */
json_t *tool_user_json(const Chsm__User *);

#endif
