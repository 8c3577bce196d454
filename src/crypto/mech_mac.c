/* Digests (FIPS 180-4), HMAC (FIPS 198-1) CMAC (SP 800-38B), GMAC (SP 800-38D) and
 * CBC-MAC (FIPS 113). */
#include "crypto/cipher.h"

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

static bool is_gmac(const struct crypto_mechanism *m)
{
        return m->number == CKM_AES_GMAC;
}

static bool is_cbc_mac(const struct crypto_mechanism *m)
{
        return m->number == CKM_AES_MAC || m->number == CKM_AES_MAC_GENERAL;
}

#define MAC_LEAST 4 /* bytes: a shorter code is guessed (SP 800-107) */

static bool is_general(const struct crypto_mechanism *m)
{
        enum ck_param_kind kind;

        return ck_mech_param_kind(m->number, &kind, NULL) && kind == CK_PARAM_NUMBER;
}

/* What is authenticated is the data: the parameter has no additional data of its own. */
static bool gmac_check(const struct crypto_mechanism *m, const struct ck_mech_param *p, struct err *err)
{
        uint32_t tag = p && p->present ? p->u.gcm.tag_bits : 0;

        if (tag % 8 || tag < 32 || tag > 128 || (tag < 96 && tag != 32 && tag != 64))
                return err_set(err, ERR_MECHANISM_PARAM,
                               "%s makes tags of 32, 64, 96, 104, 112, 120 or 128 bits, not %u", m->name,
                               tag);
        return (p->u.gcm.iv.n >= 1 && p->u.gcm.iv.n <= 128 && p->u.gcm.aad.n == 0) ||
               err_set(err, ERR_MECHANISM_PARAM,
                       "%s takes an IV of 1 to 128 bytes and its data as data, not in pAAD", m->name);
}

static bool mac_check(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                      const struct ck_mech_param *p, struct err *err)
{
        bool present = p && p->present;

        (void)op;
        (void)key;
        if (is_gmac(m))
                return gmac_check(m, p, err);
        if (!is_general(m))
                return !present || err_set(err, ERR_MECHANISM_PARAM, "%s takes no parameter", m->name);
        return (present && p->u.number >= MAC_LEAST && p->u.number <= mac_full_size(m)) ||
               err_set(err, ERR_MECHANISM_PARAM, "%s makes %d to %zu bytes", m->name, MAC_LEAST,
                       mac_full_size(m));
}

static size_t mac_size(const struct crypto_run *r)
{
        return ck_mech_result(r->mechanism->number, r->param);
}

static void mac_free(void *context)
{
        EVP_MAC_CTX_free(context);
}

/* The context of libcrypto's HMAC, CMAC or GMAC with the key set, of GMAC also the IV. */
static EVP_MAC_CTX *evp_mac(struct crypto *c, const struct crypto_mechanism *m, const struct crypto_key *key,
                            const struct ck_mech_param *p)
{
        uint8_t expanded[24];
        struct slice bytes = m->hash == HASH_NONE ? crypto_cipher_key(key, expanded) : sec_slice(key->secret);
        char name[32];
        OSSL_PARAM params[3], *next = params;
        EVP_MAC_CTX *context;

        if (m->hash == HASH_NONE)
                crypto_cipher_name(key, is_gmac(m) ? "GCM" : "CBC", name);
        else
                (void)snprintf(name, sizeof(name), "%s", EVP_MD_get0_name(c->md[m->hash]));
        *next++ = OSSL_PARAM_construct_utf8_string(
            m->hash == HASH_NONE ? OSSL_MAC_PARAM_CIPHER : OSSL_MAC_PARAM_DIGEST, name, 0);
        if (is_gmac(m))
                *next++ = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_IV,
                                                            (void *)(uintptr_t)p->u.gcm.iv.p, p->u.gcm.iv.n);
        *next = OSSL_PARAM_construct_end();
        context = EVP_MAC_CTX_new(m->hash != HASH_NONE ? c->hmac : is_gmac(m) ? c->gmac : c->cmac);
        if (context && EVP_MAC_init(context, bytes.p, bytes.n, params) != 1) {
                EVP_MAC_CTX_free(context);
                context = NULL;
        }
        sec_wipe(expanded, sizeof(expanded));
        return context;
}

bool crypto_mac_begin(struct crypto_mac *mac, struct crypto *c, const struct crypto_mechanism *m,
                      const struct crypto_key *key, const struct ck_mech_param *p)
{
        static const uint8_t zero[16] = { 0 };

        *mac = (struct crypto_mac){ .block = is_cbc_mac(m) ? 16 : 0 };
        if (!mac->block)
                return (mac->evp = evp_mac(c, m, key, p)) != NULL;
        mac->cbc = (struct crypto_cbc_mac){ .context = crypto_cipher_context(key, "CBC", true),
                                            .block = mac->block };
        return mac->cbc.context && EVP_CipherInit_ex2(mac->cbc.context, NULL, NULL, zero, true, NULL) == 1;
}

bool crypto_mac_add(struct crypto_mac *mac, struct slice in)
{
        mac->any |= in.n > 0;
        return in.n == 0 ||
               (mac->evp ? EVP_MAC_update(mac->evp, in.p, in.n) == 1 : crypto_cbc_mac_add(&mac->cbc, in));
}

bool crypto_mac_end(struct crypto_mac *mac, uint8_t full[CRYPTO_BLOCK_MAX], size_t *n)
{
        static const uint8_t zero[16] = { 0 };

        if (mac->evp)
                return EVP_MAC_final(mac->evp, full, n, CRYPTO_BLOCK_MAX) == 1;
        /* no data at all counts as a block of zeros */
        if ((!mac->any && !crypto_cbc_mac_add(&mac->cbc, slice_of(zero, mac->block))) ||
            !crypto_cbc_mac_end(&mac->cbc))
                return false;
        memcpy(full, mac->cbc.last, mac->block);
        *n = mac->block;
        return true;
}

void crypto_mac_clear(struct crypto_mac *mac)
{
        EVP_MAC_CTX_free(mac->evp);
        EVP_CIPHER_CTX_free(mac->cbc.context);
        sec_wipe(mac, sizeof(*mac));
}

static struct crypto_cached *mac_context(struct crypto_run *r, struct err *err)
{
        struct crypto_cached *cached = crypto_cache_take(r->key, r->mechanism);
        EVP_MAC_CTX *context;

        if (cached)
                return cached;
        context = evp_mac(r->crypto, r->mechanism, r->key, r->param);
        if (!context) {
                crypto_failed(err, "setting a MAC up");
                return NULL;
        }
        cached = crypto_cached_new(r->mechanism, context, mac_free);
        if (!cached)
                err_set(err, ERR_MEMORY, "no memory for a MAC");
        return cached;
}

/* GMAC has an IV and CBC-MAC is nobody's favourite: their contexts are not kept. */
static bool mac_once(struct crypto_run *r, uint8_t full[64], struct err *err)
{
        struct crypto_mac mac;
        size_t n = 0;
        bool ok = crypto_mac_begin(&mac, r->crypto, r->mechanism, r->key, r->param) &&
                  crypto_mac_add(&mac, r->in) && crypto_mac_end(&mac, full, &n);

        crypto_mac_clear(&mac);
        return ok || crypto_failed(err, "a MAC");
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
        if (is_gmac(r->mechanism) || is_cbc_mac(r->mechanism))
                return mac_once(r, full, err);
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
