/* chsm-mgmt: the second factor of logins, between the commands that use it. */
#ifndef CHSM_TOOLS_MGMT_FACTOR_H
#define CHSM_TOOLS_MGMT_FACTOR_H

#include "tools/mgmt.h"

/* "-2fa FILE" behind the words of a command, at argv[at]: asks each server in scope for a challenge, writes
 * the file, waits for a line while people sign, and reads it. purpose: enum vault_factor_purpose. 0 and
 * nothing without -2fa. mgmt_factor_end is due in all cases. */
uint32_t mgmt_factor_begin(struct shell *, int argc, char **argv, int at, uint32_t purpose);
void mgmt_factor_end(void);
/* What was signed for this server; NULL without -2fa. Valid until mgmt_factor_end. */
Chsm__SecondFactor *mgmt_factor_of(size_t index);

#endif
