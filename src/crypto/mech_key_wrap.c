/* AES key wraps: KW (RFC 3394), KWP (RFC 5649), and KW of data padded as PKCS#7 pads, which the lineage calls
 * PKCS5_PAD. Only the standard IVs: another one weakens the check and serves attackers alone. */
#include "crypto/mechanism_internal.h"

#define UNIT     8
#define DATA_MAX 65536

static bool pads(const struct crypto_mechanism *m)
{
        return m->padding == CRYPTO_WRAP_PKCS7;
}

static bool is_kwp(const struct crypto_mechanism *m)
{
        return m->padding == CRYPTO_WRAP_KWP;
}

static bool wrap_check(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                       const struct ck_mech_param *p, struct err *err)
{
        static const uint8_t kw[8] = { 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6 };
        static const uint8_t kwp[4] = { 0xa6, 0x59, 0x59, 0xa6 };
        struct slice preset = is_kwp(m) ? slice_of(kwp, sizeof(kwp)) : slice_of(kw, sizeof(kw));

        (void)op;
        (void)key;
        if (!(p && p->present) || p->u.bytes.n == 0)
                return true;
        if (m->number == CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD)
                return err_set(err, ERR_MECHANISM_PARAM, "%s takes no IV", m->name);
        return slice_equal(p->u.bytes, preset) ||
               err_set(err, ERR_MECHANISM_PARAM, "%s works with its standard IV only", m->name);
}

static size_t wrap_output_max(const struct crypto_run *r)
{
        return r->in.n + 3 * UNIT;
}

static bool wrap_run(struct crypto_run *r, struct slice in, bool encrypt, struct err *err)
{
        struct crypto_cached *cached = crypto_run_cipher(r, encrypt, err);
        int n = 0, last = 0;
        bool ok;

        if (!cached)
                return false;
        ok = EVP_CipherInit_ex2(cached->context, NULL, sec_slice(r->key->secret).p, NULL, encrypt, NULL) ==
                 1 &&
             EVP_CipherUpdate(cached->context, r->out, &n, in.p, (int)in.n) == 1 && n > 0 &&
             EVP_CipherFinal_ex(cached->context, r->out + n, &last) == 1;
        crypto_cache_put(r->key, cached);
        *r->out_n = ok ? (size_t)n + (size_t)last : 0;
        ERR_clear_error();
        return ok;
}

static bool wrap_padded(struct crypto_run *r, struct err *err)
{
        size_t pad = UNIT - r->in.n % UNIT;
        struct sec *block = sec_new(r->in.n + pad);
        bool ok;

        if (!block)
                return err_set(err, ERR_MEMORY, "no memory for key wrapping");
        memcpy(sec_bytes(block), r->in.p, r->in.n);
        memset(sec_bytes(block) + r->in.n, (int)pad, pad);
        ok = wrap_run(r, sec_slice(block), true, err);
        sec_free(&block);
        return ok || crypto_failed(err, "key wrapping");
}

static bool wrap_encrypt(struct crypto_run *r, struct err *err)
{
        size_t n = pads(r->mechanism) ? r->in.n + UNIT - r->in.n % UNIT : r->in.n;

        if (r->in.n == 0 || r->in.n > DATA_MAX || (!is_kwp(r->mechanism) && (n % UNIT || n < 2 * UNIT)))
                return err_set(err, ERR_DATA_LEN, "%s cannot take %zu bytes", r->mechanism->name, r->in.n);
        if (pads(r->mechanism))
                return wrap_padded(r, err);
        return wrap_run(r, r->in, true, err) || crypto_failed(err, "key wrapping");
}

/* Takes the padding off; what it was made of is known to whoever passed the wrap's own check. */
static bool padding_off(struct crypto_run *r)
{
        size_t n = *r->out_n, pad = n ? r->out[n - 1] : 0;

        if (pad == 0 || pad > UNIT || pad >= n)
                return false;
        for (size_t i = n - pad; i < n; i++) {
                if (r->out[i] != pad)
                        return false;
        }
        *r->out_n = n - pad;
        return true;
}

static bool wrap_decrypt(struct crypto_run *r, struct err *err)
{
        size_t least = is_kwp(r->mechanism) ? 2 * UNIT : 3 * UNIT;

        if (r->in.n < least || r->in.n % UNIT || r->in.n > DATA_MAX + 2 * UNIT)
                return err_set(err, ERR_ENCRYPTED_DATA_LEN, "%s cannot open %zu bytes", r->mechanism->name,
                               r->in.n);
        return (wrap_run(r, r->in, false, err) && (!pads(r->mechanism) || padding_off(r))) ||
               err_set(err, ERR_ENCRYPTED_DATA, "the wrapped data was altered or the key is another");
}

const struct crypto_family crypto_family_key_wrap = {
        .check = wrap_check,
        .output_max = wrap_output_max,
        .encrypt = wrap_encrypt,
        .decrypt = wrap_decrypt,
};
