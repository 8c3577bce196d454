/* What both tools show of a key's life. */
#ifndef CHSM_TOOLS_KEY_LIFE_H
#define CHSM_TOOLS_KEY_LIFE_H

#include "chsm.pb-c.h"
#include "tools/shell.h"

/* Its versions; and when it was made, how often and when last it was used, when the node tells the caller. */
void tool_key_life(struct shell *, const Chsm__ObjectInfoResponse *);

#endif
