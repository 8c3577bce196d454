/* What libcrypto itself does for an operation, with key and context reused: the R that ratios are taken to.
 */
#include "bench.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct raw {
        enum bench_operation operation;
        EVP_PKEY *key;
        EVP_PKEY_CTX *sign;
        EVP_CIPHER_CTX *cipher;
        uint64_t counter;
        unsigned char input[4096];
        unsigned char output[4096 + 16];
};

static bool open_sign(struct raw *raw)
{
        raw->key = raw->operation == BENCH_RSA_SIGN ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
        raw->sign = raw->key != NULL ? EVP_PKEY_CTX_new(raw->key, NULL) : NULL;
        if (raw->sign == NULL || EVP_PKEY_sign_init(raw->sign) != 1)
                return false;
        return raw->operation != BENCH_RSA_SIGN ||
               EVP_PKEY_CTX_set_rsa_padding(raw->sign, RSA_PKCS1_PADDING) == 1;
}

static void raw_close(void *state)
{
        struct raw *raw = state;

        EVP_PKEY_CTX_free(raw->sign);
        EVP_PKEY_free(raw->key);
        EVP_CIPHER_CTX_free(raw->cipher);
        free(raw);
}

static void *raw_open(const struct bench_target *target, enum bench_operation operation, unsigned thread,
                      char *failure, size_t room)
{
        struct raw *raw = calloc(1, sizeof *raw);
        bool ok = false;

        (void)target;
        (void)thread;
        if (raw == NULL)
                return NULL;
        raw->operation = operation;
        if (operation == BENCH_AES_GCM) {
                raw->cipher = EVP_CIPHER_CTX_new();
                ok = raw->cipher != NULL &&
                     EVP_EncryptInit_ex(raw->cipher, EVP_aes_256_gcm(), NULL, raw->input, raw->input) == 1;
        } else if (operation == BENCH_RSA_SIGN || operation == BENCH_EC_SIGN) {
                ok = open_sign(raw);
        }
        if (ok)
                return raw;
        snprintf(failure, room, "libcrypto does not do this operation");
        raw_close(raw);
        return NULL;
}

static bool run_gcm(struct raw *raw)
{
        unsigned char iv[12] = { 0 };
        int n = 0;

        memcpy(iv, &raw->counter, sizeof raw->counter);
        return EVP_EncryptInit_ex(raw->cipher, NULL, NULL, NULL, iv) == 1 &&
               EVP_EncryptUpdate(raw->cipher, raw->output, &n, raw->input, sizeof raw->input) == 1 &&
               EVP_EncryptFinal_ex(raw->cipher, raw->output + n, &n) == 1 &&
               EVP_CIPHER_CTX_ctrl(raw->cipher, EVP_CTRL_GCM_GET_TAG, 16, raw->output + 4096) == 1;
}

static unsigned long raw_run(void *state)
{
        struct raw *raw = state;
        size_t n = sizeof raw->output;

        raw->counter++;
        if (raw->operation == BENCH_AES_GCM)
                return run_gcm(raw) ? 0 : 1;
        memcpy(raw->input, &raw->counter, sizeof raw->counter);
        return EVP_PKEY_sign(raw->sign, raw->output, &n, raw->input,
                             raw->operation == BENCH_RSA_SIGN ? 51 : 32) != 1;
}

const struct bench_way bench_raw = { raw_open, raw_run, raw_close };
