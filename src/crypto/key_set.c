/* Keys of a parameter set: ML-KEM, ML-DSA, SLH-DSA. Everything goes through libcrypto's provider names, so
 * that this is the same code where libcrypto has none of them: there no such key can be made or read. */
#include "ck/cryptoki.h"
#include "crypto/internal.h"

#include <openssl/param_build.h>
#include <stdlib.h>

#define PARAM_SEED "seed" /* OSSL_PKEY_PARAM_ML_DSA_SEED of libcrypto 3.5 */
#define RAW_MAX    8192u  /* the longest private key has 4896 bytes */

static const struct crypto_set *set_of(uint64_t type, uint64_t number, struct err *err)
{
        const struct crypto_set *set = crypto_set_find(type, number);

        if (!set)
                err_set(err, ERR_PARAMETER_SET, "CKA_PARAMETER_SET %llu is none of this key type",
                        (unsigned long long)number);
        return set;
}

EVP_PKEY *crypto_set_generate(struct crypto *c, const struct crypto_key_spec *spec, struct err *err)
{
        const struct crypto_set *set = set_of(spec->key_type, spec->parameter_set, err);
        EVP_PKEY_CTX *context = set ? EVP_PKEY_CTX_new_from_name(c->context, set->name, NULL) : NULL;
        EVP_PKEY *pkey = NULL;

        if (set && (!context || EVP_PKEY_keygen_init(context) != 1 || EVP_PKEY_generate(context, &pkey) != 1))
                crypto_failed(err, "key generation");
        EVP_PKEY_CTX_free(context);
        return pkey;
}

/* A private key from its seed, which says everything. */
static EVP_PKEY *from_seed(struct crypto *c, const struct crypto_set *set, struct slice seed)
{
        OSSL_PARAM params[] = { OSSL_PARAM_construct_octet_string(PARAM_SEED, (void *)(uintptr_t)seed.p,
                                                                  seed.n),
                                OSSL_PARAM_construct_end() };
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(c->context, set->name, NULL);
        EVP_PKEY *pkey = NULL;

        if (context && EVP_PKEY_fromdata_init(context) == 1)
                (void)EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_KEYPAIR, params);
        EVP_PKEY_CTX_free(context);
        return pkey;
}

/* Seed and value together are the same key. */
static bool agrees(EVP_PKEY *pkey, struct slice value)
{
        uint8_t *raw = malloc(RAW_MAX);
        size_t n = RAW_MAX;
        bool ok = raw && EVP_PKEY_get_raw_private_key(pkey, raw, &n) == 1 && n == value.n &&
                  CRYPTO_memcmp(raw, value.p, n) == 0;

        if (raw)
                sec_wipe(raw, RAW_MAX);
        free(raw);
        return ok;
}

EVP_PKEY *crypto_set_import(struct crypto *c, enum crypto_key_class class, uint64_t type, uint64_t number,
                            struct slice value, struct slice seed, struct err *err)
{
        const struct crypto_set *set = set_of(type, number, err);
        EVP_PKEY *pkey = NULL;

        if (!set)
                return NULL;
        if (class == CRYPTO_PUBLIC)
                pkey = EVP_PKEY_new_raw_public_key_ex(c->context, set->name, NULL, value.p, value.n);
        else if (seed.n)
                pkey = from_seed(c, set, seed);
        else
                pkey = EVP_PKEY_new_raw_private_key_ex(c->context, set->name, NULL, value.p, value.n);
        if (pkey && class == CRYPTO_PRIVATE && seed.n && value.n && !agrees(pkey, value)) {
                EVP_PKEY_free(pkey);
                pkey = NULL;
        }
        ERR_clear_error();
        if (!pkey)
                err_set(err, ERR_ATTRIBUTE_VALUE, "the key's value is none of its parameter set");
        return pkey;
}

static bool put_raw(const struct crypto_key *key, struct buf *out)
{
        uint8_t *raw = malloc(RAW_MAX);
        size_t n = RAW_MAX;
        bool ok =
            raw && (key->class == CRYPTO_PUBLIC ? EVP_PKEY_get_raw_public_key(key->pkey, raw, &n)
                                                : EVP_PKEY_get_raw_private_key(key->pkey, raw, &n)) == 1;

        if (ok)
                buf_put(out, raw, n);
        if (raw)
                sec_wipe(raw, RAW_MAX);
        free(raw);
        return ok && buf_ok(out);
}

bool crypto_set_component(const struct crypto_key *key, uint64_t attribute, struct buf *out)
{
        uint8_t seed[64];
        size_t n = 0;
        bool ok;

        switch (attribute) {
        case CKA_PARAMETER_SET:
                buf_put_u64(out, key->set->number);
                return buf_ok(out);
        case CKA_VALUE:
                return put_raw(key, out);
        case CKA_SEED:
                ok = key->class == CRYPTO_PRIVATE &&
                     EVP_PKEY_get_octet_string_param(key->pkey, PARAM_SEED, seed, sizeof(seed), &n) == 1;
                if (ok)
                        buf_put(out, seed, n);
                sec_wipe(seed, sizeof(seed));
                ERR_clear_error();
                return ok && buf_ok(out);
        default:
                return false;
        }
}
