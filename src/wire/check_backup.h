/* Checks of masked objects and backups, see check.h. */
#ifndef CHSM_WIRE_CHECK_BACKUP_H
#define CHSM_WIRE_CHECK_BACKUP_H

#include "wire/frame.h"

#define WIRE_MASKED_MAX (320 * 1024)

#define WIRE_BACKUP_MAX  (256 * 1024) /* of a file's part */
#define WIRE_CONSENT_MAX 1024

bool wire_check_insert_masked(const Chsm__Request *, struct err *);
bool wire_check_write_restore(const Chsm__Request *, struct err *);
bool wire_check_commit_restore(const Chsm__Request *, struct err *);

#endif
