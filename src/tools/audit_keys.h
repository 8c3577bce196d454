/* auditKeys of both tools: how exposed each key is, from the node's own policy model. */
#ifndef CHSM_TOOLS_AUDIT_KEYS_H
#define CHSM_TOOLS_AUDIT_KEYS_H

#include "client/chsm.h"
#include "tools/shell.h"

/* Asks for all keys that the logged-in user may audit, and shows them. */
uint32_t tool_audit_keys(struct shell *, struct chsm *, int argc, char **argv);

#endif
