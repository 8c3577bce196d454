/* AES-GCM (SP 800-38D) and ChaCha20-Poly1305 (RFC 8439). For GCM a zeroed IV of 12 bytes asks the HSM to make
 * it; CKM_CLOUDHSM_AES_GCM always does, and writes it before the encrypted data. */
#include "crypto/cipher.h"

#define IV_SIZE     12
#define IV_MAX      128                        /* libcrypto takes no longer one */
#define GCM_MOST    ((UINT64_C(1) << 36) - 32) /* bytes under one IV: the counter has 32 bits */
#define CHACHA_MOST (((UINT64_C(1) << 32) - 1) * 64)

static bool is_chacha(const struct crypto_mechanism *m)
{
        return m->number == CKM_CHACHA20_POLY1305;
}

static bool gcm_check(const struct crypto_mechanism *m, enum crypto_op op, const struct ck_mech_param *p,
                      struct err *err)
{
        bool decrypts = op == CRYPTO_DECRYPT || op == CRYPTO_UNWRAP, prefix = ck_mech_size(m->number)->prefix;
        uint32_t tag = p->u.gcm.tag_bits;

        if (tag % 8 || tag < 32 || tag > 128 || (tag < 96 && tag != 32 && tag != 64))
                return err_set(err, ERR_MECHANISM_PARAM,
                               "%s takes tags of 32, 64, 96, 104, 112, 120 or 128 bits, not %u", m->name,
                               tag);
        if (prefix && p->u.gcm.iv.n)
                return err_set(err, ERR_MECHANISM_PARAM,
                               "%s makes the IV and finds it before the encrypted data: give none", m->name);
        if (!prefix && !p->u.gcm.iv.n)
                return err_set(err, ERR_MECHANISM_PARAM, "%s needs the IV%s", m->name,
                               decrypts ? " of the encryption" : ", or 12 zero bytes for one of the HSM's");
        return p->u.gcm.iv.n <= IV_MAX ||
               err_set(err, ERR_MECHANISM_PARAM, "%s takes an IV of at most %d bytes", m->name, IV_MAX);
}

static bool aead_check(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                       const struct ck_mech_param *p, struct err *err)
{
        (void)key;
        if (!p || !p->present)
                return err_set(err, ERR_MECHANISM_PARAM, "%s needs its parameter", m->name);
        if (!is_chacha(m))
                return gcm_check(m, op, p, err);
        return p->u.chacha_poly.nonce.n == IV_SIZE ||
               err_set(err, ERR_MECHANISM_PARAM, "%s takes a nonce of 12 bytes", m->name);
}

static bool iv_is_asked_for(struct slice iv)
{
        static const uint8_t zero[IV_SIZE] = { 0 };

        return iv.n == 0 || (iv.n == IV_SIZE && memcmp(iv.p, zero, IV_SIZE) == 0);
}

/* The IV of this encryption or decryption; one that is made stays in the cipher. */
static bool iv_of(struct crypto_cipher *c, struct slice *iv, struct err *err)
{
        *iv = is_chacha(c->mechanism) ? c->param->u.chacha_poly.nonce : c->param->u.gcm.iv;
        if (!is_chacha(c->mechanism) && c->encrypts && iv_is_asked_for(*iv)) {
                if (!crypto_random(c->crypto, c->iv, IV_SIZE, err))
                        return false;
                c->iv_n = IV_SIZE;
        }
        if (c->iv_n)
                *iv = slice_of(c->iv, c->iv_n);
        return true;
}

static bool aead_start(struct crypto_cipher *c, struct err *err)
{
        bool chacha = is_chacha(c->mechanism);
        struct slice aad = chacha ? c->param->u.chacha_poly.aad : c->param->u.gcm.aad, iv;
        int n;

        if (!iv_of(c, &iv, err))
                return false;
        c->room = (chacha ? CHACHA_MOST : GCM_MOST) + (c->encrypts ? 0 : ck_mech_tag(c->param));
        c->main = crypto_cipher_take_context(c, c->mechanism->mode, c->encrypts, 0);
        return (c->main &&
                EVP_CIPHER_CTX_ctrl(c->main->context, EVP_CTRL_AEAD_SET_IVLEN, (int)iv.n, NULL) == 1 &&
                EVP_CipherInit_ex2(c->main->context, NULL, NULL, iv.p, c->encrypts, NULL) == 1 &&
                (aad.n == 0 || EVP_CipherUpdate(c->main->context, NULL, &n, aad.p, (int)aad.n) == 1)) ||
               crypto_failed(err, "setting a cipher up");
}

static bool aead_take(struct crypto_cipher *c, struct slice in, uint8_t *out)
{
        int n = 0;

        return EVP_CipherUpdate(c->main->context, out, &n, in.p, (int)in.n) == 1 && (size_t)n == in.n;
}

static bool aead_end(struct crypto_cipher *c, struct slice rest, uint8_t *out, size_t *n, struct err *err)
{
        size_t tag = ck_mech_tag(c->param);
        int last = 0;

        if (c->encrypts) {
                *n = tag;
                return EVP_CipherFinal_ex(c->main->context, out, &last) == 1 &&
                       EVP_CIPHER_CTX_ctrl(c->main->context, EVP_CTRL_AEAD_GET_TAG, (int)tag, out) == 1;
        }
        if (rest.n != tag)
                return crypto_cipher_bad_length(c, err);
        return (EVP_CIPHER_CTX_ctrl(c->main->context, EVP_CTRL_AEAD_SET_TAG, (int)tag,
                                    (void *)(uintptr_t)rest.p) == 1 &&
                EVP_CipherFinal_ex(c->main->context, out, &last) == 1) ||
               err_set(err, ERR_AEAD, CRYPTO_AEAD_REFUSED);
}

static const struct crypto_mode aead_mode = { aead_start, aead_take, aead_end };

const struct crypto_family crypto_family_gcm = {
        .check = aead_check,
        .output_max = crypto_cipher_output_max,
        .encrypt = crypto_cipher_encrypt,
        .decrypt = crypto_cipher_decrypt,
        .mode = &aead_mode,
};
