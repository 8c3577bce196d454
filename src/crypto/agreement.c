/* The key agreement of the cloning protocol: ephemeral P-521, one-step KDF with HMAC-SHA-512. */
#include "crypto/identity.h"
#include "crypto/internal.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <stdlib.h>

#define POINT_MAX  133 /* 4, x, y */
#define SECRET_MAX 66

struct crypto_agreement {
        struct crypto *crypto;
        EVP_PKEY *key;
        uint8_t point[POINT_MAX];
        size_t point_n;
};

struct crypto_agreement *crypto_agreement_new(struct crypto *c, struct err *err)
{
        struct crypto_agreement *a = calloc(1, sizeof(*a));

        if (a) {
                a->crypto = c;
                a->key = EVP_PKEY_Q_keygen(c->context, NULL, "EC", "P-521");
        }
        if (!a || !a->key ||
            EVP_PKEY_get_octet_string_param(a->key, OSSL_PKEY_PARAM_PUB_KEY, a->point, sizeof(a->point),
                                            &a->point_n) != 1) {
                err_set(err, ERR_INTERNAL, "no key pair can be made for the agreement");
                crypto_agreement_free(&a);
        }
        ERR_clear_error();
        return a;
}

void crypto_agreement_free(struct crypto_agreement **ap)
{
        struct crypto_agreement *a = *ap;

        *ap = NULL;
        if (!a)
                return;
        EVP_PKEY_free(a->key);
        free(a);
}

struct slice crypto_agreement_public(const struct crypto_agreement *a)
{
        return slice_of(a->point, a->point_n);
}

/* The peer's point is on the curve, or there is no key: OpenSSL checks it in EVP_PKEY_fromdata and set_peer.
 */
static EVP_PKEY *peer_key(struct crypto *c, struct slice point)
{
        char group[] = "P-521";
        OSSL_PARAM params[] = {
                OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point.p,
                                                  point.n),
                OSSL_PARAM_construct_end(),
        };
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(c->context, "EC", NULL);
        EVP_PKEY *key = NULL;

        if (point.n != POINT_MAX || !ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
            EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
                key = NULL;
        EVP_PKEY_CTX_free(ctx);
        return key;
}

static bool agree(struct crypto_agreement *a, EVP_PKEY *peer, struct sec *secret)
{
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(a->crypto->context, a->key, NULL);
        size_t n = SECRET_MAX;
        bool ok = ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
                  EVP_PKEY_derive(ctx, sec_bytes(secret), &n) == 1 && n == SECRET_MAX;

        EVP_PKEY_CTX_free(ctx);
        return ok;
}

static bool stretch(struct crypto *c, struct slice secret, struct slice info, struct sec *out)
{
        char mac[] = "HMAC", hash[] = "SHA2-512";
        OSSL_PARAM params[] = {
                OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MAC, mac, 0),
                OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash, 0),
                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)secret.p, secret.n),
                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)info.p, info.n),
                OSSL_PARAM_construct_end(),
        };
        EVP_KDF *kdf = EVP_KDF_fetch(c->context, "SSKDF", NULL);
        EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
        bool ok = ctx && EVP_KDF_derive(ctx, sec_bytes(out), sec_size(out), params) == 1;

        EVP_KDF_CTX_free(ctx);
        EVP_KDF_free(kdf);
        return ok;
}

struct sec *crypto_agreement_derive(struct crypto_agreement *a, struct slice point, struct slice info,
                                    struct err *err)
{
        EVP_PKEY *peer = peer_key(a->crypto, point);
        struct sec *secret = sec_new(SECRET_MAX), *out = sec_new(CRYPTO_AGREEMENT_KEY);
        bool ok = peer && secret && out && agree(a, peer, secret) &&
                  stretch(a->crypto, sec_slice(secret), info, out);

        EVP_PKEY_free(peer);
        sec_free(&secret);
        ERR_clear_error();
        if (!ok) {
                sec_free(&out);
                err_set(err, ERR_CERT_INVALID, "the other node's point for the agreement is no good");
        }
        return out;
}
