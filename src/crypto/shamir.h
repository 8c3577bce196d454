/* Secret sharing after Shamir, a byte at a time in the field of AES: any `threshold` of the shares give the
 * secret back, and fewer tell nothing of it but its length. Constant time but for counts and lengths. Any
 * thread. */
#ifndef CHSM_CRYPTO_SHAMIR_H
#define CHSM_CRYPTO_SHAMIR_H

#include "crypto/crypto.h"

#define CRYPTO_SHARES_MAX 16

/* Share number x (1 to 255) of a secret: bytes of the secret's length. */
struct crypto_share {
        uint8_t x;
        uint8_t *y; /* the caller's, of secret bytes */
};

/* Fills y of shares 1 to n. 2 <= threshold <= n <= CRYPTO_SHARES_MAX. */
bool crypto_shamir_split(struct crypto *, struct slice secret, unsigned threshold, struct crypto_share *,
                         size_t n, struct err *);
/* The secret of n shares (all of them are used, so n is the threshold or more). False when two have one
 * number or a number is 0. */
bool crypto_shamir_join(const struct crypto_share *, size_t n, uint8_t *secret, size_t secret_n);
/* Product in the field, for the self-check of the test. */
uint8_t crypto_shamir_product(uint8_t a, uint8_t b);

#endif
