/* What libcrypto itself does for an operation, with key and context reused: the R that ratios are taken to.
 */
#include "bench.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct raw {
        const struct bench_operation_row *row;
        EVP_PKEY *key;
        EVP_PKEY_CTX *context;
        EVP_CIPHER_CTX *cipher;
        EVP_MAC_CTX *mac;
        EVP_MD_CTX *digest;
        uint64_t counter;
        unsigned char input[4096];
        unsigned char output[4096 + 16];
        unsigned char given[512];
        size_t given_n;
};

static EVP_PKEY *make_key(const struct bench_key_row *row)
{
        if (row->bits != 0)
                return EVP_RSA_gen((unsigned)row->bits);
        return row->mechanism == CKM_EC_EDWARDS_KEY_PAIR_GEN ? EVP_PKEY_Q_keygen(NULL, NULL, row->raw)
                                                             : EVP_EC_gen(row->raw);
}

static bool pad(const struct raw *raw, EVP_PKEY_CTX *context)
{
        return (raw->row->padding == 0 || EVP_PKEY_CTX_set_rsa_padding(context, raw->row->padding) == 1) &&
               (raw->row->digest == NULL ||
                EVP_PKEY_CTX_set_signature_md(context, EVP_get_digestbyname(raw->row->digest)) == 1);
}

/* What is verified or decrypted. */
static bool give(struct raw *raw, bool sign)
{
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(raw->key, NULL);
        bool ok;

        raw->given_n = sizeof raw->given;
        ok = context != NULL && (sign ? EVP_PKEY_sign_init(context) : EVP_PKEY_encrypt_init(context)) == 1 &&
             pad(raw, context) &&
             (sign ? EVP_PKEY_sign(context, raw->given, &raw->given_n, raw->input, raw->row->input)
                   : EVP_PKEY_encrypt(context, raw->given, &raw->given_n, raw->input, raw->row->input)) == 1;
        EVP_PKEY_CTX_free(context);
        return ok;
}

static bool open_asymmetric(struct raw *raw)
{
        raw->key = make_key(&bench_key_rows[raw->row->key]);
        raw->context = raw->key != NULL ? EVP_PKEY_CTX_new(raw->key, NULL) : NULL;
        if (raw->context == NULL)
                return false;
        switch (raw->row->kind) {
        case BENCH_SIGN:
                raw->digest = EVP_MD_CTX_new();
                return raw->row->key == BENCH_KEY_ED25519 ||
                       (EVP_PKEY_sign_init(raw->context) == 1 && pad(raw, raw->context));
        case BENCH_VERIFY:
                return give(raw, true) && EVP_PKEY_verify_init(raw->context) == 1 && pad(raw, raw->context);
        case BENCH_DECRYPT:
                return give(raw, false) && EVP_PKEY_decrypt_init(raw->context) == 1 && pad(raw, raw->context);
        case BENCH_DERIVE:
                return EVP_PKEY_derive_init(raw->context) == 1 &&
                       EVP_PKEY_derive_set_peer(raw->context, raw->key) == 1;
        default:
                return false;
        }
}

static bool open_mac(struct raw *raw)
{
        EVP_MAC *mac = EVP_MAC_fetch(NULL, raw->row->mac, NULL);
        const char *name = raw->row->digest != NULL ? OSSL_MAC_PARAM_DIGEST : OSSL_MAC_PARAM_CIPHER;
        const char *value = raw->row->digest != NULL ? raw->row->digest : raw->row->cipher;
        OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(name, (char *)(uintptr_t)value, 0),
                                OSSL_PARAM_construct_end() };

        raw->mac = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
        EVP_MAC_free(mac);
        return raw->mac != NULL && EVP_MAC_init(raw->mac, raw->input, 32, params) == 1;
}

static bool open_cipher(struct raw *raw)
{
        raw->cipher = EVP_CIPHER_CTX_new();
        return raw->cipher != NULL && EVP_EncryptInit_ex(raw->cipher, EVP_get_cipherbyname(raw->row->cipher),
                                                         NULL, raw->input, raw->input) == 1;
}

static void raw_close(void *state)
{
        struct raw *raw = state;

        EVP_PKEY_CTX_free(raw->context);
        EVP_PKEY_free(raw->key);
        EVP_CIPHER_CTX_free(raw->cipher);
        EVP_MAC_CTX_free(raw->mac);
        EVP_MD_CTX_free(raw->digest);
        free(raw);
}

static void *raw_open(const struct bench_target *target, enum bench_operation operation, unsigned thread,
                      char *failure, size_t room)
{
        struct raw *raw = calloc(1, sizeof *raw);

        (void)target;
        (void)thread;
        if (raw == NULL)
                return NULL;
        raw->row = &bench_operation_rows[operation];
        if (raw->row->kind == BENCH_RANDOM_BYTES || (raw->row->mac != NULL      ? open_mac(raw)
                                                     : raw->row->cipher != NULL ? open_cipher(raw)
                                                                                : open_asymmetric(raw)))
                return raw;
        snprintf(failure, room, "libcrypto does not do this operation");
        raw_close(raw);
        return NULL;
}

static bool run_cipher(struct raw *raw)
{
        unsigned char iv[16] = { 0 };
        bool gcm = raw->row->mechanism == CKM_AES_GCM;
        int n = 0, last = 0;

        memcpy(iv, &raw->counter, sizeof raw->counter);
        return EVP_EncryptInit_ex(raw->cipher, NULL, NULL, NULL, iv) == 1 &&
               EVP_CIPHER_CTX_set_padding(raw->cipher, 0) == 1 &&
               EVP_EncryptUpdate(raw->cipher, raw->output, &n, raw->input, (int)raw->row->input) == 1 &&
               EVP_EncryptFinal_ex(raw->cipher, raw->output + n, &last) == 1 &&
               (!gcm || EVP_CIPHER_CTX_ctrl(raw->cipher, EVP_CTRL_GCM_GET_TAG, 16, raw->output + 4096) == 1);
}

static bool run_sign(struct raw *raw)
{
        size_t n = sizeof raw->output;
        unsigned char hash[32];
        const unsigned char *input = raw->input;
        size_t input_n = raw->row->input;
        unsigned hash_n = 0;

        if (raw->row->key == BENCH_KEY_ED25519)
                return EVP_DigestSignInit(raw->digest, NULL, NULL, NULL, raw->key) == 1 &&
                       EVP_DigestSign(raw->digest, raw->output, &n, input, input_n) == 1;
        if (raw->row->digest != NULL) {
                if (EVP_Digest(input, input_n, hash, &hash_n, EVP_sha256(), NULL) != 1)
                        return false;
                input = hash;
                input_n = hash_n;
        }
        return EVP_PKEY_sign(raw->context, raw->output, &n, input, input_n) == 1;
}

static bool run_mac(struct raw *raw)
{
        size_t n;

        return EVP_MAC_init(raw->mac, NULL, 0, NULL) == 1 &&
               EVP_MAC_update(raw->mac, raw->input, raw->row->input) == 1 &&
               EVP_MAC_final(raw->mac, raw->output, &n, sizeof raw->output) == 1;
}

static unsigned long raw_run(void *state)
{
        struct raw *raw = state;
        size_t n = sizeof raw->output;
        bool ok;

        raw->counter++;
        if (raw->row->kind != BENCH_VERIFY)
                memcpy(raw->input, &raw->counter, sizeof raw->counter);
        if (raw->mac != NULL)
                ok = run_mac(raw);
        else if (raw->cipher != NULL)
                ok = run_cipher(raw);
        else if (raw->row->kind == BENCH_SIGN)
                ok = run_sign(raw);
        else if (raw->row->kind == BENCH_VERIFY)
                ok =
                    EVP_PKEY_verify(raw->context, raw->given, raw->given_n, raw->input, raw->row->input) == 1;
        else if (raw->row->kind == BENCH_DECRYPT)
                ok = EVP_PKEY_decrypt(raw->context, raw->output, &n, raw->given, raw->given_n) == 1;
        else if (raw->row->kind == BENCH_DERIVE)
                ok = EVP_PKEY_derive(raw->context, raw->output, &n) == 1;
        else
                ok = RAND_bytes(raw->output, (int)raw->row->input) == 1;
        return ok ? 0 : 1;
}

const struct bench_way bench_raw = { raw_open, raw_run, raw_close };
