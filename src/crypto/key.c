/* The life of a parsed key, and its context cache. */
#include "crypto/key.h"
#include "ck/cryptoki.h"
#include "crypto/internal.h"
#include "crypto/seal.h"

#include <openssl/core_names.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <stdlib.h>

struct crypto_key *crypto_key_alloc(struct crypto *c, enum crypto_key_class class, uint64_t type,
                                    uint32_t bits)
{
        struct crypto_key *key = calloc(1, sizeof(*key));

        if (key) {
                key->crypto = c;
                key->class = class;
                key->type = type;
                key->bits = bits;
                atomic_init(&key->references, 1);
        }
        return key;
}

struct crypto_key *crypto_key_ref(struct crypto_key *key)
{
        atomic_fetch_add_explicit(&key->references, 1, memory_order_relaxed);
        return key;
}

void crypto_key_unref(struct crypto_key **kp)
{
        struct crypto_key *key = *kp;

        *kp = NULL;
        if (!key || atomic_fetch_sub_explicit(&key->references, 1, memory_order_acq_rel) != 1)
                return;
        for (int i = 0; i < KEY_CACHE; i++)
                crypto_cached_free(atomic_load(&key->cache[i]));
        EVP_PKEY_free(key->pkey);
        sec_free(&key->secret);
        free(key);
}

struct crypto_cached *crypto_cached_new(const void *tag, void *context, void (*free_context)(void *))
{
        struct crypto_cached *cached = context ? malloc(sizeof(*cached)) : NULL;

        if (!cached) {
                if (context)
                        free_context(context);
                return NULL;
        }
        *cached = (struct crypto_cached){ tag, context, free_context };
        return cached;
}

void crypto_cached_free(struct crypto_cached *cached)
{
        if (!cached)
                return;
        cached->free(cached->context);
        free(cached);
}

struct crypto_cached *crypto_cache_take(struct crypto_key *key, const void *tag)
{
        for (int i = 0; i < KEY_CACHE; i++) {
                struct crypto_cached *cached = atomic_exchange(&key->cache[i], NULL);

                if (cached && cached->tag == tag)
                        return cached;
                crypto_cache_put(key, cached);
        }
        return NULL;
}

void crypto_cache_put(struct crypto_key *key, struct crypto_cached *cached)
{
        for (int i = 0; cached && i < KEY_CACHE; i++) {
                struct crypto_cached *none = NULL;

                if (atomic_compare_exchange_strong(&key->cache[i], &none, cached))
                        return;
        }
        crypto_cached_free(cached);
}

/* The curve of an elliptic key; NULL when it is not one of ours. */
static const struct crypto_curve *pkey_curve(const EVP_PKEY *pkey, uint64_t type)
{
        const struct crypto_curve *curve = NULL;
        char group[64];
        uint8_t der[16], *at = der;
        ASN1_OBJECT *object;
        int n;

        if (type != CKK_EC)
                return crypto_curve_named(EVP_PKEY_get0_type_name(pkey));
        if (EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) != 1)
                return NULL;
        object = OBJ_txt2obj(group, 0);
        n = object ? i2d_ASN1_OBJECT(object, NULL) : 0;
        if (n > 0 && n <= (int)sizeof(der)) {
                (void)i2d_ASN1_OBJECT(object, &at);
                curve = crypto_curve_find(slice_of(der, (size_t)n));
        }
        ASN1_OBJECT_free(object);
        return curve;
}

/* Explicit domain parameters that are a known curve's are kept by its name from here on. */
static bool name_curve(EVP_PKEY *pkey)
{
        char encoding[32];

        return EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_ENCODING, encoding, sizeof(encoding),
                                              NULL) != 1 ||
               strcmp(encoding, OSSL_PKEY_EC_ENCODING_GROUP) == 0 ||
               EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_ENCODING,
                                              OSSL_PKEY_EC_ENCODING_GROUP) == 1;
}

bool crypto_rsa_acceptable(uint32_t bits, const BIGNUM *e, struct err *err)
{
        /* libcrypto verifies nothing with a longer exponent when the modulus is long. */
        int most = bits > 3072 ? 64 : 256;

        if (bits < CRYPTO_RSA_MIN || bits > CRYPTO_RSA_MAX || bits % CRYPTO_RSA_STEP)
                return err_set(err, ERR_KEY_SIZE,
                               "an RSA key of %u bits; %d to %d in steps of %d are offered", bits,
                               CRYPTO_RSA_MIN, CRYPTO_RSA_MAX, CRYPTO_RSA_STEP);
        if (!BN_is_odd(e) || BN_is_one(e) || BN_num_bits(e) > most)
                return err_set(err, ERR_ATTRIBUTE_VALUE,
                               "the RSA public exponent must be odd, above 1 and of at most %d bits", most);
        return true;
}

static bool rsa_acceptable(const EVP_PKEY *pkey, bool *old, struct err *err)
{
        uint32_t bits = (uint32_t)EVP_PKEY_get_bits(pkey);
        BIGNUM *e = NULL;
        bool ok = EVP_PKEY_get_bn_param(pkey, "e", &e) == 1 && crypto_rsa_acceptable(bits, e, err);

        *old = ok && !crypto_rsa_approved(bits, e);
        BN_free(e);
        return ok;
}

bool crypto_key_wrap_pkey(struct crypto *c, enum crypto_key_class class, uint64_t type, EVP_PKEY *pkey,
                          struct crypto_key **out, struct err *err)
{
        const struct crypto_curve *curve = NULL;
        const struct crypto_set *set = NULL;
        bool old = false;
        const char *wanted = type == CKK_RSA ? "RSA" : type == CKK_EC ? "EC" : NULL;

        if (wanted && !EVP_PKEY_is_a(pkey, wanted)) {
                EVP_PKEY_free(pkey);
                return err_set(err, ERR_KEY_TYPE, "the key is not an %s key", wanted);
        }
        if (crypto_key_has_set(type)) {
                set = crypto_set_named(type, EVP_PKEY_get0_type_name(pkey));
                if (!set) {
                        EVP_PKEY_free(pkey);
                        return err_set(err, ERR_KEY_TYPE, "the key is of another type");
                }
        } else if (type != CKK_RSA) {
                curve = pkey_curve(pkey, type);
                if (!curve || curve->key_type != type || (type == CKK_EC && !name_curve(pkey))) {
                        EVP_PKEY_free(pkey);
                        return err_set(err, ERR_CURVE, "the key's curve is not offered");
                }
        } else if (!rsa_acceptable(pkey, &old, err)) {
                EVP_PKEY_free(pkey);
                return false;
        }
        *out = crypto_key_alloc(c, class, type,
                                set     ? set->public_n * 8
                                : curve ? curve->bits
                                        : (uint32_t)EVP_PKEY_get_bits(pkey));
        if (!*out) {
                EVP_PKEY_free(pkey);
                return err_set(err, ERR_MEMORY, "no memory for a key");
        }
        (*out)->pkey = pkey;
        (*out)->curve = curve;
        (*out)->set = set;
        (*out)->old = curve ? curve->non_fips : old;
        return true;
}

struct sec *crypto_key_material(const struct crypto_key *key, struct err *err)
{
        struct sec *out = NULL;
        uint8_t *der = NULL;
        PKCS8_PRIV_KEY_INFO *info;
        int n;

        if (key->class == CRYPTO_SECRET)
                return sec_copy(sec_slice(key->secret));
        if (key->class == CRYPTO_PUBLIC) {
                n = i2d_PUBKEY(key->pkey, &der);
        } else {
                info = EVP_PKEY2PKCS8(key->pkey);
                n = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;
                PKCS8_PRIV_KEY_INFO_free(info);
        }
        if (n > 0)
                out = sec_copy(slice_of(der, (size_t)n));
        OPENSSL_clear_free(der, n > 0 ? (size_t)n : 0);
        if (!out)
                crypto_failed(err, "writing a key");
        return out;
}

static bool secret_open(struct crypto *c, uint64_t type, struct slice material, struct crypto_key **out,
                        struct err *err)
{
        const struct crypto_secret *row = crypto_secret_find(type);

        if (!row)
                return err_set(err, ERR_KEY_TYPE, "secret keys of type 0x%llx are not offered",
                               (unsigned long long)type);
        if (material.n < row->min || material.n > row->max || (material.n - row->min) % row->step)
                return err_set(err, ERR_KEY_SIZE, "a secret key of this type cannot have %zu bytes",
                               material.n);
        if (type == CKK_AES_XTS &&
            CRYPTO_memcmp(material.p, material.p + material.n / 2, material.n / 2) == 0)
                return err_set(err, ERR_ATTRIBUTE_VALUE, "the halves of an XTS key must differ");
        *out = crypto_key_alloc(c, CRYPTO_SECRET, type, (uint32_t)material.n * 8);
        if (*out)
                (*out)->secret = sec_copy(material);
        if (*out && (*out)->secret)
                return true;
        crypto_key_unref(out);
        return err_set(err, ERR_MEMORY, "no memory for a key");
}

bool crypto_key_open(struct crypto *c, enum crypto_key_class class, uint64_t type, struct slice material,
                     struct crypto_key **out, struct err *err)
{
        const unsigned char *at = material.p;
        EVP_PKEY *pkey;

        if (class == CRYPTO_SECRET)
                return secret_open(c, type, material, out, err);
        if (material.n == 0 || material.n > 65536)
                return err_set(err, ERR_ATTRIBUTE_VALUE, "key material of %zu bytes", material.n);
        pkey = class == CRYPTO_PUBLIC ? d2i_PUBKEY_ex(NULL, &at, (long)material.n, c->context, NULL)
                                      : d2i_AutoPrivateKey_ex(NULL, &at, (long)material.n, c->context, NULL);
        ERR_clear_error();
        if (pkey && at != material.p + material.n) {
                EVP_PKEY_free(pkey);
                pkey = NULL;
        }
        if (!pkey)
                return err_set(err, ERR_ATTRIBUTE_VALUE, "key material cannot be read");
        return crypto_key_wrap_pkey(c, class, type, pkey, out, err);
}

bool crypto_key_check(struct crypto_key *key, struct err *err)
{
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(key->crypto->context, key->pkey, NULL);
        bool ok = context && (key->class == CRYPTO_PRIVATE ? EVP_PKEY_check(context)
                                                           : EVP_PKEY_public_check(context)) == 1;

        EVP_PKEY_CTX_free(context);
        ERR_clear_error();
        return ok || err_set(err, ERR_ATTRIBUTE_VALUE, "the key's parts do not fit together");
}

bool crypto_key_public(const struct crypto_key *private_key, struct crypto_key **out, struct err *err)
{
        uint8_t *der = NULL;
        int n = i2d_PUBKEY(private_key->pkey, &der);
        bool ok = n > 0 ? crypto_key_open(private_key->crypto, CRYPTO_PUBLIC, private_key->type,
                                          slice_of(der, (size_t)n), out, err)
                        : crypto_failed(err, "reading the public half");

        OPENSSL_free(der);
        return ok;
}

enum crypto_key_class crypto_key_class_of(const struct crypto_key *key)
{
        return key->class;
}

uint64_t crypto_key_type(const struct crypto_key *key)
{
        return key->type;
}

uint32_t crypto_key_bits(const struct crypto_key *key)
{
        return key->bits;
}

bool crypto_key_fingerprint(const struct crypto_key *key, struct slice partition_key, uint8_t out[32])
{
        struct sec *material = crypto_key_material(key, NULL);
        bool ok = material && crypto_hmac_sha256(key->crypto, partition_key, sec_slice(material), out);

        sec_free(&material);
        return ok;
}
