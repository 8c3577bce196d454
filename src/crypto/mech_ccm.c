/* AES-CCM (SP 800-38C) from CBC-MAC and counter mode: libcrypto's own takes its data in one piece only. */
#include "crypto/cipher.h"

#define BLOCK 16

/* Bytes that say how long the data is. */
static size_t length_width(const struct ck_mech_param *p)
{
        return BLOCK - 1 - p->u.ccm.nonce.n;
}

static bool ccm_check(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                      const struct ck_mech_param *p, struct err *err)
{
        size_t nonce = p && p->present ? p->u.ccm.nonce.n : 0;

        (void)op;
        (void)key;
        if (nonce < 7 || nonce > 13)
                return err_set(err, ERR_MECHANISM_PARAM, "%s takes a nonce of 7 to 13 bytes, not %zu",
                               m->name, nonce);
        if (p->u.ccm.mac_len < 4 || p->u.ccm.mac_len > 16 || p->u.ccm.mac_len % 2)
                return err_set(err, ERR_MECHANISM_PARAM,
                               "%s takes a tag of 4, 6, 8, 10, 12, 14 or 16 bytes, not %u", m->name,
                               p->u.ccm.mac_len);
        return length_width(p) >= 4 || p->u.ccm.data_len >> (8 * length_width(p)) == 0 ||
               err_set(err, ERR_MECHANISM_PARAM, "with a nonce of %zu bytes no data of %u bytes can follow",
                       nonce, p->u.ccm.data_len);
}

/* SP 800-38C A.2: the first block, then length and bytes of the additional data, filled up with zeros. */
static bool format(struct crypto_cipher *c)
{
        const struct ck_mech_param *p = c->param;
        struct slice aad = p->u.ccm.aad;
        size_t q = length_width(p), n = aad.n < 0xff00 ? 2 : 6;
        uint8_t first[BLOCK] = { 0 };
        const uint8_t length[6] = {
                0xff,          0xfe, (uint8_t)(aad.n >> 24), (uint8_t)(aad.n >> 16), (uint8_t)(aad.n >> 8),
                (uint8_t)aad.n
        };

        first[0] = (uint8_t)((aad.n ? 0x40 : 0) | (p->u.ccm.mac_len - 2) / 2 << 3 | (q - 1));
        memcpy(first + 1, p->u.ccm.nonce.p, p->u.ccm.nonce.n);
        for (size_t i = 0; i < 4 && i < q; i++)
                first[BLOCK - 1 - i] = (uint8_t)(p->u.ccm.data_len >> (8 * i));
        return crypto_cbc_mac_add(&c->mac, slice_of(first, BLOCK)) &&
               (!aad.n || (crypto_cbc_mac_add(&c->mac, slice_of(length + 6 - n, n)) &&
                           crypto_cbc_mac_add(&c->mac, aad) && crypto_cbc_mac_end(&c->mac)));
}

static bool ccm_start(struct crypto_cipher *c, struct err *err)
{
        static const uint8_t zero[BLOCK] = { 0 };
        uint8_t counter[BLOCK] = { 0 };
        int n = 0;

        counter[0] = (uint8_t)(length_width(c->param) - 1);
        memcpy(counter + 1, c->param->u.ccm.nonce.p, c->param->u.ccm.nonce.n);
        c->room = (uint64_t)c->param->u.ccm.data_len + (c->encrypts ? 0 : c->param->u.ccm.mac_len);
        c->main = crypto_cipher_take_context(c, "CTR", true, 0);
        c->other = crypto_cipher_take_context(c, "CBC", true, 1);
        c->mac = (struct crypto_cbc_mac){ .context = c->other ? c->other->context : NULL, .block = BLOCK };
        return (c->main && c->other &&
                EVP_CipherInit_ex2(c->main->context, NULL, NULL, counter, true, NULL) == 1 &&
                EVP_CipherInit_ex2(c->other->context, NULL, NULL, zero, true, NULL) == 1 &&
                EVP_CipherUpdate(c->main->context, c->chain, &n, zero, BLOCK) == 1 && format(c)) ||
               crypto_failed(err, "setting a cipher up");
}

static bool ccm_take(struct crypto_cipher *c, struct slice in, uint8_t *out)
{
        int n = 0;

        return (!c->encrypts || crypto_cbc_mac_add(&c->mac, in)) &&
               EVP_CipherUpdate(c->main->context, out, &n, in.p, (int)in.n) == 1 &&
               (c->encrypts || crypto_cbc_mac_add(&c->mac, slice_of(out, in.n)));
}

static bool ccm_end(struct crypto_cipher *c, struct slice rest, uint8_t *out, size_t *n, struct err *err)
{
        size_t tag_n = c->param->u.ccm.mac_len;
        uint8_t tag[BLOCK];

        if (c->room || rest.n != (c->encrypts ? 0 : tag_n))
                return crypto_cipher_bad_length(c, err); /* not the length that the parameter announced */
        if (!crypto_cbc_mac_end(&c->mac))
                return false;
        for (size_t i = 0; i < BLOCK; i++)
                tag[i] = c->mac.last[i] ^ c->chain[i];
        if (c->encrypts) {
                memcpy(out, tag, tag_n);
                *n = tag_n;
                return true;
        }
        return sec_equal(rest, slice_of(tag, tag_n)) || err_set(err, ERR_AEAD, CRYPTO_AEAD_REFUSED);
}

static const struct crypto_mode ccm_mode = { ccm_start, ccm_take, ccm_end };

const struct crypto_family crypto_family_ccm = {
        .check = ccm_check,
        .output_max = crypto_cipher_output_max,
        .encrypt = crypto_cipher_encrypt,
        .decrypt = crypto_cipher_decrypt,
        .mode = &ccm_mode,
};
