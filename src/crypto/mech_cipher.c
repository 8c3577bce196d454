/* Modes without authentication that libcrypto runs part by part: ECB, CBC, CTR, OFB and CFB (SP 800-38A), and
 * ChaCha20 (RFC 8439). Padding is done here, so that its check takes the same time whatever is wrong. */
#include "crypto/cipher.h"

static size_t block_of(const struct crypto_mechanism *m)
{
        const struct crypto_secret *row = crypto_secret_find(m->key_types[0]);

        return row->block ? row->block : 16;
}

static bool takes_no_iv(const struct crypto_mechanism *m)
{
        enum ck_param_kind kind = CK_PARAM_NONE;

        return ck_mech_param_kind(m->number, &kind, NULL) && kind == CK_PARAM_NONE;
}

static bool chacha_check(const struct crypto_mechanism *m, const struct ck_mech_param *p, struct err *err)
{
        size_t counter = p->u.chacha.counter.n, nonce = p->u.chacha.nonce.n;

        return (counter == 4 && nonce == 12) || (counter == 8 && nonce == 8) ||
               err_set(err, ERR_MECHANISM_PARAM,
                       "%s takes a counter of 32 bits with a nonce of 96, or both of 64", m->name);
}

static bool cipher_check(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                         const struct ck_mech_param *p, struct err *err)
{
        bool present = p && p->present;

        (void)op;
        (void)key;
        if (takes_no_iv(m))
                return !present || err_set(err, ERR_MECHANISM_PARAM, "%s takes no parameter", m->name);
        if (present && p->kind == CK_PARAM_CHACHA)
                return chacha_check(m, p, err);
        if (present && p->kind == CK_PARAM_CTR)
                return (p->u.ctr.bits >= 1 && p->u.ctr.bits <= 128) ||
                       err_set(err, ERR_MECHANISM_PARAM, "%s needs a counter of 1 to 128 bits", m->name);
        return (present && p->u.bytes.n == block_of(m)) ||
               err_set(err, ERR_MECHANISM_PARAM, "%s needs an IV of %zu bytes", m->name, block_of(m));
}

/* Bytes until a counter of that many bits comes round and gives the same key stream again. */
static uint64_t counter_room(uint64_t counter, uint32_t bits, uint64_t block)
{
        uint64_t span = bits < 64 ? (uint64_t)1 << bits : 0,
                 blocks = span - (bits < 64 ? counter & (span - 1) : 0);

        /* 2^64 bytes are not reached from any start that matters */
        return bits >= 64 || blocks > UINT64_MAX / block ? UINT64_MAX : blocks * block;
}

/* The IV as libcrypto wants it: of ChaCha20, the counter and the nonce. */
static const uint8_t *iv_of(struct crypto_cipher *c, uint8_t joined[16])
{
        const struct ck_mech_param *p = c->param;
        uint64_t counter = 0;

        if (takes_no_iv(c->mechanism))
                return NULL;
        if (p->kind == CK_PARAM_CTR) {
                for (size_t i = 8; i < 16; i++)
                        counter = counter << 8 | p->u.ctr.block[i];
                c->room = counter_room(counter, p->u.ctr.bits, 16);
                return p->u.ctr.block;
        }
        if (p->kind != CK_PARAM_CHACHA)
                return p->u.bytes.p;
        memcpy(joined, p->u.chacha.counter.p, p->u.chacha.counter.n);
        memcpy(joined + p->u.chacha.counter.n, p->u.chacha.nonce.p, p->u.chacha.nonce.n);
        for (size_t i = p->u.chacha.counter.n; i-- > 0;)
                counter = counter << 8 | p->u.chacha.counter.p[i];
        c->room = counter_room(counter, (uint32_t)p->u.chacha.counter.n * 8, 64);
        return joined;
}

static bool cipher_start(struct crypto_cipher *c, struct err *err)
{
        uint8_t joined[16];
        const uint8_t *iv = iv_of(c, joined);

        c->main = crypto_cipher_take_context(c, c->mechanism->mode, c->encrypts, 0);
        return (c->main && EVP_CipherInit_ex2(c->main->context, NULL, NULL, iv, c->encrypts, NULL) == 1) ||
               crypto_failed(err, "setting a cipher up");
}

static bool cipher_take(struct crypto_cipher *c, struct slice in, uint8_t *out)
{
        int n = 0;

        return EVP_CipherUpdate(c->main->context, out, &n, in.p, (int)in.n) == 1 && (size_t)n == in.n;
}

/* 0xff when a < b, else 0; both below 128. */
static uint8_t below(uint8_t a, uint8_t b)
{
        return (uint8_t) - ((uint8_t)(a - b) >> 7);
}

/* PKCS#7 padding of one block. *n: bytes before it. */
static bool unpad(const uint8_t *block, size_t size, size_t *n)
{
        uint8_t pad = block[size - 1], bad = 0;

        bad |= pad & 0x80;
        bad |= below((uint8_t)size, pad & 0x7f) | below(pad & 0x7f, 1);
        for (size_t i = 0; i < size; i++)
                bad |= below((uint8_t)i, pad & 0x7f) & (block[size - 1 - i] ^ pad);
        *n = bad ? 0 : size - pad;
        return !bad;
}

static bool cipher_end(struct crypto_cipher *c, struct slice rest, uint8_t *out, size_t *n, struct err *err)
{
        size_t size = c->size->unit;
        uint8_t block[16], plain[16];
        bool ok;

        if (!c->size->pads)
                return rest.n == 0 || crypto_cipher_bad_length(c, err);
        if (c->encrypts) {
                memset(block, (int)(size - rest.n), size);
                if (rest.n)
                        memcpy(block, rest.p, rest.n);
                *n = size;
                return cipher_take(c, slice_of(block, size), out);
        }
        if (rest.n != size)
                return crypto_cipher_bad_length(c, err);
        ok = cipher_take(c, rest, plain) && unpad(plain, size, n);
        memcpy(out, plain, size);
        sec_wipe(plain, sizeof(plain));
        return ok || err_set(err, ERR_ENCRYPTED_DATA, "the encrypted data cannot be opened");
}

static const struct crypto_mode cipher_mode = { cipher_start, cipher_take, cipher_end };

const struct crypto_family crypto_family_cipher = {
        .check = cipher_check,
        .output_max = crypto_cipher_output_max,
        .encrypt = crypto_cipher_encrypt,
        .decrypt = crypto_cipher_decrypt,
        .mode = &cipher_mode,
};
