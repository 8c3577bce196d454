/* User-defined data of audit records; see udd.c. */
#ifndef CHSM_VAULT_UDD_H
#define CHSM_VAULT_UDD_H

#include "vault/core.h"

#define VAULT_UDD_MAX 64 /* bytes: a ticket number with a word or two */

bool vault_udds_open(struct vault *, struct err *);
void vault_udds_close(struct vault *); /* NULL-safe */
/* Of the caller, in arena memory; NULL: none. */
const char *vault_udd(struct vault_call *);

#endif
