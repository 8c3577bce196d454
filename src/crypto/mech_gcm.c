/* AES-GCM (SP 800-38D). A zeroed IV of 12 bytes, or none, asks the HSM to make it. */
#include "crypto/mechanism_internal.h"

#define IV_SIZE 12

static bool gcm_check(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                      const struct ck_mech_param *p, struct err *err)
{
        uint32_t tag = p && p->present ? p->u.gcm.tag_bits : 0;

        (void)op;
        (void)key;
        if (tag % 8 || tag < 32 || tag > 128 || (tag < 96 && tag != 32 && tag != 64))
                return err_set(err, ERR_MECHANISM_PARAM,
                               "%s takes tags of 32, 64, 96, 104, 112, 120 or 128 bits, not %u", m->name,
                               tag);
        if (p->u.gcm.iv.n > 256 || p->u.gcm.aad.n > INT32_MAX)
                return err_set(err, ERR_MECHANISM_PARAM, "%s takes an IV of at most 256 bytes", m->name);
        return true;
}

static size_t gcm_output_max(const struct crypto_run *r)
{
        return r->in.n + 16;
}

static bool iv_is_asked_for(struct slice iv)
{
        static const uint8_t zero[IV_SIZE] = { 0 };

        return iv.n == 0 || (iv.n == IV_SIZE && memcmp(iv.p, zero, IV_SIZE) == 0);
}

static bool gcm_start(const struct crypto_run *r, EVP_CIPHER_CTX *context, struct slice iv, bool encrypt)
{
        int n;

        return EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, (int)iv.n, NULL) == 1 &&
               EVP_CipherInit_ex2(context, NULL, NULL, iv.p, encrypt, NULL) == 1 &&
               (r->param->u.gcm.aad.n == 0 ||
                EVP_CipherUpdate(context, NULL, &n, r->param->u.gcm.aad.p, (int)r->param->u.gcm.aad.n) == 1);
}

static bool gcm_encrypt(struct crypto_run *r, struct err *err)
{
        uint8_t made[IV_SIZE];
        struct slice iv = r->param->u.gcm.iv;
        int tag = (int)r->param->u.gcm.tag_bits / 8, n = 0, last = 0;
        struct crypto_cached *cached;
        bool ok;

        if (r->in.n > INT32_MAX - 16)
                return err_set(err, ERR_DATA_LEN, "%zu bytes are too many for one call", r->in.n);
        if (iv_is_asked_for(iv)) {
                if (!r->iv_out)
                        return err_set(err, ERR_MECHANISM_PARAM, "there is no room to give the IV back");
                if (!crypto_random(r->crypto, made, sizeof(made), err))
                        return false;
                memcpy(r->iv_out, made, sizeof(made));
                iv = slice_of(made, sizeof(made));
        }
        cached = crypto_run_cipher(r, true, err);
        if (!cached)
                return false;
        ok = gcm_start(r, cached->context, iv, true) &&
             (r->in.n == 0 || EVP_CipherUpdate(cached->context, r->out, &n, r->in.p, (int)r->in.n) == 1) &&
             EVP_CipherFinal_ex(cached->context, r->out + n, &last) == 1 &&
             EVP_CIPHER_CTX_ctrl(cached->context, EVP_CTRL_AEAD_GET_TAG, tag, r->out + n) == 1;
        crypto_cache_put(r->key, cached);
        *r->out_n = (size_t)n + (size_t)tag;
        return ok || crypto_failed(err, "AES-GCM encryption");
}

static bool gcm_decrypt(struct crypto_run *r, struct err *err)
{
        size_t tag = r->param->u.gcm.tag_bits / 8, body = r->in.n - tag;
        int n = 0, last = 0;
        struct crypto_cached *cached;
        bool ok;

        if (r->in.n < tag || r->in.n > INT32_MAX)
                return err_set(err, ERR_ENCRYPTED_DATA_LEN, "%zu bytes cannot hold a tag of %zu", r->in.n,
                               tag);
        if (r->param->u.gcm.iv.n == 0)
                return err_set(err, ERR_MECHANISM_PARAM, "the IV of the encryption is needed");
        cached = crypto_run_cipher(r, false, err);
        if (!cached)
                return false;
        ok = gcm_start(r, cached->context, r->param->u.gcm.iv, false) &&
             (body == 0 || EVP_CipherUpdate(cached->context, r->out, &n, r->in.p, (int)body) == 1) &&
             EVP_CIPHER_CTX_ctrl(cached->context, EVP_CTRL_AEAD_SET_TAG, (int)tag,
                                 (void *)(uintptr_t)(r->in.p + body)) == 1 &&
             EVP_CipherFinal_ex(cached->context, r->out + n, &last) == 1;
        crypto_cache_put(r->key, cached);
        ERR_clear_error();
        *r->out_n = ok ? (size_t)n : 0;
        if (!ok)
                sec_wipe(r->out, body); /* nothing unverified is shown */
        return ok || err_set(err, ERR_AEAD, "the data was altered, or key, IV or additional data are others");
}

const struct crypto_family crypto_family_gcm = {
        .check = gcm_check,
        .output_max = gcm_output_max,
        .encrypt = gcm_encrypt,
        .decrypt = gcm_decrypt,
};
