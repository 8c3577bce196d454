/* Pseudorandom functions under a key: HMAC, AES-CMAC, and what RFC 5246 makes of HMAC. */
#include "crypto/derive.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <stdio.h>

bool crypto_prf_open(struct crypto *c, enum crypto_hash hash, struct slice key, struct crypto_prf *prf,
                     struct err *err)
{
        bool cmac = hash == HASH_NONE;
        char name[32];
        OSSL_PARAM params[2] = { OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end() };

        *prf = (struct crypto_prf){ .size = cmac ? 16 : (size_t)EVP_MD_get_size(c->md[hash]) };
        if (cmac && key.n != 16 && key.n != 24 && key.n != 32)
                return err_set(err, ERR_KEY_TYPE, "AES-CMAC needs a base key of 16, 24 or 32 bytes, not %zu",
                               key.n);
        if (cmac)
                (void)snprintf(name, sizeof(name), "AES-%zu-CBC", key.n * 8);
        else
                (void)snprintf(name, sizeof(name), "%s", EVP_MD_get0_name(c->md[hash]));
        params[0] =
            OSSL_PARAM_construct_utf8_string(cmac ? OSSL_MAC_PARAM_CIPHER : OSSL_MAC_PARAM_DIGEST, name, 0);
        prf->keyed = EVP_MAC_CTX_new(cmac ? c->cmac : c->hmac);
        if (prf->keyed && EVP_MAC_init(prf->keyed, key.p, key.n, params) == 1)
                return true;
        crypto_prf_close(prf);
        return crypto_failed(err, "keying a pseudorandom function");
}

void crypto_prf_close(struct crypto_prf *prf)
{
        EVP_MAC_CTX_free(prf->keyed);
        prf->keyed = NULL;
}

bool crypto_prf(const struct crypto_prf *prf, const struct slice *parts, size_t n, uint8_t *out,
                struct err *err)
{
        EVP_MAC_CTX *context = EVP_MAC_CTX_dup(prf->keyed);
        size_t size = 0;
        bool ok = context != NULL;

        for (size_t i = 0; ok && i < n; i++)
                ok = parts[i].n == 0 || EVP_MAC_update(context, parts[i].p, parts[i].n) == 1;
        ok = ok && EVP_MAC_final(context, out, &size, prf->size) == 1 && size == prf->size;
        EVP_MAC_CTX_free(context);
        return ok || crypto_failed(err, "a pseudorandom function");
}

struct sec *crypto_prf_tls(const struct crypto_prf *prf, const struct slice *seed, size_t parts, size_t n,
                           struct err *err)
{
        size_t blocks = (n + prf->size - 1) / prf->size;
        struct sec *out = crypto_derive_room(blocks * prf->size, err);
        uint8_t a[CRYPTO_BLOCK_MAX];
        struct slice input[CRYPTO_PRF_PARTS];
        bool ok = out && parts < CRYPTO_PRF_PARTS && crypto_prf(prf, seed, parts, a, err);

        for (size_t i = 0; ok && i < blocks; i++) {
                input[0] = slice_of(a, prf->size);
                memcpy(input + 1, seed, parts * sizeof(*seed));
                ok = crypto_prf(prf, input, parts + 1, sec_bytes(out) + i * prf->size, err) &&
                     crypto_prf(prf, input, 1, a, err);
        }
        sec_wipe(a, sizeof(a));
        if (ok)
                sec_shrink(out, n);
        else
                sec_free(&out);
        return out;
}

enum crypto_hash crypto_hash_of_hmac(uint64_t number)
{
        const struct crypto_mechanism *m = crypto_mechanism_find(number);
        enum ck_param_kind kind;

        if (!m || m->family != &crypto_family_mac || !ck_mech_param_kind(number, &kind, NULL) ||
            kind != CK_PARAM_NONE)
                return HASH_NONE;
        return m->hash;
}
