/* setHSMConfig: numbers of the partition that officers may change at any time; the node's configuration is
 * what they begin with. One row each: tuning.c. The record is e/config, so that all nodes hold the same. */
#ifndef CHSM_VAULT_TUNING_H
#define CHSM_VAULT_TUNING_H

#include "vault/core.h"

enum vault_tuning {
        VAULT_TUNE_LOCK_AFTER,
        VAULT_TUNE_LOGIN_HOURS,
        VAULT_TUNINGS,
};

void vault_tunings_open(struct vault *);
/* The value in force. */
uint32_t vault_tuning_now(struct vault *, enum vault_tuning);

/* How long a login lasts that is given now; and the longest that any may last, whatever was set before. */
int64_t vault_login_life_ms(struct vault *);
int64_t vault_login_life_most_ms(struct vault *);

#endif
