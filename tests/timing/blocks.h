/* Malformed RSA blocks, each with other padding and seed, and RSA with the public key alone: what somebody
 * makes who looks for a padding oracle. Bleichenbacher 1998; Manger 2001. */
#ifndef CHSM_TESTS_BLOCKS_H
#define CHSM_TESTS_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>

#define BLOCK_SIZE 256 /* bytes of an RSA-2048 modulus */

/* What is wrong with a block before it is encrypted with the public key. */
struct block_flaw {
        const char *words;
        void (*spoil)(unsigned char *block);
};

/* PKCS#1 v1.5: flaws of a block as block_v15 makes it. The last two are messages of a length that no AES key
 * has, and no flaws to C_Decrypt. */
#define BLOCK_V15_FLAWS 7
extern const struct block_flaw block_v15_flaws[BLOCK_V15_FLAWS];
void block_v15(unsigned char *block, size_t payload);

/* OAEP with SHA-256: flaws of the data block, before the masks. */
#define BLOCK_OAEP_FLAWS 5
extern const struct block_flaw block_oaep_flaws[BLOCK_OAEP_FLAWS];
void block_oaep(unsigned char *block, const void *message, size_t n, const char *label,
                void (*spoil)(unsigned char *));

/* block ^ 65537 mod modulus. */
bool block_encrypt(const unsigned char *modulus, const unsigned char *block, unsigned char *out);

#endif
