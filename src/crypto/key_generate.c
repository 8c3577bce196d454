/* Making keys, and the pairwise test every new pair has to pass. */
#include "ck/cryptoki.h"
#include "crypto/internal.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <stdlib.h>

/* Makes the number of ones in each byte odd by its lowest bit. */
static void set_parity(uint8_t *p, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                uint8_t ones = p[i] >> 1;

                ones ^= (uint8_t)(ones >> 4);
                ones ^= (uint8_t)(ones >> 2);
                ones ^= (uint8_t)(ones >> 1);
                p[i] = (uint8_t)((p[i] & 0xfe) | (~ones & 1));
        }
}

bool crypto_key_generate(struct crypto *c, const struct crypto_key_spec *spec, struct crypto_key **out,
                         struct err *err)
{
        struct sec *value = spec->bits % 8 == 0 && spec->bits <= 3072 * 8 ? sec_new(spec->bits / 8) : NULL;
        const struct crypto_secret *row;
        bool ok;

        if (!value)
                return err_set(err, ERR_KEY_SIZE, "a secret key cannot have %u bits", spec->bits);
        row = crypto_secret_find(spec->key_type);
        ok = crypto_random(c, sec_bytes(value), sec_size(value), err);
        if (ok && row && row->parity)
                set_parity(sec_bytes(value), sec_size(value));
        ok = ok && crypto_key_open(c, CRYPTO_SECRET, spec->key_type, sec_slice(value), out, err);
        sec_free(&value);
        return ok;
}

/* The exponent of the template; 65537 when absent. */
static BIGNUM *exponent_of(const struct crypto_key_spec *spec)
{
        BIGNUM *e = NULL;

        if (spec->exponent.n)
                return spec->exponent.n <= 1024 ? BN_bin2bn(spec->exponent.p, (int)spec->exponent.n, NULL)
                                                : NULL;
        e = BN_new();
        if (e)
                (void)BN_set_word(e, RSA_F4);
        return e;
}

/* New keys have 3, or at least 65537: what lies between has no use. */
static bool exponent_fits(uint32_t bits, const BIGNUM *e, struct err *err)
{
        if (!e || (!BN_is_word(e, 3) && BN_num_bits(e) < 17))
                return err_set(err, ERR_ATTRIBUTE_VALUE,
                               "the public exponent must be odd and at least 65537, or 3");
        return crypto_rsa_acceptable(bits, e, err);
}

static EVP_PKEY *rsa_generate(struct crypto *c, const struct crypto_key_spec *spec, struct err *err)
{
        EVP_PKEY_CTX *context = NULL;
        EVP_PKEY *pkey = NULL;
        BIGNUM *e = exponent_of(spec);

        if (!exponent_fits(spec->bits, e, err) || !crypto_spec_approved(spec, NULL, e, err)) {
                BN_free(e);
                return NULL;
        }
        context = EVP_PKEY_CTX_new_from_name(c->context, "RSA", NULL);
        if (!context || EVP_PKEY_keygen_init(context) != 1 ||
            EVP_PKEY_CTX_set_rsa_keygen_bits(context, (int)spec->bits) != 1 ||
            EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context, e) != 1 || EVP_PKEY_generate(context, &pkey) != 1)
                crypto_failed(err, "RSA key generation");
        EVP_PKEY_CTX_free(context);
        BN_free(e);
        return pkey;
}

/* CKM_EC_KEY_PAIR_GEN asks for all curves as CKK_EC, as the lineage has it. */
static EVP_PKEY *curve_generate(struct crypto *c, const struct crypto_key_spec *spec,
                                const struct crypto_curve *curve, struct err *err)
{
        EVP_PKEY_CTX *context;
        EVP_PKEY *pkey = NULL;

        if (!curve || (curve->key_type != spec->key_type && spec->key_type != CKK_EC)) {
                err_set(err, ERR_CURVE,
                        "CKA_EC_PARAMS does not name a curve that is offered for this key type");
                return NULL;
        }
        if (!crypto_spec_approved(spec, curve, NULL, err))
                return NULL;
        context =
            EVP_PKEY_CTX_new_from_name(c->context, curve->key_type == CKK_EC ? "EC" : curve->name, NULL);
        if (!context || EVP_PKEY_keygen_init(context) != 1 ||
            (curve->key_type == CKK_EC && EVP_PKEY_CTX_set_group_name(context, curve->name) != 1) ||
            EVP_PKEY_generate(context, &pkey) != 1)
                crypto_failed(err, "elliptic curve key generation");
        EVP_PKEY_CTX_free(context);
        return pkey;
}

/* Signs and verifies a fixed digest; Montgomery keys agree with themselves. SP 800-56A 5.6.2.1.4, FIPS 140
 * IG. */
bool crypto_key_pairwise(struct crypto *c, struct crypto_key *private_key, struct crypto_key *public_key,
                         struct err *err)
{
        static const uint8_t digest[32] = "chsm pairwise consistency test.";
        bool raw = private_key->type == CKK_RSA || private_key->type == CKK_EC;
        EVP_MD_CTX *sign = EVP_MD_CTX_new(), *verify = EVP_MD_CTX_new();
        const char *hash = raw ? "SHA256" : NULL;
        size_t n = (size_t)EVP_PKEY_get_size(private_key->pkey);
        uint8_t *signature = malloc(n ? n : 1);
        bool ok;

        if (private_key->type == CKK_ML_KEM)
                ok = crypto_kem_agrees(c, private_key, public_key, err);
        else if (private_key->type == CKK_EC_MONTGOMERY)
                ok = EVP_PKEY_eq(private_key->pkey, public_key->pkey) == 1 &&
                     crypto_key_check(private_key, err);
        else
                ok =
                    sign && verify && signature &&
                    EVP_DigestSignInit_ex(sign, NULL, hash, c->context, NULL, private_key->pkey, NULL) == 1 &&
                    EVP_DigestSign(sign, signature, &n, digest, sizeof(digest)) == 1 &&
                    EVP_DigestVerifyInit_ex(verify, NULL, hash, c->context, NULL, public_key->pkey, NULL) ==
                        1 &&
                    EVP_DigestVerify(verify, signature, n, digest, sizeof(digest)) == 1;
        EVP_MD_CTX_free(sign);
        EVP_MD_CTX_free(verify);
        free(signature);
        return ok || crypto_failed(err, "the pairwise test of a new key pair");
}

bool crypto_key_pair_generate(struct crypto *c, const struct crypto_key_spec *spec,
                              struct crypto_key **private_key, struct crypto_key **public_key,
                              struct err *err)
{
        const struct crypto_curve *curve = spec->key_type == CKK_RSA ? NULL : crypto_curve_find(spec->curve);
        uint64_t type = curve ? curve->key_type : spec->key_type;
        EVP_PKEY *pkey = crypto_key_has_set(spec->key_type) ? crypto_set_generate(c, spec, err)
                         : spec->key_type == CKK_RSA        ? rsa_generate(c, spec, err)
                                                            : curve_generate(c, spec, curve, err);

        *private_key = *public_key = NULL;
        if (!pkey || !crypto_key_wrap_pkey(c, CRYPTO_PRIVATE, type, pkey, private_key, err))
                return false;
        if (crypto_key_public(*private_key, public_key, err) &&
            crypto_key_pairwise(c, *private_key, *public_key, err))
                return true;
        crypto_key_unref(private_key);
        crypto_key_unref(public_key);
        return false;
}
