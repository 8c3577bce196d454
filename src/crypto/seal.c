#include "crypto/seal.h"
#include "crypto/internal.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdlib.h>

#define NONCE_SIZE 12
#define TAG_SIZE   16

static char *name_param(const char *text)
{
        return (char *)(uintptr_t)text; /* OSSL_PARAM is not const-correct; the text is only read */
}

static void *octet_param(struct slice s)
{
        return (void *)(uintptr_t)(s.p ? s.p : (const uint8_t *)"");
}

struct sec *crypto_derive(struct crypto *c, struct slice key, struct slice salt, struct slice info,
                          size_t out_n, struct err *err)
{
        EVP_KDF_CTX *context = EVP_KDF_CTX_new(c->hkdf);
        struct sec *out = sec_new(out_n);
        OSSL_PARAM params[] = {
                OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name_param("SHA256"), 0),
                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, octet_param(key), key.n),
                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, octet_param(salt), salt.n),
                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, octet_param(info), info.n),
                OSSL_PARAM_construct_end(),
        };

        if (!context || !out || EVP_KDF_derive(context, sec_bytes(out), out_n, params) != 1) {
                crypto_failed(err, "key derivation");
                sec_free(&out);
        }
        EVP_KDF_CTX_free(context);
        return out;
}

bool crypto_seal(struct crypto *c, struct slice key, struct slice aad, struct slice plain, struct buf *out,
                 struct err *err)
{
        size_t before = out->n;
        uint8_t *at = plain.n < INT32_MAX ? buf_extend(out, plain.n + CRYPTO_SEAL_EXTRA) : NULL;
        EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
        int n = 0;
        bool ok;

        ok = at && context && key.n == CRYPTO_KEY_SIZE && crypto_random(c, at, NONCE_SIZE, err) &&
             EVP_EncryptInit_ex2(context, c->gcm256, key.p, at, NULL) == 1 &&
             (aad.n == 0 || EVP_EncryptUpdate(context, NULL, &n, aad.p, (int)aad.n) == 1) &&
             (plain.n == 0 || EVP_EncryptUpdate(context, at + NONCE_SIZE, &n, plain.p, (int)plain.n) == 1) &&
             EVP_EncryptFinal_ex(context, at + NONCE_SIZE + plain.n, &n) == 1 &&
             EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, at + NONCE_SIZE + plain.n) == 1;
        EVP_CIPHER_CTX_free(context);
        if (!ok) {
                out->n = before;
                return crypto_failed(err, "sealing");
        }
        return true;
}

struct sec *crypto_open(struct crypto *c, struct slice key, struct slice aad, struct slice sealed,
                        struct err *err)
{
        size_t plain_n = sealed.n - CRYPTO_SEAL_EXTRA;
        EVP_CIPHER_CTX *context;
        struct sec *plain;
        int n = 0;
        bool ok;

        if (sealed.n < CRYPTO_SEAL_EXTRA || sealed.n > INT32_MAX) {
                err_set(err, ERR_AEAD, "sealed data is too short");
                return NULL;
        }
        context = EVP_CIPHER_CTX_new();
        plain = sec_new(plain_n);
        ok = context && plain && key.n == CRYPTO_KEY_SIZE &&
             EVP_DecryptInit_ex2(context, c->gcm256, key.p, sealed.p, NULL) == 1 &&
             (aad.n == 0 || EVP_DecryptUpdate(context, NULL, &n, aad.p, (int)aad.n) == 1) &&
             (plain_n == 0 ||
              EVP_DecryptUpdate(context, sec_bytes(plain), &n, sealed.p + NONCE_SIZE, (int)plain_n) == 1) &&
             EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG_SIZE,
                                 (void *)(uintptr_t)(sealed.p + NONCE_SIZE + plain_n)) == 1 &&
             EVP_DecryptFinal_ex(context, plain ? sec_bytes(plain) + plain_n : NULL, &n) == 1;
        EVP_CIPHER_CTX_free(context);
        ERR_clear_error();
        if (!ok) {
                sec_free(&plain);
                err_set(err, ERR_AEAD, "sealed data was altered or belongs elsewhere");
        }
        return plain;
}

bool crypto_sha256(struct crypto *c, struct slice data, uint8_t out[CRYPTO_HASH_SIZE])
{
        return EVP_Digest(data.p ? data.p : (const uint8_t *)"", data.n, out, NULL, c->md[HASH_SHA256],
                          NULL) == 1;
}

struct crypto_hasher {
        EVP_MD_CTX *context; /* EVP_DigestInit_ex2 without a digest begins anew with what is set up in it */
};

struct crypto_hasher *crypto_hasher_new(struct crypto *c)
{
        struct crypto_hasher *h = calloc(1, sizeof(*h));

        if (h && (h->context = EVP_MD_CTX_new()) &&
            EVP_DigestInit_ex2(h->context, c->md[HASH_SHA256], NULL) == 1)
                return h;
        crypto_hasher_free(&h);
        return NULL;
}

bool crypto_hasher_sha256(struct crypto_hasher *h, struct slice data, uint8_t out[CRYPTO_HASH_SIZE])
{
        return EVP_DigestInit_ex2(h->context, NULL, NULL) == 1 &&
               EVP_DigestUpdate(h->context, data.p, data.n) == 1 &&
               EVP_DigestFinal_ex(h->context, out, NULL) == 1;
}

void crypto_hasher_free(struct crypto_hasher **hp)
{
        struct crypto_hasher *h = *hp;

        *hp = NULL;
        if (!h)
                return;
        EVP_MD_CTX_free(h->context);
        free(h);
}

bool crypto_hmac_sha256(struct crypto *c, struct slice key, struct slice data, uint8_t out[CRYPTO_HASH_SIZE])
{
        EVP_MAC_CTX *context = EVP_MAC_CTX_new(c->hmac);
        OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name_param("SHA256"),
                                                                 0),
                                OSSL_PARAM_construct_end() };
        size_t n = 0;
        bool ok = context && EVP_MAC_init(context, key.p, key.n, params) == 1 &&
                  EVP_MAC_update(context, data.p, data.n) == 1 &&
                  EVP_MAC_final(context, out, &n, CRYPTO_HASH_SIZE) == 1;

        EVP_MAC_CTX_free(context);
        ERR_clear_error();
        return ok;
}
