/* An operator with his trust anchor, and nodes with certificates of his. */
#ifndef CHSM_TESTS_CLUSTER_OPERATOR_H
#define CHSM_TESTS_CLUSTER_OPERATOR_H

#include "../vault/hsm.h"

#include "crypto/cert.h"
#include "crypto/identity.h"
#include "crypto/mechanism.h"

struct operator
{
        struct crypto_key *key, *pub;
        struct buf der, pem;
};

void operator_make(struct hsm *, struct operator*);
void operator_free(struct operator*);
/* Of an issuer, opened under an anchor. */
struct crypto_identity *identity_make(struct hsm *, struct operator* issuer, struct operator* anchor,
                                      const char *cn, int64_t issued_ms);

#endif
