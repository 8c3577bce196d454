/* Files on their way in or out of the node, in parts: backups. Each has a place of its own for as long as it
 * is used, belongs to one login, and vanishes when it is done, is not touched for ten minutes, or the node
 * ends. */
#ifndef CHSM_VAULT_SPOOL_H
#define CHSM_VAULT_SPOOL_H

#include "vault/core.h"

/* A place; *fd is lent until vault_spool_done. 0: err. */
uint64_t vault_spool_new(struct vault_call *, int *fd);
/* The caller's own place, held against others until vault_spool_done; -1: err. */
int vault_spool_take(struct vault_call *, uint64_t stream);
/* keep: it is used again. */
void vault_spool_done(struct vault_call *, uint64_t stream, bool keep);

#endif
