/* AES in modes without authentication (SP 800-38A). */
#include "crypto/mechanism_internal.h"

#define BLOCK 16

static bool padded(const struct crypto_mechanism *m)
{
        return m->number == CKM_AES_CBC_PAD;
}

static bool is_counter(const struct crypto_mechanism *m)
{
        return m->number == CKM_AES_CTR;
}

static bool cipher_check(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                         const struct ck_mech_param *p, struct err *err)
{
        bool present = p && p->present;

        (void)op;
        (void)key;
        if (m->number == CKM_AES_ECB)
                return !present || err_set(err, ERR_MECHANISM_PARAM, "%s takes no parameter", m->name);
        if (is_counter(m))
                return (present && p->u.ctr.bits >= 1 && p->u.ctr.bits <= 128) ||
                       err_set(err, ERR_MECHANISM_PARAM, "%s needs a counter of 1 to 128 bits", m->name);
        return (present && p->u.bytes.n == BLOCK) ||
               err_set(err, ERR_MECHANISM_PARAM, "%s needs an IV of 16 bytes", m->name);
}

static size_t cipher_output_max(const struct crypto_run *r)
{
        return r->in.n + BLOCK;
}

static const uint8_t *cipher_iv(const struct crypto_run *r)
{
        if (r->mechanism->number == CKM_AES_ECB)
                return NULL;
        return is_counter(r->mechanism) ? r->param->u.ctr.block : r->param->u.bytes.p;
}

/* True when the counter's bits would wrap round within the data: the same key stream twice. */
static bool counter_wraps(const struct crypto_run *r)
{
        uint32_t bits = r->param->u.ctr.bits;
        uint64_t blocks = (r->in.n + BLOCK - 1) / BLOCK, counter = 0, span;

        if (bits >= 64)
                return false; /* 2^64 blocks are not reached from any start that matters */
        for (int i = 8; i < 16; i++)
                counter = counter << 8 | r->param->u.ctr.block[i];
        span = (uint64_t)1 << bits;
        return blocks > span - (counter & (span - 1));
}

static bool cipher_run(struct crypto_run *r, bool encrypt, struct err *err)
{
        struct crypto_cached *cached;
        int first = 0, last = 0;
        bool ok;

        if (is_counter(r->mechanism) && counter_wraps(r))
                return err_set(err, ERR_DATA_LEN, "the counter would wrap round within the data");
        cached = crypto_run_cipher(r, encrypt, err);
        if (!cached)
                return false;
        ok =
            EVP_CipherInit_ex2(cached->context, NULL, NULL, cipher_iv(r), encrypt, NULL) == 1 &&
            EVP_CIPHER_CTX_set_padding(cached->context, padded(r->mechanism)) == 1 &&
            (r->in.n == 0 || EVP_CipherUpdate(cached->context, r->out, &first, r->in.p, (int)r->in.n) == 1) &&
            EVP_CipherFinal_ex(cached->context, r->out + first, &last) == 1;
        crypto_cache_put(r->key, cached);
        *r->out_n = (size_t)first + (size_t)last;
        ERR_clear_error();
        return ok;
}

static bool whole_blocks(const struct crypto_run *r)
{
        return is_counter(r->mechanism) || r->in.n % BLOCK == 0;
}

static bool cipher_encrypt(struct crypto_run *r, struct err *err)
{
        struct err why = ERR_INIT;

        if (r->in.n > INT32_MAX || (!padded(r->mechanism) && !whole_blocks(r)))
                return err_set(err, ERR_DATA_LEN, "%s takes whole blocks of 16 bytes, not %zu bytes",
                               r->mechanism->name, r->in.n);
        if (cipher_run(r, true, &why))
                return true;
        return why.id != ERR_NONE ? err_set(err, why.id, "%s", why.detail) : crypto_failed(err, "encryption");
}

static bool cipher_decrypt(struct crypto_run *r, struct err *err)
{
        struct err why = ERR_INIT;

        if (r->in.n > INT32_MAX || !whole_blocks(r) || (padded(r->mechanism) && r->in.n == 0))
                return err_set(err, ERR_ENCRYPTED_DATA_LEN,
                               "%s takes whole blocks of 16 bytes, not %zu bytes", r->mechanism->name,
                               r->in.n);
        if (cipher_run(r, false, &why))
                return true;
        if (why.id != ERR_NONE)
                return err_set(err, why.id, "%s", why.detail);
        return err_set(err, ERR_ENCRYPTED_DATA, "the encrypted data cannot be opened");
}

const struct crypto_family crypto_family_cipher = {
        .check = cipher_check,
        .output_max = cipher_output_max,
        .encrypt = cipher_encrypt,
        .decrypt = cipher_decrypt,
};
