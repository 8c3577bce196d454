/* PBKDF2 (RFC 8018): a key out of a password, for C_GenerateKey; and how generate mechanisms make secret
 * keys. */
#include "crypto/derive.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

/* Hash computations one call may cost: a second or two. */
#define WORK_MOST 4000000u

static enum crypto_hash pbkdf2_hash(uint32_t prf)
{
        static const struct {
                uint32_t prf;
                enum crypto_hash hash;
        } rows[] = { { CKP_PKCS5_PBKD2_HMAC_SHA1, HASH_SHA1 },
                     { CKP_PKCS5_PBKD2_HMAC_SHA224, HASH_SHA224 },
                     { CKP_PKCS5_PBKD2_HMAC_SHA256, HASH_SHA256 },
                     { CKP_PKCS5_PBKD2_HMAC_SHA384, HASH_SHA384 },
                     { CKP_PKCS5_PBKD2_HMAC_SHA512, HASH_SHA512 },
                     { CKP_PKCS5_PBKD2_HMAC_SHA512_224, HASH_SHA512_224 },
                     { CKP_PKCS5_PBKD2_HMAC_SHA512_256, HASH_SHA512_256 } };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                if (rows[i].prf == prf)
                        return rows[i].hash;
        }
        return HASH_NONE;
}

static bool pbkdf2_check(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                         const struct ck_mech_param *p, struct err *err)
{
        (void)op;
        (void)key;
        if (!p || !p->present || pbkdf2_hash(p->u.pbkdf2.prf) == HASH_NONE)
                return err_set(err, ERR_MECHANISM_PARAM, "%s needs a pseudorandom function that is offered",
                               m->name);
        return (p->u.pbkdf2.iterations >= 1 && p->u.pbkdf2.iterations <= WORK_MOST) ||
               err_set(err, ERR_MECHANISM_PARAM, "%s takes 1 to %u iterations, not %u", m->name, WORK_MOST,
                       p->u.pbkdf2.iterations);
}

static struct sec *pbkdf2(struct crypto *c, const struct ck_mech_param *p, size_t n, struct err *err)
{
        enum crypto_hash hash = pbkdf2_hash(p->u.pbkdf2.prf);
        size_t size = (size_t)EVP_MD_get_size(c->md[hash]);
        uint64_t iterations = p->u.pbkdf2.iterations;
        int plain = 1; /* the checks of SP 800-132 are the policy's business, not the mechanism's */
        struct slice password = p->u.pbkdf2.password, salt = p->u.pbkdf2.salt;
        OSSL_PARAM params[6], *at = params;

        if (iterations * ((n + size - 1) / size) > WORK_MOST) {
                err_set(err, ERR_MECHANISM_PARAM,
                        "%llu iterations for %zu bytes are more work than one call may be",
                        (unsigned long long)iterations, n);
                return NULL;
        }
        *at++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                                                 (char *)(uintptr_t)EVP_MD_get0_name(c->md[hash]), 0);
        *at++ = OSSL_PARAM_construct_octet_string(
            OSSL_KDF_PARAM_PASSWORD, password.n ? (void *)(uintptr_t)password.p : "", password.n);
        *at++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT,
                                                  salt.n ? (void *)(uintptr_t)salt.p : "", salt.n);
        *at++ = OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_ITER, &iterations);
        *at++ = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_PKCS5, &plain);
        *at = OSSL_PARAM_construct_end();
        return crypto_kdf_run(c, "PBKDF2", params, n, err);
}

const struct crypto_family crypto_family_pbkdf2 = { .check = pbkdf2_check, .generate = pbkdf2 };

bool crypto_mechanism_from_parameter(const struct crypto_mechanism *m)
{
        return m->family == &crypto_family_pbkdf2;
}

bool crypto_generate(struct crypto *c, const struct crypto_mechanism *m, const struct ck_mech_param *p,
                     const struct crypto_key_spec *spec, struct crypto_key **out, struct err *err)
{
        struct sec *value;
        bool ok;

        if (!m->family || !m->family->generate)
                return crypto_key_generate(c, spec, out, err);
        if (!crypto_operation_check(m, CRYPTO_GENERATE, NULL, p, err))
                return false;
        value = m->family->generate(c, p, spec->bits / 8, err);
        ok = value && crypto_key_open(c, CRYPTO_SECRET, spec->key_type, sec_slice(value), out, err);
        sec_free(&value);
        return ok;
}
