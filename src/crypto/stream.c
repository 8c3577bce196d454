/* Operations on more data than one message holds: the hash or MAC grows part by part, and the key finishes
 * it; ciphers answer part by part. */
#include "crypto/cipher.h"

#include <stdlib.h>

struct crypto_stream {
        struct crypto_key *key;
        EVP_MD_CTX *hash;
        bool macs;
        struct crypto_mac mac;
        struct crypto_cipher cipher; /* when there is neither hash nor MAC */
};

static bool hash_begin(struct crypto *c, struct crypto_stream *s, const struct crypto_mechanism *m)
{
        s->hash = EVP_MD_CTX_new();
        return s->hash && EVP_DigestInit_ex2(s->hash, c->md[m->hash], NULL) == 1;
}

static bool begin(struct crypto_stream *s, const struct crypto_run *r, struct err *err)
{
        const struct crypto_mechanism *m = r->mechanism;

        if (r->op == CRYPTO_ENCRYPT || r->op == CRYPTO_DECRYPT)
                return crypto_cipher_begin(&s->cipher, r, err);
        s->macs = m->family == &crypto_family_mac;
        return (s->macs ? crypto_mac_begin(&s->mac, r->crypto, m, r->key, r->param)
                        : hash_begin(r->crypto, s, m)) ||
               crypto_failed(err, "beginning a multi-part operation");
}

static bool goes_in_parts(enum crypto_op op, const struct crypto_mechanism *m)
{
        if (op == CRYPTO_ENCRYPT || op == CRYPTO_DECRYPT)
                return m->family && m->family->mode;
        return (op == CRYPTO_DIGEST && m->hash != HASH_NONE) ||
               ((op == CRYPTO_SIGN || op == CRYPTO_VERIFY) &&
                (m->family == &crypto_family_mac ||
                 (m->hash != HASH_NONE &&
                  (m->family == &crypto_family_rsa_sign || m->family == &crypto_family_ecdsa ||
                   m->family == &crypto_family_set_sign))));
}

bool crypto_stream_new(struct crypto *c, enum crypto_op op, const struct crypto_mechanism *m,
                       const struct ck_mech_param *param, struct crypto_key *key, struct crypto_stream **out,
                       struct err *err)
{
        struct crypto_run r = { .crypto = c, .mechanism = m, .param = param, .op = op, .key = key };
        struct crypto_stream *s;

        *out = NULL;
        if (!goes_in_parts(op, m))
                return err_set(err, ERR_DATA_LEN, "mechanism %s takes its data in one message", m->name);
        s = calloc(1, sizeof(*s));
        if (!s)
                return err_set(err, ERR_MEMORY, "no memory for a multi-part operation");
        s->key = key ? crypto_key_ref(key) : NULL;
        if (!begin(s, &r, err)) {
                crypto_stream_free(&s);
                return false;
        }
        *out = s;
        return true;
}

bool crypto_stream_update(struct crypto_stream *s, struct slice in, struct err *err)
{
        if (in.n == 0 ||
            (s->hash ? EVP_DigestUpdate(s->hash, in.p, in.n) == 1 : s->macs && crypto_mac_add(&s->mac, in)))
                return true;
        return crypto_failed(err, "a part of a multi-part operation");
}

bool crypto_stream_block(struct crypto_stream *s, uint8_t block[CRYPTO_BLOCK_MAX], size_t *n, struct err *err)
{
        unsigned hash_n = 0;
        bool ok = s->hash ? EVP_DigestFinal_ex(s->hash, block, &hash_n) == 1
                          : s->macs && crypto_mac_end(&s->mac, block, n);

        if (s->hash)
                *n = hash_n;
        return ok || crypto_failed(err, "the end of a multi-part operation");
}

bool crypto_stream_crypt(struct crypto_stream *s, struct slice in, uint8_t *out, size_t *n, struct err *err)
{
        return crypto_cipher_update(&s->cipher, in, out, n, err);
}

bool crypto_stream_end(struct crypto_stream *s, uint8_t *out, size_t *n, struct err *err)
{
        return crypto_cipher_end(&s->cipher, out, n, err);
}

struct slice crypto_stream_iv(const struct crypto_stream *s)
{
        return s->cipher.encrypts ? slice_of(s->cipher.iv, s->cipher.iv_n) : SLICE_EMPTY;
}

bool crypto_stream_authenticates(const struct crypto_stream *s)
{
        return s->cipher.size && s->cipher.size->authenticates;
}

void crypto_stream_free(struct crypto_stream **sp)
{
        struct crypto_stream *s = *sp;

        *sp = NULL;
        if (!s)
                return;
        EVP_MD_CTX_free(s->hash);
        crypto_mac_clear(&s->mac);
        crypto_cipher_clear(&s->cipher);
        crypto_key_unref(&s->key);
        free(s);
}

bool crypto_sign_block(struct crypto *c, const struct crypto_mechanism *m, const struct ck_mech_param *param,
                       struct crypto_key *key, struct slice block, uint8_t *out, size_t *out_n,
                       struct err *err)
{
        struct crypto_run r = { c, m, param, CRYPTO_SIGN, key, block, SLICE_EMPTY, out, out_n, NULL, true };

        return m->family->sign(&r, err);
}

bool crypto_verify_block(struct crypto *c, const struct crypto_mechanism *m,
                         const struct ck_mech_param *param, struct crypto_key *key, struct slice block,
                         struct slice signature, struct err *err)
{
        struct crypto_run r = { c, m, param, CRYPTO_VERIFY, key, block, signature, NULL, NULL, NULL, true };

        return m->family->verify(&r, err);
}
