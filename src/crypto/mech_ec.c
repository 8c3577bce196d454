/* ECDSA (FIPS 186-4): r and s side by side, each as wide as the order. */
#include "crypto/mechanism_internal.h"

static void context_free(void *context)
{
        EVP_PKEY_CTX_free(context);
}

static size_t order_size(const struct crypto_key *key)
{
        return (key->bits + 7) / 8;
}

static bool no_parameter(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                         const struct ck_mech_param *p, struct err *err)
{
        (void)op;
        (void)key;
        return !(p && p->present) ||
               err_set(err, ERR_MECHANISM_PARAM, "mechanism %s takes no parameter", m->name);
}

static size_t ecdsa_output_max(const struct crypto_run *r)
{
        return 2 * order_size(r->key);
}

static struct crypto_cached *ecdsa_context(struct crypto_run *r, struct err *err)
{
        struct crypto_cached *cached = crypto_cache_take(r->key, crypto_run_tag(r));
        EVP_PKEY_CTX *context;

        if (cached)
                return cached;
        context = EVP_PKEY_CTX_new_from_pkey(r->crypto->context, r->key->pkey, NULL);
        if (!context ||
            (r->op == CRYPTO_SIGN ? EVP_PKEY_sign_init(context) : EVP_PKEY_verify_init(context)) != 1) {
                EVP_PKEY_CTX_free(context);
                crypto_failed(err, "setting an ECDSA operation up");
                return NULL;
        }
        cached = crypto_cached_new(crypto_run_tag(r), context, context_free);
        if (!cached)
                err_set(err, ERR_MEMORY, "no memory for an ECDSA operation");
        return cached;
}

/* Takes one DER INTEGER and writes it right-aligned into width bytes. */
static bool integer_take(struct reader *der, uint8_t *out, size_t width)
{
        struct slice value;
        size_t n;

        if (reader_u8(der) != 0x02)
                return false;
        n = reader_u8(der);
        value = reader_bytes(der, n);
        while (value.n && value.p[0] == 0)
                value = slice_of(value.p + 1, value.n - 1);
        if (!reader_ok(der) || value.n > width)
                return false;
        memset(out, 0, width - value.n);
        if (value.n)
                memcpy(out + width - value.n, value.p, value.n);
        return true;
}

static bool signature_from_der(struct slice signature, uint8_t *out, size_t width)
{
        struct reader der = reader_of(signature);

        if (reader_u8(&der) != 0x30)
                return false;
        if (reader_u8(&der) == 0x81)
                (void)reader_u8(&der);
        return integer_take(&der, out, width) && integer_take(&der, out + width, width) && reader_end(&der);
}

/* Writes one half as a DER INTEGER; returns the bytes written. */
static size_t integer_put(uint8_t *out, const uint8_t *value, size_t width)
{
        size_t skip = 0, pad;

        while (skip + 1 < width && value[skip] == 0)
                skip++;
        pad = value[skip] & 0x80 ? 1 : 0;
        out[0] = 0x02;
        out[1] = (uint8_t)(width - skip + pad);
        out[2] = 0;
        memcpy(out + 2 + pad, value + skip, width - skip);
        return 2 + pad + width - skip;
}

static size_t signature_to_der(struct slice signature, uint8_t out[160])
{
        uint8_t body[150];
        size_t half = signature.n / 2, n, head = 2;

        n = integer_put(body, signature.p, half);
        n += integer_put(body + n, signature.p + half, half);
        out[0] = 0x30;
        if (n > 127) {
                out[1] = 0x81;
                head = 3;
        }
        out[head - 1] = (uint8_t)n;
        memcpy(out + head, body, n);
        return head + n;
}

static bool ecdsa_sign(struct crypto_run *r, struct err *err)
{
        uint8_t block[64], der[160];
        size_t n = sizeof(der), width = order_size(r->key);
        struct slice input;
        struct crypto_cached *cached;
        bool ok;

        if (!crypto_run_digest(r, block, &input, err))
                return false;
        if (input.n == 0)
                return err_set(err, ERR_DATA_LEN, "there is nothing to sign");
        cached = ecdsa_context(r, err);
        if (!cached)
                return false;
        ok = EVP_PKEY_sign(cached->context, der, &n, input.p, input.n) == 1 &&
             signature_from_der(slice_of(der, n), r->out, width);
        crypto_cache_put(r->key, cached);
        *r->out_n = 2 * width;
        return ok || crypto_failed(err, "an ECDSA signature");
}

/* The halves may be narrower than the order, if both are (PKCS#11 v3.1, 6.3.1): Java makes such signatures.
 */
static bool ecdsa_verify(struct crypto_run *r, struct err *err)
{
        uint8_t block[64], der[160];
        struct slice input;
        struct crypto_cached *cached;
        bool ok;

        if (!crypto_run_digest(r, block, &input, err))
                return false;
        if (r->signature.n == 0 || r->signature.n % 2 || r->signature.n > 2 * order_size(r->key))
                return err_set(err, ERR_SIGNATURE_LEN, "the signature has %zu bytes; this key makes %zu",
                               r->signature.n, 2 * order_size(r->key));
        cached = ecdsa_context(r, err);
        if (!cached)
                return false;
        ok = input.n && EVP_PKEY_verify(cached->context, der, signature_to_der(r->signature, der), input.p,
                                        input.n) == 1;
        crypto_cache_put(r->key, cached);
        ERR_clear_error();
        return ok || err_set(err, ERR_SIGNATURE, "the signature does not match");
}

const struct crypto_family crypto_family_ecdsa = {
        .check = no_parameter,
        .output_max = ecdsa_output_max,
        .sign = ecdsa_sign,
        .verify = ecdsa_verify,
};
