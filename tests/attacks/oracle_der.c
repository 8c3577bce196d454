/* PrivateKeyInfo (RFC 5208) of the attacker's making: one that is right, and what is wrong with others. */
#include "attack.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

static EVP_PKEY *good_rsa(void)
{
        static EVP_PKEY *key;

        return key ? key : (key = EVP_RSA_gen(2048));
}

static BIGNUM *part(EVP_PKEY *key, const char *name)
{
        BIGNUM *n = NULL;

        if (EVP_PKEY_get_bn_param(key, name, &n) != 1)
                abort();
        return n;
}

/* The same primes with another pair of exponents; 0: the true one. */
static EVP_PKEY *rsa_with(unsigned long e, unsigned long d, bool wrong_prime)
{
        EVP_PKEY *from = good_rsa(), *made = NULL;
        BIGNUM *n = part(from, OSSL_PKEY_PARAM_RSA_N), *be = part(from, OSSL_PKEY_PARAM_RSA_E),
               *bd = part(from, OSSL_PKEY_PARAM_RSA_D), *p = part(from, OSSL_PKEY_PARAM_RSA_FACTOR1),
               *q = part(from, OSSL_PKEY_PARAM_RSA_FACTOR2), *dp = part(from, OSSL_PKEY_PARAM_RSA_EXPONENT1),
               *dq = part(from, OSSL_PKEY_PARAM_RSA_EXPONENT2),
               *qi = part(from, OSSL_PKEY_PARAM_RSA_COEFFICIENT1);
        OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
        OSSL_PARAM *params = NULL;

        if ((e && BN_set_word(be, e) != 1) ||
            (d && (BN_set_word(bd, d) != 1 || BN_set_word(dp, d) != 1 || BN_set_word(dq, d) != 1)) ||
            (wrong_prime && BN_add_word(p, 2) != 1))
                abort();
        if (OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
            OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, be) &&
            OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_D, bd) &&
            OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_FACTOR1, p) &&
            OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_FACTOR2, q) &&
            OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_EXPONENT1, dp) &&
            OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_EXPONENT2, dq) &&
            OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, qi))
                params = OSSL_PARAM_BLD_to_param(build);
        if (!params || EVP_PKEY_fromdata_init(context) != 1 ||
            EVP_PKEY_fromdata(context, &made, EVP_PKEY_KEYPAIR, params) != 1)
                abort();
        OSSL_PARAM_free(params);
        OSSL_PARAM_BLD_free(build);
        EVP_PKEY_CTX_free(context);
        BN_free(n);
        BN_free(be);
        BN_clear_free(bd);
        BN_clear_free(p);
        BN_clear_free(q);
        BN_clear_free(dp);
        BN_clear_free(dq);
        BN_clear_free(qi);
        return made;
}

static size_t write_key(EVP_PKEY *key, CK_BYTE *out, size_t room)
{
        PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
        int n = info ? i2d_PKCS8_PRIV_KEY_INFO(info, NULL) : 0;

        if (n > 0 && (size_t)n <= room)
                n = i2d_PKCS8_PRIV_KEY_INFO(info, &out);
        else
                n = 0;
        PKCS8_PRIV_KEY_INFO_free(info);
        return n > 0 ? (size_t)n : 0;
}

static size_t write_rsa(unsigned long e, unsigned long d, bool wrong_prime, CK_BYTE *out, size_t room)
{
        EVP_PKEY *key = rsa_with(e, d, wrong_prime);
        size_t n = write_key(key, out, room);

        EVP_PKEY_free(key);
        return n;
}

/* Where rsaEncryption's identifier stands. */
static CK_BYTE *algorithm(CK_BYTE *der)
{
        static const CK_BYTE rsa[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 };

        for (int i = 0; i < 40; i++) {
                if (memcmp(der + i, rsa, sizeof(rsa)) == 0)
                        return der + i;
        }
        abort();
}

static size_t ec_inside_rsa(CK_BYTE *out, size_t room)
{
        EVP_PKEY *key = EVP_EC_gen("P-256");
        size_t n = key ? write_key(key, out, room) : 0;

        EVP_PKEY_free(key);
        return n;
}

size_t oracle_private_info(enum oracle_pkcs8 form, CK_BYTE *out, size_t room)
{
        size_t n = write_key(good_rsa(), out, room);

        switch (form) {
        case PKCS8_EXPONENT_ONE:
                return write_rsa(1, 1, false, out, room);
        case PKCS8_EXPONENT_EVEN:
                return write_rsa(65536, 0, false, out, room);
        case PKCS8_EXPONENT_OTHER:
                return write_rsa(3, 0, false, out, room);
        case PKCS8_PRIME:
                return write_rsa(0, 0, true, out, room);
        case PKCS8_TRAILING:
                out[n] = 0;
                return n + 1;
        case PKCS8_LENGTH: /* the outer length says four gigabytes */
                memmove(out + 6, out + 4, n - 4);
                memcpy(out, "\x30\x84\xff\xff\xff\xff", 6);
                return n + 2;
        case PKCS8_LONG_FORM: /* the same length in more octets than needed */
                memmove(out + 5, out + 4, n - 4);
                memmove(out + 3, out + 2, 2);
                memcpy(out, "\x30\x83\0", 3);
                return n + 1;
        case PKCS8_SHORT:
                return n - 1;
        case PKCS8_ALGORITHM: /* an elliptic curve's identifier in front of RSA numbers is no RSA key */
                memcpy(algorithm(out), "\x2a\x86\x48\xce\x3d\x02\x01\x01\x01", 9);
                return n;
        case PKCS8_CURVE:
                return ec_inside_rsa(out, room);
        case PKCS8_NOTHING:
                memset(out, 0, 64);
                return 64;
        default:
                return n;
        }
}
