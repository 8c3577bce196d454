#include "crypto/internal.h"

#include <openssl/rand.h>
#include <stdlib.h>

static const char *const hash_names[HASH_COUNT] = {
        [HASH_MD5] = "MD5",
        [HASH_SHA1] = "SHA1",
        [HASH_SHA224] = "SHA224",
        [HASH_SHA256] = "SHA256",
        [HASH_SHA384] = "SHA384",
        [HASH_SHA512] = "SHA512",
        [HASH_SHA512_224] = "SHA512-224",
        [HASH_SHA512_256] = "SHA512-256",
        [HASH_SHA3_224] = "SHA3-224",
        [HASH_SHA3_256] = "SHA3-256",
        [HASH_SHA3_384] = "SHA3-384",
        [HASH_SHA3_512] = "SHA3-512",
};

bool crypto_failed(struct err *err, const char *what)
{
        unsigned long code = ERR_peek_last_error();
        const char *words = code ? ERR_reason_error_string(code) : NULL;

        ERR_clear_error();
        return err_set(err, ERR_CRYPTO, "%s failed in libcrypto: %s", what,
                       words ? words : "no reason given");
}

static bool fetch_all(struct crypto *c)
{
        for (int i = HASH_NONE + 1; i < HASH_COUNT; i++) {
                c->md[i] = EVP_MD_fetch(c->context, hash_names[i], NULL);
                if (!c->md[i])
                        return false;
        }
        c->hmac = EVP_MAC_fetch(c->context, "HMAC", NULL);
        c->cmac = EVP_MAC_fetch(c->context, "CMAC", NULL);
        c->gmac = EVP_MAC_fetch(c->context, "GMAC", NULL);
        c->hkdf = EVP_KDF_fetch(c->context, "HKDF", NULL);
        c->gcm256 = EVP_CIPHER_fetch(c->context, "AES-256-GCM", NULL);
        return c->hmac && c->cmac && c->gmac && c->hkdf && c->gcm256;
}

struct crypto *crypto_new(const char *fail_self_test, struct err *err)
{
        struct crypto *c = calloc(1, sizeof(*c));

        if (!c) {
                err_set(err, ERR_MEMORY, "no memory for the cryptographic library");
                return NULL;
        }
        c->context = OSSL_LIB_CTX_new();
        c->provider = c->context ? OSSL_PROVIDER_load(c->context, "default") : NULL;
        if (!c->provider || !fetch_all(c)) {
                crypto_failed(err, "opening the library context");
                crypto_free(&c);
                return NULL;
        }
        c->eddsa_instances = crypto_eddsa_has_instances(c);
        crypto_features_ask(c);
        if (!crypto_self_test(c, fail_self_test, err)) {
                crypto_free(&c);
                return NULL;
        }
        return c;
}

void crypto_free(struct crypto **cp)
{
        struct crypto *c = *cp;

        if (!c)
                return;
        *cp = NULL;
        for (int i = 0; i < HASH_COUNT; i++)
                EVP_MD_free(c->md[i]);
        EVP_MAC_free(c->hmac);
        EVP_MAC_free(c->cmac);
        EVP_MAC_free(c->gmac);
        EVP_KDF_free(c->hkdf);
        EVP_CIPHER_free(c->gcm256);
        if (c->provider)
                OSSL_PROVIDER_unload(c->provider);
        OSSL_LIB_CTX_free(c->context);
        free(c);
}

const char *crypto_library_version(const struct crypto *c)
{
        (void)c;
        return OpenSSL_version(OPENSSL_VERSION);
}

bool crypto_random(struct crypto *c, void *out, size_t n, struct err *err)
{
        if (RAND_priv_bytes_ex(c->context, out, n, 256) == 1)
                return true;
        ERR_clear_error();
        return err_set(err, ERR_RANDOM, "the random generator gave no bytes");
}

bool crypto_random_add(struct crypto *c, struct slice seed, struct err *err)
{
        EVP_RAND_CTX *generator = RAND_get0_private(c->context);

        /* Additional input only: the generator's own entropy stays what it is. */
        if (!generator || EVP_RAND_reseed(generator, 0, NULL, 0, seed.p, seed.n) != 1)
                return crypto_failed(err, "mixing a seed in");
        return true;
}
