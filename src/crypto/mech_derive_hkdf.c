/* HKDF (RFC 5869): extract, expand, or both. The salt is nothing, bytes, or another key. */
#include "crypto/derive.h"

static enum crypto_hash hkdf_hash(uint64_t number)
{
        enum crypto_hash hash = crypto_hash_of(number);

        return hash != HASH_NONE ? hash : crypto_hash_of_hmac(number);
}

static bool hkdf_check(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                       const struct ck_mech_param *p, struct err *err)
{
        uint32_t salt = p && p->present ? p->u.hkdf.salt_type : 0;

        (void)op;
        (void)key;
        if (!p || !p->present || hkdf_hash(p->u.hkdf.hash) == HASH_NONE)
                return err_set(err, ERR_MECHANISM_PARAM, "%s needs a hash that is offered", m->name);
        if (!p->u.hkdf.extract && !p->u.hkdf.expand)
                return err_set(err, ERR_MECHANISM_PARAM, "%s extracts, expands, or both", m->name);
        return salt == CKF_HKDF_SALT_NULL || salt == CKF_HKDF_SALT_DATA || salt == CKF_HKDF_SALT_KEY ||
               err_set(err, ERR_MECHANISM_PARAM, "a salt of HKDF is nothing, data, or a key");
}

static bool salt_of(const struct crypto_derivation *d, struct slice *salt, struct err *err)
{
        static const uint8_t zeros[CRYPTO_BLOCK_MAX] = { 0 };
        enum crypto_hash hash = hkdf_hash(d->param->u.hkdf.hash);

        *salt = slice_of(zeros, (size_t)EVP_MD_get_size(d->crypto->md[hash]));
        if (d->param->u.hkdf.salt_type == CKF_HKDF_SALT_DATA && d->param->u.hkdf.salt.n)
                *salt = d->param->u.hkdf.salt;
        if (d->param->u.hkdf.salt_type != CKF_HKDF_SALT_KEY)
                return true;
        if (!d->second || !d->second->secret)
                return err_set(err, ERR_KEY_TYPE, "the salt of HKDF must be a secret key");
        *salt = sec_slice(d->second->secret);
        return true;
}

/* The pseudorandom key: extracted, or the base key as it is. */
static struct sec *hkdf_prk(const struct crypto_derivation *d, enum crypto_hash hash, struct err *err)
{
        struct slice base = sec_slice(d->base->secret), salt;
        struct crypto_prf prf;
        struct sec *out;
        bool ok;

        if (!d->param->u.hkdf.extract) {
                out = crypto_derive_room(base.n, err);
                if (out)
                        memcpy(sec_bytes(out), base.p, base.n);
                return out;
        }
        if (!salt_of(d, &salt, err) || !crypto_prf_open(d->crypto, hash, salt, &prf, err))
                return NULL;
        out = crypto_derive_room(prf.size, err);
        ok = out && crypto_prf(&prf, &base, 1, sec_bytes(out), err);
        crypto_prf_close(&prf);
        if (!ok)
                sec_free(&out);
        return out;
}

static struct sec *hkdf_expand(const struct crypto_derivation *d, enum crypto_hash hash, struct slice prk,
                               size_t n, struct err *err)
{
        struct crypto_prf prf;
        struct sec *out;
        bool ok;

        if (!crypto_prf_open(d->crypto, hash, prk, &prf, err))
                return NULL;
        out = crypto_derive_room((n + prf.size - 1) / prf.size * prf.size, err);
        ok = out != NULL;
        for (size_t at = 0; ok && at < n; at += prf.size) {
                uint8_t counter = (uint8_t)(at / prf.size + 1);
                struct slice parts[3] = { slice_of(at ? sec_bytes(out) + at - prf.size : NULL,
                                                   at ? prf.size : 0),
                                          d->param->u.hkdf.info, slice_of(&counter, 1) };

                ok = crypto_prf(&prf, parts, 3, sec_bytes(out) + at, err);
        }
        crypto_prf_close(&prf);
        if (ok)
                sec_shrink(out, n);
        else
                sec_free(&out);
        return out;
}

static bool hkdf_derive(struct crypto_derivation *d, struct err *err)
{
        enum crypto_hash hash = hkdf_hash(d->param->u.hkdf.hash);
        size_t size = (size_t)EVP_MD_get_size(d->crypto->md[hash]), n = 0;
        bool expand = d->param->u.hkdf.expand;
        size_t most = expand ? 255 * size : size;
        struct sec *prk;

        if (!crypto_derive_length(d, 0, expand ? 0 : size,
                                  most < CRYPTO_DERIVED_MOST ? most : CRYPTO_DERIVED_MOST, &n, err))
                return false;
        prk = hkdf_prk(d, hash, err);
        if (!prk)
                return false;
        if (expand)
                d->value[0] = hkdf_expand(d, hash, sec_slice(prk), n, err);
        else
                (void)crypto_derive_take(d, 0, slice_of(sec_bytes(prk), n), err);
        sec_free(&prk);
        return d->value[0] != NULL;
}

const struct crypto_family crypto_family_hkdf = { .check = hkdf_check, .derive = hkdf_derive };
