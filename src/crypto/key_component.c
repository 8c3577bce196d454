/* Parts of a key by their PKCS#11 attribute numbers. */
#include "ck/cryptoki.h"
#include "crypto/internal.h"

#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>

struct component {
        uint64_t attribute;
        const char *param; /* OSSL_PKEY_PARAM_ name of an RSA number */
        bool secret;
};

static const struct component rsa_rows[] = {
        { CKA_MODULUS, OSSL_PKEY_PARAM_RSA_N, false },
        { CKA_PUBLIC_EXPONENT, OSSL_PKEY_PARAM_RSA_E, false },
        { CKA_PRIVATE_EXPONENT, OSSL_PKEY_PARAM_RSA_D, true },
        { CKA_PRIME_1, OSSL_PKEY_PARAM_RSA_FACTOR1, true },
        { CKA_PRIME_2, OSSL_PKEY_PARAM_RSA_FACTOR2, true },
        { CKA_EXPONENT_1, OSSL_PKEY_PARAM_RSA_EXPONENT1, true },
        { CKA_EXPONENT_2, OSSL_PKEY_PARAM_RSA_EXPONENT2, true },
        { CKA_COEFFICIENT, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, true },
};

static bool put_number(const BIGNUM *number, size_t width, struct buf *out)
{
        size_t n = width ? width : (size_t)BN_num_bytes(number);
        uint8_t *at = buf_extend(out, n);

        return at && BN_bn2binpad(number, at, (int)n) >= 0;
}

static bool put_param(const struct crypto_key *key, const char *param, size_t width, struct buf *out)
{
        BIGNUM *number = NULL;
        bool ok = EVP_PKEY_get_bn_param(key->pkey, param, &number) == 1 && put_number(number, width, out);

        BN_clear_free(number);
        ERR_clear_error();
        return ok;
}

/* The public point as PKCS#11 wants it: inside a DER OCTET STRING. */
static bool put_point(const struct crypto_key *key, struct buf *out)
{
        uint8_t *point = NULL, raw[64];
        size_t n = sizeof(raw);
        bool ok;

        if (key->type != CKK_EC)
                ok = EVP_PKEY_get_raw_public_key(key->pkey, raw, &n) == 1;
        else
                ok = (n = EVP_PKEY_get1_encoded_public_key(key->pkey, &point)) > 0 && n <= 255;
        if (ok) {
                buf_put_u8(out, 0x04);
                if (n > 127)
                        buf_put_u8(out, 0x81);
                buf_put_u8(out, (uint8_t)n);
                buf_put(out, point ? point : raw, n);
        }
        OPENSSL_free(point);
        ERR_clear_error();
        return ok && buf_ok(out);
}

static bool put_public_info(const struct crypto_key *key, struct buf *out)
{
        uint8_t *der = NULL;
        int n = i2d_PUBKEY(key->pkey, &der);

        if (n > 0)
                buf_put(out, der, (size_t)n);
        OPENSSL_free(der);
        return n > 0 && buf_ok(out);
}

/* First 3 bytes: of a zero block encrypted with a key of a block cipher; of SHA-1 of the public key for
 * pairs.
 */
static bool put_check_value(const struct crypto_key *key, struct buf *out)
{
        const struct crypto_secret *row = key->class == CRYPTO_SECRET ? crypto_secret_find(key->type) : NULL;
        uint8_t block[64] = { 0 };
        struct buf info = BUF_INIT;
        bool ok = false;

        if (row && row->cipher) {
                EVP_CIPHER_CTX *context = crypto_cipher_context(key, "ECB", true);
                int n = 0;

                ok = context && EVP_EncryptUpdate(context, block, &n, block, row->block) == 1;
                EVP_CIPHER_CTX_free(context);
        } else if (key->class != CRYPTO_SECRET) {
                ok = put_public_info(key, &info) &&
                     EVP_Digest(info.p, info.n, block, NULL, key->crypto->md[HASH_SHA1], NULL) == 1;
        }
        if (ok)
                buf_put(out, block, 3);
        sec_wipe(block, sizeof(block));
        buf_clear(&info);
        return ok && buf_ok(out);
}

static bool put_secret(const struct crypto_key *key, uint64_t attribute, struct buf *out)
{
        if (attribute == CKA_VALUE)
                buf_put_slice(out, sec_slice(key->secret));
        else if (attribute == CKA_VALUE_LEN)
                buf_put_u64(out, sec_size(key->secret));
        else
                return attribute == CKA_CHECK_VALUE && put_check_value(key, out);
        return buf_ok(out);
}

static bool put_rsa(const struct crypto_key *key, uint64_t attribute, struct buf *out)
{
        if (attribute == CKA_MODULUS_BITS) {
                buf_put_u64(out, key->bits);
                return buf_ok(out);
        }
        for (size_t i = 0; i < sizeof(rsa_rows) / sizeof(rsa_rows[0]); i++) {
                if (rsa_rows[i].attribute == attribute)
                        return (!rsa_rows[i].secret || key->class == CRYPTO_PRIVATE) &&
                               put_param(key, rsa_rows[i].param, 0, out);
        }
        return false;
}

static bool put_raw_private(const struct crypto_key *key, struct buf *out)
{
        uint8_t raw[64];
        size_t n = sizeof(raw);
        bool ok = EVP_PKEY_get_raw_private_key(key->pkey, raw, &n) == 1;

        if (ok)
                buf_put(out, raw, n);
        sec_wipe(raw, sizeof(raw));
        return ok && buf_ok(out);
}

static bool put_curve(const struct crypto_key *key, uint64_t attribute, struct buf *out)
{
        switch (attribute) {
        case CKA_EC_PARAMS:
                buf_put(out, key->curve->oid, key->curve->oid_n);
                return buf_ok(out);
        case CKA_EC_POINT:
                return put_point(key, out);
        case CKA_VALUE:
                if (key->class != CRYPTO_PRIVATE)
                        return false;
                return key->type == CKK_EC
                           ? put_param(key, OSSL_PKEY_PARAM_PRIV_KEY, (key->curve->bits + 7) / 8, out)
                           : put_raw_private(key, out);
        default:
                return false;
        }
}

bool crypto_key_component(const struct crypto_key *key, uint64_t attribute, struct buf *out, struct err *err)
{
        size_t before = out->n;
        bool ok;

        if (key->class == CRYPTO_SECRET)
                ok = put_secret(key, attribute, out);
        else if (attribute == CKA_PUBLIC_KEY_INFO)
                ok = put_public_info(key, out);
        else if (attribute == CKA_CHECK_VALUE)
                ok = put_check_value(key, out);
        else if (key->set)
                ok = crypto_set_component(key, attribute, out);
        else
                ok = key->type == CKK_RSA ? put_rsa(key, attribute, out) : put_curve(key, attribute, out);
        if (ok)
                return true;
        out->n = before;
        return err_set(err, ERR_ATTRIBUTE_TYPE, "such a key has no attribute 0x%llx",
                       (unsigned long long)attribute);
}

bool crypto_key_public_pem(const struct crypto_key *key, struct buf *out, struct err *err)
{
        BIO *bio = BIO_new(BIO_s_mem());
        char *text;
        long n = bio && PEM_write_bio_PUBKEY(bio, key->pkey) == 1 ? BIO_get_mem_data(bio, &text) : 0;

        if (n > 0)
                buf_put(out, text, (size_t)n);
        BIO_free(bio);
        return n > 0 || crypto_failed(err, "writing a public key");
}
