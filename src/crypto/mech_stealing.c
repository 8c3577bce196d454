/* Modes whose last part steals from the one before, so that nothing is padded: CBC-CS1 (addendum to SP
 * 800-38A) and XTS (IEEE 1619, SP 800-38E). libcrypto's own take their data in one piece only. */
#include "crypto/cipher.h"

#define BLOCK    16
#define XTS_MOST (UINT64_C(1) << 24) /* 2^20 blocks in one data unit: SP 800-38E */

static bool iv_check(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                     const struct ck_mech_param *p, struct err *err)
{
        (void)op;
        (void)key;
        return (p && p->present && p->u.bytes.n == BLOCK) ||
               err_set(err, ERR_MECHANISM_PARAM, "%s needs an IV of 16 bytes", m->name);
}

static bool update(struct crypto_cached *context, struct slice in, uint8_t *out)
{
        int n = 0;

        return EVP_CipherUpdate(context->context, out, &n, in.p, (int)in.n) == 1 && (size_t)n == in.n;
}

static void mix(uint8_t *to, const uint8_t *a, const uint8_t *b, size_t n)
{
        for (size_t i = 0; i < n; i++)
                to[i] = a[i] ^ b[i];
}

/* ---- CTS ---- */

static bool cts_start(struct crypto_cipher *c, struct err *err)
{
        memcpy(c->chain, c->param->u.bytes.p, BLOCK);
        c->main = crypto_cipher_take_context(c, "CBC", c->encrypts, 0);
        return (c->main &&
                EVP_CipherInit_ex2(c->main->context, NULL, NULL, c->chain, c->encrypts, NULL) == 1) ||
               crypto_failed(err, "setting a cipher up");
}

static bool cts_take(struct crypto_cipher *c, struct slice in, uint8_t *out)
{
        uint8_t last[BLOCK];

        memcpy(last, in.p + in.n - BLOCK, BLOCK); /* out may be in */
        if (!update(c->main, in, out))
                return false;
        memcpy(c->chain, c->encrypts ? out + in.n - BLOCK : last, BLOCK);
        return true;
}

/* A whole block and tail bytes of the next: CBC over zeros at the end, and the block before is cut and comes
 * first. */
static bool cts_encrypt(struct crypto_cipher *c, struct slice rest, size_t tail, uint8_t *out)
{
        uint8_t padded[2 * BLOCK] = { 0 }, both[2 * BLOCK];
        bool ok;

        memcpy(padded, rest.p, rest.n);
        ok = update(c->main, slice_of(padded, 2 * BLOCK), both);
        memcpy(out, both, tail);
        memcpy(out + tail, both + BLOCK, BLOCK);
        sec_wipe(padded, sizeof(padded));
        return ok;
}

/* tail bytes of the block before, then the last one. The context gives D(last) xor chain, then
 * D(before) xor last. */
static bool cts_decrypt(struct crypto_cipher *c, struct slice rest, size_t tail, uint8_t *out)
{
        const uint8_t *last = rest.p + tail;
        uint8_t opened[BLOCK], before[BLOCK], first[BLOCK];
        bool ok = update(c->main, slice_of(last, BLOCK), opened);

        mix(opened, opened, c->chain, BLOCK);
        memcpy(before, rest.p, tail);
        memcpy(before + tail, opened + tail, BLOCK - tail);
        ok = ok && update(c->main, slice_of(before, BLOCK), first);
        mix(first, first, last, BLOCK);
        mix(out + BLOCK, opened, rest.p, tail);
        mix(out, first, c->chain, BLOCK);
        sec_wipe(opened, sizeof(opened));
        sec_wipe(first, sizeof(first));
        return ok;
}

static bool cts_end(struct crypto_cipher *c, struct slice rest, uint8_t *out, size_t *n, struct err *err)
{
        if (rest.n < BLOCK)
                return crypto_cipher_bad_length(c, err); /* there is nothing to steal from */
        *n = rest.n;
        if (rest.n % BLOCK == 0)
                return update(c->main, rest, out);
        return c->encrypts ? cts_encrypt(c, rest, rest.n - BLOCK, out)
                           : cts_decrypt(c, rest, rest.n - BLOCK, out);
}

static const struct crypto_mode cts_mode = { cts_start, cts_take, cts_end };

const struct crypto_family crypto_family_cts = {
        .check = iv_check,
        .output_max = crypto_cipher_output_max,
        .encrypt = crypto_cipher_encrypt,
        .decrypt = crypto_cipher_decrypt,
        .mode = &cts_mode,
};

/* ---- XTS ---- */

static bool xts_start(struct crypto_cipher *c, struct err *err)
{
        c->room = XTS_MOST;
        c->main = crypto_cipher_take_context(c, NULL, c->encrypts, 0);
        c->other = crypto_cipher_take_context(c, NULL, true, 1);
        return (c->main && c->other && update(c->other, c->param->u.bytes, c->chain)) ||
               crypto_failed(err, "setting a cipher up");
}

/* Times x in GF(2^128), the lowest byte first. */
static void next_tweak(uint8_t t[BLOCK])
{
        uint8_t carry = 0;

        for (size_t i = 0; i < BLOCK; i++) {
                uint8_t top = t[i] >> 7;

                t[i] = (uint8_t)(t[i] << 1 | carry);
                carry = top;
        }
        t[0] ^= carry ? 0x87 : 0;
}

static bool xts_take(struct crypto_cipher *c, struct slice in, uint8_t *out)
{
        uint8_t tweaks[64 * BLOCK], mixed[64 * BLOCK];
        bool ok = true;

        for (size_t at = 0, n; ok && at < in.n; at += n) {
                n = in.n - at < sizeof(tweaks) ? in.n - at : sizeof(tweaks);
                for (size_t i = 0; i < n; i += BLOCK) {
                        memcpy(tweaks + i, c->chain, BLOCK);
                        next_tweak(c->chain);
                }
                mix(mixed, in.p + at, tweaks, n);
                ok = update(c->main, slice_of(mixed, n), mixed);
                mix(out + at, mixed, tweaks, n);
        }
        sec_wipe(mixed, sizeof(mixed));
        return ok;
}

/* One block under a tweak of its own. */
static bool xts_block(struct crypto_cipher *c, const uint8_t tweak[BLOCK], const uint8_t *in, uint8_t *out)
{
        uint8_t mixed[BLOCK];
        bool ok;

        mix(mixed, in, tweak, BLOCK);
        ok = update(c->main, slice_of(mixed, BLOCK), mixed);
        mix(out, mixed, tweak, BLOCK);
        sec_wipe(mixed, sizeof(mixed));
        return ok;
}

static bool xts_end(struct crypto_cipher *c, struct slice rest, uint8_t *out, size_t *n, struct err *err)
{
        uint8_t first[BLOCK], second[BLOCK], after[BLOCK];
        size_t tail = rest.n - BLOCK;
        bool ok;

        if (rest.n < BLOCK)
                return crypto_cipher_bad_length(c, err);
        *n = rest.n;
        if (!tail)
                return xts_block(c, c->chain, rest.p, out);
        memcpy(after, c->chain, BLOCK);
        next_tweak(after);
        /* Decryption meets the two tweaks in the other order. */
        ok = xts_block(c, c->encrypts ? c->chain : after, rest.p, first);
        memcpy(second, rest.p + BLOCK, tail);
        memcpy(second + tail, first + tail, BLOCK - tail);
        ok = ok && xts_block(c, c->encrypts ? after : c->chain, second, out);
        memcpy(out + BLOCK, first, tail);
        sec_wipe(first, sizeof(first));
        sec_wipe(second, sizeof(second));
        return ok;
}

static const struct crypto_mode xts_mode = { xts_start, xts_take, xts_end };

const struct crypto_family crypto_family_xts = {
        .check = iv_check,
        .output_max = crypto_cipher_output_max,
        .encrypt = crypto_cipher_encrypt,
        .decrypt = crypto_cipher_decrypt,
        .mode = &xts_mode,
};
