/* The self-tests that work with keys; the table of all is in self_test.c. Each appends its answer. */
#ifndef CHSM_CRYPTO_SELF_TEST_H
#define CHSM_CRYPTO_SELF_TEST_H

#include "base/buf.h"
#include "crypto/internal.h"

bool self_test_rsa(struct crypto *, struct buf *out);
bool self_test_ecdsa(struct crypto *, struct buf *out);
bool self_test_ed25519(struct crypto *, struct buf *out);
bool self_test_aes(struct crypto *, struct buf *out);
bool self_test_key_wrap(struct crypto *, struct buf *out);
bool self_test_cmac(struct crypto *, struct buf *out);
bool self_test_des3(struct crypto *, struct buf *out);
bool self_test_ccm(struct crypto *, struct buf *out);
bool self_test_xts(struct crypto *, struct buf *out);
bool self_test_gmac(struct crypto *, struct buf *out);
bool self_test_chacha(struct crypto *, struct buf *out);
bool self_test_argon2id(struct crypto *, struct buf *out);

#endif
