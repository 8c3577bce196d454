#include "blocks.h"

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define K BLOCK_SIZE

/* No zero among them. */
static void noise(unsigned char *out, size_t n)
{
        if (getrandom(out, n, 0) != (ssize_t)n)
                abort();
        for (size_t i = 0; i < n; i++)
                out[i] |= out[i] == 0;
}

void block_v15(unsigned char *block, size_t payload)
{
        noise(block, K);
        block[0] = 0;
        block[1] = 2;
        block[K - payload - 1] = 0;
}

static void type_one(unsigned char *block)
{
        block[1] = 1;
}

static void leading_one(unsigned char *block)
{
        block[0] = 1;
}

static void no_end(unsigned char *block)
{
        noise(block + 2, K - 2);
}

static void early_end(unsigned char *block)
{
        block[9] = 0;
}

static void first_byte_ends(unsigned char *block)
{
        block[2] = 0;
}

static void odd_payload(unsigned char *block)
{
        block_v15(block, 17);
}

static void no_payload(unsigned char *block)
{
        block_v15(block, 0);
}

const struct block_flaw block_v15_flaws[BLOCK_V15_FLAWS] = {
        { "block type 1", type_one },      { "first byte 1", leading_one },
        { "no separator", no_end },        { "padding of 7 bytes", early_end },
        { "no padding", first_byte_ends }, { "17 bytes for AES", odd_payload },
        { "0 bytes for AES", no_payload },
};

/* ---- OAEP ---- */

static void oaep_hash(unsigned char *db)
{
        db[0] ^= 1;
}

static void oaep_hash_end(unsigned char *db)
{
        db[31] ^= 0x80;
}

static void oaep_no_one(unsigned char *db)
{
        memset(db + 32, 0, K - 33 - 64);
}

static void oaep_two(unsigned char *db)
{
        db[K - 33 - 33] = 2;
}

static void oaep_early(unsigned char *db)
{
        db[40] = 7;
}

const struct block_flaw block_oaep_flaws[BLOCK_OAEP_FLAWS] = { { "hash", oaep_hash },
                                                               { "end of the hash", oaep_hash_end },
                                                               { "no 01", oaep_no_one },
                                                               { "02 for 01", oaep_two },
                                                               { "noise in PS", oaep_early } };

/* MGF1 with SHA-256, over the target. */
static void mask(unsigned char *to, size_t n, const unsigned char *seed, size_t seed_n)
{
        unsigned char in[260], hash[32];

        memcpy(in, seed, seed_n);
        for (size_t at = 0; at < n; at++) {
                if (at % 32 == 0) {
                        memcpy(in + seed_n, (unsigned char[]){ 0, 0, 0, (unsigned char)(at / 32) }, 4);
                        if (EVP_Digest(in, seed_n + 4, hash, NULL, EVP_sha256(), NULL) != 1)
                                abort();
                }
                to[at] ^= hash[at % 32];
        }
}

void block_oaep(unsigned char *em, const void *message, size_t n, const char *label,
                void (*spoil)(unsigned char *))
{
        unsigned char *seed = em + 1, *db = em + 33;

        memset(em, 0, 256);
        noise(seed, 32);
        if (EVP_Digest(label, strlen(label), db, NULL, EVP_sha256(), NULL) != 1)
                abort();
        db[222 - n] = 1;
        memcpy(db + 223 - n, message, n);
        if (spoil)
                spoil(db);
        mask(db, 223, seed, 32);
        mask(seed, 32, db, 223);
}

bool block_encrypt(const unsigned char *modulus, const unsigned char *block, unsigned char *out)
{
        BN_CTX *context = BN_CTX_new();
        BIGNUM *m = BN_bin2bn(modulus, K, NULL), *e = BN_new(), *x = BN_bin2bn(block, K, NULL), *y = BN_new();
        bool ok = m && context && e && x && y && BN_set_word(e, 65537) == 1 &&
                  BN_mod_exp(y, x, e, m, context) == 1 && BN_bn2binpad(y, out, K) == K;

        BN_free(m);
        BN_free(e);
        BN_free(x);
        BN_free(y);
        BN_CTX_free(context);
        return ok;
}
