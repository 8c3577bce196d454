/* chsm-mgmt: commands of mgmt_user.c's table that stand in files of their own. */
#ifndef CHSM_TOOLS_MGMT_USER_H
#define CHSM_TOOLS_MGMT_USER_H

#include "tools/mgmt.h"

/* mgmt_compare.c */
uint32_t mgmt_user_hash(struct shell *, int argc, char **argv);
uint32_t mgmt_user_diff(struct shell *, int argc, char **argv);
uint32_t mgmt_key_diff(struct shell *, int argc, char **argv);
/* mgmt_owner.c */
uint32_t mgmt_modify_owner(struct shell *, int argc, char **argv);
uint32_t mgmt_rename_pco(struct shell *, int argc, char **argv);
/* mgmt_recovery.c */
uint32_t mgmt_get_challenge(struct shell *, int argc, char **argv);
uint32_t mgmt_unlock_officer(struct shell *, int argc, char **argv);

#endif
