/* The table of commands that can need approvals. */
#ifndef CHSM_VAULT_QUORUM_ROWS_H
#define CHSM_VAULT_QUORUM_ROWS_H

#include "vault/quorum.h"

struct vault_quorum_row {
        uint32_t body; /* of the request */
        enum vault_service service;
        bool names_user; /* acts upon the user call->subject names, whom a token can be bound to */
        bool (*applies)(const struct vault_call *);
};
/* The row of a call whose handler has run; NULL: it needs no approval. */
const struct vault_quorum_row *vault_quorum_row(const struct vault_call *);

#endif
