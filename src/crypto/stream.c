/* Operations on more data than one message holds: the hash or MAC grows part by part, and the key finishes
 * it. */
#include "crypto/mechanism_internal.h"

#include <stdlib.h>

struct crypto_stream {
        EVP_MD_CTX *hash;
        EVP_MAC_CTX *mac;
};

static bool hash_begin(struct crypto *c, struct crypto_stream *s, const struct crypto_mechanism *m)
{
        s->hash = EVP_MD_CTX_new();
        return s->hash && EVP_DigestInit_ex2(s->hash, c->md[m->hash], NULL) == 1;
}

bool crypto_stream_new(struct crypto *c, enum crypto_op op, const struct crypto_mechanism *m,
                       struct crypto_key *key, struct crypto_stream **out, struct err *err)
{
        bool hashes = m->hash != HASH_NONE && (op == CRYPTO_DIGEST || m->family == &crypto_family_rsa_sign ||
                                               m->family == &crypto_family_ecdsa);
        struct crypto_stream *s;

        *out = NULL;
        if ((op != CRYPTO_DIGEST && op != CRYPTO_SIGN && op != CRYPTO_VERIFY) ||
            (!hashes && m->family != &crypto_family_mac))
                return err_set(err, ERR_DATA_LEN, "mechanism %s takes its data in one message", m->name);
        s = calloc(1, sizeof(*s));
        if (!s)
                return err_set(err, ERR_MEMORY, "no memory for a multi-part operation");
        if (!hashes)
                s->mac = crypto_mac_context(c, m, key);
        if (hashes ? !hash_begin(c, s, m) : !s->mac) {
                crypto_stream_free(&s);
                return crypto_failed(err, "beginning a multi-part operation");
        }
        *out = s;
        return true;
}

bool crypto_stream_update(struct crypto_stream *s, struct slice in, struct err *err)
{
        if (in.n == 0 ||
            (s->hash ? EVP_DigestUpdate(s->hash, in.p, in.n) : EVP_MAC_update(s->mac, in.p, in.n)) == 1)
                return true;
        return crypto_failed(err, "a part of a multi-part operation");
}

bool crypto_stream_block(struct crypto_stream *s, uint8_t block[CRYPTO_BLOCK_MAX], size_t *n, struct err *err)
{
        unsigned hash_n = 0;
        bool ok = s->hash ? EVP_DigestFinal_ex(s->hash, block, &hash_n) == 1
                          : EVP_MAC_final(s->mac, block, n, CRYPTO_BLOCK_MAX) == 1;

        if (s->hash)
                *n = hash_n;
        return ok || crypto_failed(err, "the end of a multi-part operation");
}

void crypto_stream_free(struct crypto_stream **sp)
{
        struct crypto_stream *s = *sp;

        *sp = NULL;
        if (!s)
                return;
        EVP_MD_CTX_free(s->hash);
        EVP_MAC_CTX_free(s->mac);
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
