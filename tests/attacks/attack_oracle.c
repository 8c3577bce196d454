/* What the attacker computes on his own machine, with libcrypto. */
#include "attack.h"
#include "blocks.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

/* n bytes through a cipher without padding; *out_n is room, then size. */
static bool cipher(const char *name, bool encrypt, const void *key, const CK_BYTE *iv, const void *in,
                   size_t n, void *out, size_t *out_n)
{
        EVP_CIPHER *c = EVP_CIPHER_fetch(NULL, name, NULL);
        EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
        int got = 0, more = 0;
        bool ok;

        if (context)
                EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
        ok = c && context && EVP_CipherInit_ex2(context, c, key, iv, encrypt, NULL) == 1 &&
             EVP_CIPHER_CTX_set_padding(context, 0) == 1 &&
             EVP_CipherUpdate(context, out, &got, in, (int)n) == 1 &&
             EVP_CipherFinal_ex(context, (CK_BYTE *)out + got, &more) == 1;
        if (out_n)
                *out_n = ok ? (size_t)(got + more) : 0;
        EVP_CIPHER_CTX_free(context);
        EVP_CIPHER_free(c);
        return ok;
}

bool oracle_aes_ecb(const void *key, size_t key_n, bool encrypt, const void *in, void *out16)
{
        CK_BYTE block[32];
        bool ok =
            (key_n == 16 || key_n == 24 || key_n == 32) && cipher(key_n == 32   ? "AES-256-ECB"
                                                                  : key_n == 24 ? "AES-192-ECB"
                                                                                : "AES-128-ECB",
                                                                  encrypt, key, NULL, in, 16, block, NULL);

        if (ok)
                memcpy(out16, block, 16);
        return ok;
}

bool oracle_aes_cbc(const void *key, size_t key_n, bool encrypt, const CK_BYTE iv[16], const void *in,
                    size_t n, void *out)
{
        return cipher(key_n == 32 ? "AES-256-CBC" : "AES-128-CBC", encrypt, key, iv, in, n, out, NULL);
}

bool oracle_wrap(const char *name, const void *key, const void *in, size_t n, void *out, size_t *out_n)
{
        return cipher(name, true, key, NULL, in, n, out, out_n);
}

bool oracle_wrap_iv(const void *key, const CK_BYTE iv[8], const void *in, size_t n, void *out, size_t *out_n)
{
        return cipher("AES-256-WRAP", true, key, iv, in, n, out, out_n);
}

bool oracle_unwrap(const char *name, const void *key, const void *in, size_t n, void *out, size_t *out_n)
{
        return cipher(name, false, key, NULL, in, n, out, out_n);
}

bool oracle_hmac(const void *key, size_t key_n, const void *in, size_t n, CK_BYTE out[32])
{
        unsigned got = 32;

        return HMAC(EVP_sha256(), key, (int)key_n, in, n, out, &got) && got == 32;
}

bool oracle_rsa_raw(struct attack *a, CK_OBJECT_HANDLE public_key, const CK_BYTE block[256], struct blob *c)
{
        CK_BYTE modulus[256];
        CK_ULONG n = sizeof(modulus);

        c->n = 256;
        return attack_value(a, public_key, CKA_MODULUS, modulus, &n) == CKR_OK && n == sizeof(modulus) &&
               block_encrypt(modulus, block, c->p);
}

bool oracle_p256_point(CK_BYTE out[65])
{
        static EVP_PKEY *key;
        size_t n = 0;

        if (!key)
                key = EVP_EC_gen("P-256");
        return key && EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, out, 65, &n) == 1 &&
               n == 65;
}

static EVP_PKEY *own_rsa(void)
{
        static EVP_PKEY *key;

        return key ? key : (key = EVP_RSA_gen(2048));
}

const CK_BYTE *oracle_rsa_modulus(void)
{
        static CK_BYTE modulus[256];
        BIGNUM *n = NULL;

        if (EVP_PKEY_get_bn_param(own_rsa(), OSSL_PKEY_PARAM_RSA_N, &n) != 1 ||
            BN_bn2binpad(n, modulus, 256) != 256)
                abort();
        BN_free(n);
        return modulus;
}

bool oracle_rsa_private(struct wanted *w)
{
        static const struct {
                CK_ATTRIBUTE_TYPE type;
                const char *name;
        } rows[] = { { CKA_MODULUS, OSSL_PKEY_PARAM_RSA_N },
                     { CKA_PUBLIC_EXPONENT, OSSL_PKEY_PARAM_RSA_E },
                     { CKA_PRIVATE_EXPONENT, OSSL_PKEY_PARAM_RSA_D },
                     { CKA_PRIME_1, OSSL_PKEY_PARAM_RSA_FACTOR1 },
                     { CKA_PRIME_2, OSSL_PKEY_PARAM_RSA_FACTOR2 },
                     { CKA_EXPONENT_1, OSSL_PKEY_PARAM_RSA_EXPONENT1 },
                     { CKA_EXPONENT_2, OSSL_PKEY_PARAM_RSA_EXPONENT2 },
                     { CKA_COEFFICIENT, OSSL_PKEY_PARAM_RSA_COEFFICIENT1 } };
        static CK_BYTE numbers[sizeof(rows) / sizeof(rows[0])][256];

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                BIGNUM *n = NULL;
                if (EVP_PKEY_get_bn_param(own_rsa(), rows[i].name, &n) != 1)
                        return false;
                wanted_bytes(w, rows[i].type, numbers[i], (size_t)BN_bn2bin(n, numbers[i]));
                BN_clear_free(n);
        }
        return true;
}

bool oracle_oaep_open(const struct blob *in, void *out, size_t *n)
{
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(own_rsa(), NULL);
        bool ok = context && EVP_PKEY_decrypt_init(context) == 1 &&
                  EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
                  EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) == 1 &&
                  EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) == 1 &&
                  EVP_PKEY_decrypt(context, out, n, in->p, in->n) == 1;

        EVP_PKEY_CTX_free(context);
        return ok;
}

bool oracle_is_key(struct attack *a, CK_OBJECT_HANDLE key, const void *v, size_t n)
{
        CK_BYTE check[16] = { 0 }, block[16], zero[16] = { 0 };
        CK_ULONG check_n = sizeof(check);

        if (attack_value(a, key, CKA_CHECK_VALUE, check, &check_n) != CKR_OK || check_n != 3) {
                printf("# no check value of key %lu to compare with\n", key);
                return true; /* a comparison that cannot be made must not pass */
        }
        return oracle_aes_ecb(v, n, true, zero, block) && memcmp(block, check, 3) == 0;
}
