/* Digests (FIPS 180-4), HMAC (FIPS 198-1) and CMAC (SP 800-38B). */
#include "ck/mechanism_size.h"
#include "crypto/mechanism_internal.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <stdio.h>

static size_t digest_output_max(const struct crypto_run *r)
{
        (void)r;
        return 64;
}

static bool digest_run(struct crypto_run *r, struct err *err)
{
        uint8_t block[64];
        struct slice digest;

        if (!crypto_run_digest(r, block, &digest, err))
                return false;
        memcpy(r->out, digest.p, digest.n);
        *r->out_n = digest.n;
        return true;
}

const struct crypto_family crypto_family_digest = { .output_max = digest_output_max, .digest = digest_run };

static size_t mac_full_size(const struct crypto_mechanism *m)
{
        return ck_mech_size(m->number)->result;
}

static bool is_general(const struct crypto_mechanism *m)
{
        enum ck_param_kind kind;

        return ck_mech_param_kind(m->number, &kind, NULL) && kind == CK_PARAM_NUMBER;
}

static bool mac_check(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                      const struct ck_mech_param *p, struct err *err)
{
        bool present = p && p->present;

        (void)op;
        (void)key;
        if (!is_general(m))
                return !present || err_set(err, ERR_MECHANISM_PARAM, "%s takes no parameter", m->name);
        return (present && p->u.number >= 1 && p->u.number <= mac_full_size(m)) ||
               err_set(err, ERR_MECHANISM_PARAM, "%s makes 1 to %zu bytes", m->name, mac_full_size(m));
}

static size_t mac_size(const struct crypto_run *r)
{
        return ck_mech_result(r->mechanism->number, r->param);
}

static void mac_free(void *context)
{
        EVP_MAC_CTX_free(context);
}

EVP_MAC_CTX *crypto_mac_context(struct crypto *c, const struct crypto_mechanism *m,
                                const struct crypto_key *key)
{
        bool cmac = m->hash == HASH_NONE;
        struct slice bytes = sec_slice(key->secret);
        char name[32];
        OSSL_PARAM params[2] = { OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end() };
        EVP_MAC_CTX *context;

        if (cmac)
                (void)snprintf(name, sizeof(name), "AES-%u-CBC", key->bits);
        else
                (void)snprintf(name, sizeof(name), "%s", EVP_MD_get0_name(c->md[m->hash]));
        params[0] =
            OSSL_PARAM_construct_utf8_string(cmac ? OSSL_MAC_PARAM_CIPHER : OSSL_MAC_PARAM_DIGEST, name, 0);
        context = EVP_MAC_CTX_new(cmac ? c->cmac : c->hmac);
        if (!context || EVP_MAC_init(context, bytes.p, bytes.n, params) != 1) {
                EVP_MAC_CTX_free(context);
                return NULL;
        }
        return context;
}

static struct crypto_cached *mac_context(struct crypto_run *r, struct err *err)
{
        struct crypto_cached *cached = crypto_cache_take(r->key, r->mechanism);
        EVP_MAC_CTX *context;

        if (cached)
                return cached;
        context = crypto_mac_context(r->crypto, r->mechanism, r->key);
        if (!context) {
                crypto_failed(err, "setting a MAC up");
                return NULL;
        }
        cached = crypto_cached_new(r->mechanism, context, mac_free);
        if (!cached)
                err_set(err, ERR_MEMORY, "no memory for a MAC");
        return cached;
}

static bool mac_compute(struct crypto_run *r, uint8_t full[64], struct err *err)
{
        struct crypto_cached *cached;
        size_t n = 0;
        bool ok;

        if (r->hashed) {
                memcpy(full, r->in.p, r->in.n < 64 ? r->in.n : 64);
                return true;
        }
        cached = mac_context(r, err);
        if (!cached)
                return false;
        ok = EVP_MAC_init(cached->context, NULL, 0, NULL) == 1 &&
             EVP_MAC_update(cached->context, r->in.p, r->in.n) == 1 &&
             EVP_MAC_final(cached->context, full, &n, 64) == 1;
        crypto_cache_put(r->key, cached);
        return ok || crypto_failed(err, "a MAC");
}

static bool mac_sign(struct crypto_run *r, struct err *err)
{
        uint8_t full[64];

        if (!mac_compute(r, full, err))
                return false;
        *r->out_n = mac_size(r);
        memcpy(r->out, full, *r->out_n);
        sec_wipe(full, sizeof(full));
        return true;
}

static bool mac_verify(struct crypto_run *r, struct err *err)
{
        uint8_t full[64];
        bool ok;

        if (r->signature.n != mac_size(r))
                return err_set(err, ERR_SIGNATURE_LEN, "the MAC has %zu bytes; %zu are made", r->signature.n,
                               mac_size(r));
        if (!mac_compute(r, full, err))
                return false;
        ok = sec_equal(r->signature, slice_of(full, r->signature.n));
        sec_wipe(full, sizeof(full));
        return ok || err_set(err, ERR_SIGNATURE, "the MAC does not match");
}

const struct crypto_family crypto_family_mac = {
        .check = mac_check,
        .output_max = mac_size,
        .sign = mac_sign,
        .verify = mac_verify,
};
