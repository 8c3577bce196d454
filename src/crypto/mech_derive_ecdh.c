/* ECDH key agreement (SP 800-56A) with no KDF or that of X9.63. All curves offered have cofactor 1 or clear
 * it themselves (X25519, X448), so both mechanisms are one function. */
#include "crypto/derive.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

static bool kdf_hash(uint32_t kdf, enum crypto_hash *hash)
{
        static const struct {
                uint32_t kdf;
                enum crypto_hash hash;
        } rows[] = { { CKD_NULL, HASH_NONE },         { CKD_SHA1_KDF, HASH_SHA1 },
                     { CKD_SHA224_KDF, HASH_SHA224 }, { CKD_SHA256_KDF, HASH_SHA256 },
                     { CKD_SHA384_KDF, HASH_SHA384 }, { CKD_SHA512_KDF, HASH_SHA512 } };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                if (rows[i].kdf == kdf) {
                        *hash = rows[i].hash;
                        return true;
                }
        }
        return false;
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
        enum crypto_hash hash;
        struct slice point;

        (void)op;
        if (key && key->class != CRYPTO_PRIVATE)
                return err_set(err, ERR_KEY_TYPE, "%s works with a private key", m->name);
        if (!p || !p->present || !kdf_hash(p->u.ecdh.kdf, &hash))
                return err_set(err, ERR_MECHANISM_PARAM, "%s needs a key derivation function that is offered",
                               m->name);
        if (hash == HASH_NONE && p->u.ecdh.shared.n)
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

static struct sec *x963(const struct crypto_derivation *d, enum crypto_hash hash, struct slice secret,
                        size_t n, struct err *err)
{
        struct slice shared = d->param->u.ecdh.shared;
        OSSL_PARAM params[4], *p = params;

        *p++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                                                (char *)(uintptr_t)EVP_MD_get0_name(d->crypto->md[hash]), 0);
        *p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)secret.p, secret.n);
        if (shared.n)
                *p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)shared.p,
                                                         shared.n);
        *p = OSSL_PARAM_construct_end();
        return crypto_kdf_run(d->crypto, "X963KDF", params, n, err);
}

static bool ecdh_derive(struct crypto_derivation *d, struct err *err)
{
        enum crypto_hash hash = HASH_NONE;
        struct slice point;
        struct sec *secret;
        size_t n = 0, natural, most;
        bool ok;

        (void)kdf_hash(d->param->u.ecdh.kdf, &hash);
        (void)point_of(d->base, d->param->u.ecdh.public_data, &point);
        secret = agree(d->base, point, err);
        if (!secret)
                return false;
        natural = hash == HASH_NONE ? sec_size(secret) : (size_t)EVP_MD_get_size(d->crypto->md[hash]);
        most = hash == HASH_NONE ? sec_size(secret) : CRYPTO_DERIVED_MOST;
        ok = crypto_derive_length(d, 0, natural, most, &n, err);
        if (ok && hash != HASH_NONE)
                ok = (d->value[0] = x963(d, hash, sec_slice(secret), n, err)) != NULL;
        else if (ok) /* leading bytes are dropped */
                ok = crypto_derive_take(d, 0, slice_of(sec_slice(secret).p + (sec_size(secret) - n), n), err);
        sec_free(&secret);
        return ok;
}

const struct crypto_family crypto_family_ecdh = { .check = ecdh_check, .derive = ecdh_derive };
