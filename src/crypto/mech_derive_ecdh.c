/* ECDH key agreement (SP 800-56A) with no KDF, that of X9.63 or that of SP 800-56A. All curves offered have
 * cofactor 1 or clear it themselves (X25519, X448), so both mechanisms are one function. */
#include "crypto/derive.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

/* What is made of the shared secret: nothing, the KDF of X9.63 (the counter after it) or the one of SP
 * 800-56A (the counter before it). */
struct kdf {
        uint32_t kdf; /* CKD_ */
        enum crypto_hash hash;
        const char *name; /* libcrypto's; NULL: nothing */
};

static const struct kdf *kdf_find(uint32_t kdf)
{
        static const struct kdf rows[] = {
                { CKD_NULL, HASH_NONE, NULL },
                { CKD_SHA1_KDF, HASH_SHA1, "X963KDF" },
                { CKD_SHA224_KDF, HASH_SHA224, "X963KDF" },
                { CKD_SHA256_KDF, HASH_SHA256, "X963KDF" },
                { CKD_SHA384_KDF, HASH_SHA384, "X963KDF" },
                { CKD_SHA512_KDF, HASH_SHA512, "X963KDF" },
                { CKD_SHA3_224_KDF, HASH_SHA3_224, "X963KDF" },
                { CKD_SHA3_256_KDF, HASH_SHA3_256, "X963KDF" },
                { CKD_SHA3_384_KDF, HASH_SHA3_384, "X963KDF" },
                { CKD_SHA3_512_KDF, HASH_SHA3_512, "X963KDF" },
                { CKD_SHA1_KDF_SP800, HASH_SHA1, "SSKDF" },
                { CKD_SHA224_KDF_SP800, HASH_SHA224, "SSKDF" },
                { CKD_SHA256_KDF_SP800, HASH_SHA256, "SSKDF" },
                { CKD_SHA384_KDF_SP800, HASH_SHA384, "SSKDF" },
                { CKD_SHA512_KDF_SP800, HASH_SHA512, "SSKDF" },
                { CKD_SHA3_224_KDF_SP800, HASH_SHA3_224, "SSKDF" },
                { CKD_SHA3_256_KDF_SP800, HASH_SHA3_256, "SSKDF" },
                { CKD_SHA3_384_KDF_SP800, HASH_SHA3_384, "SSKDF" },
                { CKD_SHA3_512_KDF_SP800, HASH_SHA3_512, "SSKDF" },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                if (rows[i].kdf == kdf)
                        return &rows[i];
        }
        return NULL;
}

/* The bare point out of a parameter that may have it in a DER OCTET STRING; the length decides, because an
 * uncompressed point begins with the same byte. */
static bool point_of(const struct crypto_key *key, struct slice given, struct slice *point)
{
        size_t width = (key->bits + 7) / 8, raw = key->type == CKK_EC ? 1 + 2 * width : width;
        struct reader r = reader_of(given);
        size_t n;

        *point = given;
        if (given.n == raw)
                return true;
        if (reader_u8(&r) != 0x04)
                return false;
        n = reader_u8(&r);
        if (n == 0x81)
                n = reader_u8(&r);
        *point = reader_bytes(&r, n);
        return reader_end(&r) && point->n == raw;
}

static bool ecdh_check(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                       const struct ck_mech_param *p, struct err *err)
{
        const struct kdf *kdf = p && p->present ? kdf_find(p->u.ecdh.kdf) : NULL;
        struct slice point;

        (void)op;
        if (key && key->class != CRYPTO_PRIVATE)
                return err_set(err, ERR_KEY_TYPE, "%s works with a private key", m->name);
        if (!kdf)
                return err_set(err, ERR_MECHANISM_PARAM, "%s needs a key derivation function that is offered",
                               m->name);
        if (!kdf->name && p->u.ecdh.shared.n)
                return err_set(err, ERR_MECHANISM_PARAM,
                               "shared data needs a key derivation function other than CKD_NULL");
        if (key && !point_of(key, p->u.ecdh.public_data, &point))
                return err_set(err, ERR_MECHANISM_PARAM,
                               "the other side's point does not have the length of this curve");
        return true;
}

static EVP_PKEY *peer_key(const struct crypto_key *base, struct slice point)
{
        EVP_PKEY_CTX *context;
        EVP_PKEY *peer = NULL;
        OSSL_PARAM params[3];

        if (base->type != CKK_EC)
                return EVP_PKEY_new_raw_public_key_ex(base->crypto->context, base->curve->name, NULL, point.p,
                                                      point.n);
        params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                                     (char *)(uintptr_t)base->curve->name, 0);
        params[1] =
            OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point.p, point.n);
        params[2] = OSSL_PARAM_construct_end();
        context = EVP_PKEY_CTX_new_from_name(base->crypto->context, "EC", NULL);
        if (context && EVP_PKEY_fromdata_init(context) == 1)
                (void)EVP_PKEY_fromdata(context, &peer, EVP_PKEY_PUBLIC_KEY, params);
        EVP_PKEY_CTX_free(context);
        return peer;
}

/* The shared secret. libcrypto validates the peer (on the curve, not infinity) and refuses a zero result. */
static struct sec *agree(const struct crypto_key *base, struct slice point, struct err *err)
{
        EVP_PKEY *peer = peer_key(base, point);
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(base->crypto->context, base->pkey, NULL);
        struct sec *secret = sec_new(((size_t)base->bits + 7) / 8);
        size_t n = secret ? sec_size(secret) : 0;
        bool ok = peer && context && secret && EVP_PKEY_derive_init(context) == 1 &&
                  EVP_PKEY_derive_set_peer(context, peer) == 1 &&
                  EVP_PKEY_derive(context, sec_bytes(secret), &n) == 1 && n == sec_size(secret);

        EVP_PKEY_CTX_free(context);
        EVP_PKEY_free(peer);
        ERR_clear_error();
        if (!ok) {
                sec_free(&secret);
                err_set(err, ERR_MECHANISM_PARAM, "the other side's point is not acceptable");
        }
        return secret;
}

static struct sec *run_kdf(const struct crypto_derivation *d, const struct kdf *kdf, struct slice secret,
                           size_t n, struct err *err)
{
        struct slice shared = d->param->u.ecdh.shared;
        const char *hash = EVP_MD_get0_name(d->crypto->md[kdf->hash]);
        OSSL_PARAM params[4], *p = params;

        *p++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)hash, 0);
        *p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)secret.p, secret.n);
        if (shared.n)
                *p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)shared.p,
                                                         shared.n);
        *p = OSSL_PARAM_construct_end();
        return crypto_kdf_run(d->crypto, kdf->name, params, n, err);
}

static bool ecdh_derive(struct crypto_derivation *d, struct err *err)
{
        const struct kdf *kdf = kdf_find(d->param->u.ecdh.kdf);
        struct slice point;
        struct sec *secret;
        size_t n = 0, natural, most;
        bool ok;

        (void)point_of(d->base, d->param->u.ecdh.public_data, &point);
        secret = agree(d->base, point, err);
        if (!secret)
                return false;
        natural = kdf->name ? (size_t)EVP_MD_get_size(d->crypto->md[kdf->hash]) : sec_size(secret);
        most = kdf->name ? CRYPTO_DERIVED_MOST : sec_size(secret);
        ok = crypto_derive_length(d, 0, natural, most, &n, err);
        if (ok && kdf->name)
                ok = (d->value[0] = run_kdf(d, kdf, sec_slice(secret), n, err)) != NULL;
        else if (ok) /* leading bytes are dropped */
                ok = crypto_derive_take(d, 0, slice_of(sec_slice(secret).p + (sec_size(secret) - n), n), err);
        sec_free(&secret);
        return ok;
}

const struct crypto_family crypto_family_ecdh = { .check = ecdh_check, .derive = ecdh_derive };
