/* User-defined data of audit records, as both tools ask for it. */
#ifndef CHSM_TOOLS_AUDIT_UDD_H
#define CHSM_TOOLS_AUDIT_UDD_H

#include "client/chsm.h"
#include "tools/shell.h"

uint32_t tool_udd_get(struct shell *, struct chsm *);
/* Empty text clears it. */
uint32_t tool_udd_set(struct shell *, struct chsm *, const char *text);

#endif
