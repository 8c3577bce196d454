/* TKW (SP 800-38F 6.3), the key wrap of triple DES: only to open what older HSMs have wrapped. */
#include "crypto/mechanism_internal.h"

#define SEMI     4 /* half a block */
#define DATA_MAX 65536

static const uint8_t icv[SEMI] = { 0xa6, 0xa6, 0xa6, 0xa6 };

static bool tkw_check(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                      const struct ck_mech_param *p, struct err *err)
{
        (void)op;
        (void)key;
        return !(p && p->present) || p->u.bytes.n == 0 ||
               slice_equal(p->u.bytes, slice_of(icv, sizeof(icv))) ||
               err_set(err, ERR_MECHANISM_PARAM, "%s works with its standard IV only", m->name);
}

static size_t tkw_output_max(const struct crypto_run *r)
{
        return r->in.n;
}

/* Steps t = 6n ... 1, each of which decrypts what is before the data, mixed with t, and one half-block of it.
 */
static bool turn_back(EVP_CIPHER_CTX *context, uint8_t a[SEMI], uint8_t *data, size_t n)
{
        uint8_t in[2 * SEMI], out[2 * SEMI];
        bool ok = true;
        int done;

        for (size_t t = 6 * n; ok && t >= 1; t--) {
                uint8_t *half = data + (t - 1) % n * SEMI;

                memcpy(in, a, SEMI);
                for (size_t i = 0; i < SEMI; i++)
                        in[i] ^= (uint8_t)(t >> (8 * (SEMI - 1 - i)));
                memcpy(in + SEMI, half, SEMI);
                ok = EVP_CipherUpdate(context, out, &done, in, sizeof(in)) == 1 && done == sizeof(out);
                memcpy(a, out, SEMI);
                memcpy(half, out + SEMI, SEMI);
        }
        sec_wipe(in, sizeof(in));
        sec_wipe(out, sizeof(out));
        return ok;
}

static bool tkw_decrypt(struct crypto_run *r, struct err *err)
{
        size_t n = r->in.n / SEMI;
        uint8_t a[SEMI];
        EVP_CIPHER_CTX *context;
        bool ok;

        if (r->in.n % SEMI || n < 3 || r->in.n > DATA_MAX)
                return err_set(err, ERR_ENCRYPTED_DATA_LEN, "%s cannot open %zu bytes", r->mechanism->name,
                               r->in.n);
        context = crypto_cipher_context(r->key, "ECB", false);
        memcpy(a, r->in.p, SEMI);
        memcpy(r->out, r->in.p + SEMI, r->in.n - SEMI);
        ok = context && turn_back(context, a, r->out, n - 1);
        EVP_CIPHER_CTX_free(context);
        if (!ok)
                return crypto_failed(err, "key unwrapping");
        ok = sec_equal(slice_of(a, SEMI), slice_of(icv, SEMI));
        if (!ok)
                sec_wipe(r->out, r->in.n - SEMI); /* nothing unverified is shown */
        *r->out_n = ok ? r->in.n - SEMI : 0;
        return ok || err_set(err, ERR_ENCRYPTED_DATA, "the wrapped data was altered or the key is another");
}

const struct crypto_family crypto_family_tkw = {
        .check = tkw_check,
        .output_max = tkw_output_max,
        .decrypt = tkw_decrypt,
};
