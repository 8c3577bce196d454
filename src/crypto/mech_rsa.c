/* RSA: signatures (PKCS#1 v1.5, PSS, raw) and encryption (v1.5, OAEP, raw). RFC 8017. */
#include "crypto/choice.h"
#include "crypto/mechanism_internal.h"

#include <openssl/rsa.h>

static void context_free(void *context)
{
        EVP_PKEY_CTX_free(context);
}

static size_t modulus_size(const struct crypto_key *key)
{
        return (key->bits + 7) / 8;
}

static size_t rsa_output_max(const struct crypto_run *r)
{
        return modulus_size(r->key);
}

static bool init_for(enum crypto_op op, EVP_PKEY_CTX *context)
{
        switch (op) {
        case CRYPTO_SIGN:
        case CRYPTO_SIGN_RECOVER:
                return EVP_PKEY_sign_init(context) == 1;
        case CRYPTO_VERIFY:
                return EVP_PKEY_verify_init(context) == 1;
        case CRYPTO_VERIFY_RECOVER:
                return EVP_PKEY_verify_recover_init(context) == 1;
        case CRYPTO_ENCRYPT:
                return EVP_PKEY_encrypt_init(context) == 1;
        default:
                return EVP_PKEY_decrypt_init(context) == 1;
        }
}

/* A context with the row's padding (and hash) set; building one costs several times the operation. */
static struct crypto_cached *rsa_context(struct crypto_run *r, int padding, struct err *err)
{
        struct crypto_cached *cached = crypto_cache_take(r->key, crypto_run_tag(r));
        const EVP_MD *md = r->mechanism->hash != HASH_NONE ? r->crypto->md[r->mechanism->hash] : NULL;
        EVP_PKEY_CTX *context;

        if (cached)
                return cached;
        context = EVP_PKEY_CTX_new_from_pkey(r->crypto->context, r->key->pkey, NULL);
        if (!context || !init_for(r->op, context) || EVP_PKEY_CTX_set_rsa_padding(context, padding) != 1 ||
            (md && EVP_PKEY_CTX_set_signature_md(context, md) != 1)) {
                EVP_PKEY_CTX_free(context);
                crypto_failed(err, "setting an RSA operation up");
                return NULL;
        }
        cached = crypto_cached_new(crypto_run_tag(r), context, context_free);
        if (!cached)
                err_set(err, ERR_MEMORY, "no memory for an RSA operation");
        return cached;
}

/* ---- signatures ---- */

static bool pss_check(const struct crypto_mechanism *m, const struct crypto_key *key,
                      const struct ck_mech_param *p, struct err *err)
{
        enum crypto_hash hash = p && p->present ? crypto_hash_of(p->u.pss.hash) : HASH_NONE;
        size_t hash_n;

        if (hash == HASH_NONE || crypto_hash_of_mgf(p->u.pss.mgf) == HASH_NONE)
                return err_set(err, ERR_MECHANISM_PARAM,
                               "mechanism %s needs a hash and an MGF that are offered", m->name);
        if (m->hash != HASH_NONE && m->hash != hash)
                return err_set(err, ERR_MECHANISM_PARAM, "the hash of the parameter is not that of %s",
                               m->name);
        hash_n = key ? (size_t)EVP_MD_get_size(key->crypto->md[hash]) : 0;
        if (key && p->u.pss.salt_len + hash_n + 2 > (key->bits + 6) / 8)
                return err_set(err, ERR_MECHANISM_PARAM, "a salt of %u bytes does not fit a key of %u bits",
                               p->u.pss.salt_len, key->bits);
        return true;
}

static bool sign_check(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                       const struct ck_mech_param *p, struct err *err)
{
        (void)op;
        if (m->padding == RSA_PKCS1_PSS_PADDING)
                return pss_check(m, key, p, err);
        if (p && p->present)
                return err_set(err, ERR_MECHANISM_PARAM, "mechanism %s takes no parameter", m->name);
        return true;
}

static bool pss_set(const struct crypto_run *r, EVP_PKEY_CTX *context)
{
        if (r->mechanism->padding != RSA_PKCS1_PSS_PADDING)
                return true;
        return EVP_PKEY_CTX_set_signature_md(context, r->crypto->md[crypto_hash_of(r->param->u.pss.hash)]) ==
                   1 &&
               EVP_PKEY_CTX_set_rsa_mgf1_md(context,
                                            r->crypto->md[crypto_hash_of_mgf(r->param->u.pss.mgf)]) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(context, (int)r->param->u.pss.salt_len) == 1;
}

/* The bytes libcrypto signs: a digest, a DigestInfo up to k-11, or a left-padded block for the raw mechanism.
 */
static bool sign_input(const struct crypto_run *r, uint8_t *block, struct slice *input, struct err *err)
{
        size_t k = modulus_size(r->key);
        enum crypto_hash hash;

        if (r->mechanism->hash != HASH_NONE)
                return crypto_run_digest(r, block, input, err);
        *input = r->in;
        if (r->mechanism->padding == RSA_PKCS1_PSS_PADDING) {
                hash = crypto_hash_of(r->param->u.pss.hash);
                return r->in.n == (size_t)EVP_MD_get_size(r->crypto->md[hash]) ||
                       err_set(err, ERR_DATA_LEN,
                               "the digest has %zu bytes, the parameter's hash has another length", r->in.n);
        }
        if (r->mechanism->padding == RSA_PKCS1_PADDING)
                return r->in.n <= k - 11 ||
                       err_set(err, ERR_DATA_LEN, "%zu bytes do not fit a key of %u bits; %zu do", r->in.n,
                               r->key->bits, k - 11);
        if (r->in.n > k)
                return err_set(err, ERR_DATA_LEN, "%zu bytes do not fit a key of %u bits", r->in.n,
                               r->key->bits);
        memset(block, 0, k);
        if (r->in.n)
                memcpy(block + k - r->in.n, r->in.p, r->in.n);
        *input = slice_of(block, k);
        return true;
}

static bool rsa_sign(struct crypto_run *r, struct err *err)
{
        uint8_t block[1024];
        struct slice input;
        struct crypto_cached *cached;
        bool ok;

        if (!sign_input(r, block, &input, err))
                return false;
        cached = rsa_context(r, r->mechanism->padding, err);
        if (!cached)
                return false;
        ok = pss_set(r, cached->context) &&
             EVP_PKEY_sign(cached->context, r->out, r->out_n, input.p ? input.p : block, input.n) == 1;
        if (ok) {
                crypto_cache_put(r->key, cached);
                return true;
        }
        crypto_cached_free(cached);
        if (r->mechanism->padding == RSA_NO_PADDING) {
                ERR_clear_error();
                return err_set(err, ERR_DATA, "the data is not below the key's modulus");
        }
        return crypto_failed(err, "an RSA signature");
}

static bool signature_length(const struct crypto_run *r, struct err *err)
{
        return r->signature.n == modulus_size(r->key) ||
               err_set(err, ERR_SIGNATURE_LEN, "the signature has %zu bytes; this key makes %zu",
                       r->signature.n, modulus_size(r->key));
}

/* What was signed: the message inside a v1.5 block of type 1, or the whole block. */
static bool rsa_verify_recover(struct crypto_run *r, struct err *err)
{
        struct crypto_cached *cached;
        bool ok;

        if (!signature_length(r, err))
                return false;
        cached = rsa_context(r, r->mechanism->padding, err);
        if (!cached)
                return false;
        *r->out_n = modulus_size(r->key);
        ok = EVP_PKEY_verify_recover(cached->context, r->out, r->out_n, r->signature.p, r->signature.n) == 1;
        crypto_cache_put(r->key, cached);
        ERR_clear_error();
        return ok || err_set(err, ERR_SIGNATURE, "the signature does not match");
}

/* libcrypto takes an empty message for a failure, so what it recovers is compared here. */
static bool verify_unhashed(const struct crypto_run *r, struct slice input, struct err *err)
{
        uint8_t signed_data[1024];
        size_t n = 0;
        struct crypto_run recover = *r;

        recover.op = CRYPTO_VERIFY_RECOVER;
        recover.out = signed_data;
        recover.out_n = &n;
        return rsa_verify_recover(&recover, err) &&
               (slice_equal(slice_of(signed_data, n), input) ||
                err_set(err, ERR_SIGNATURE, "the signature does not match"));
}

static bool rsa_verify(struct crypto_run *r, struct err *err)
{
        uint8_t block[1024];
        struct slice input;
        struct crypto_cached *cached;
        bool ok;

        if (!sign_input(r, block, &input, err) || !signature_length(r, err))
                return false;
        if (r->mechanism->hash == HASH_NONE && r->mechanism->padding != RSA_PKCS1_PSS_PADDING)
                return verify_unhashed(r, input, err);
        cached = rsa_context(r, r->mechanism->padding, err);
        if (!cached)
                return false;
        ok = pss_set(r, cached->context) &&
             EVP_PKEY_verify(cached->context, r->signature.p, r->signature.n, input.p, input.n) == 1;
        crypto_cache_put(r->key, cached);
        ERR_clear_error();
        return ok || err_set(err, ERR_SIGNATURE, "the signature does not match");
}

const struct crypto_family crypto_family_rsa_sign = {
        .check = sign_check,
        .output_max = rsa_output_max,
        .sign = rsa_sign,
        .verify = rsa_verify,
};

/* ---- encryption ---- */

static bool crypt_check(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                        const struct ck_mech_param *p, struct err *err)
{
        (void)op;
        (void)key;
        if (m->padding == RSA_PKCS1_OAEP_PADDING)
                return (p && p->present && crypto_hash_of(p->u.oaep.hash) != HASH_NONE &&
                        crypto_hash_of_mgf(p->u.oaep.mgf) != HASH_NONE) ||
                       err_set(err, ERR_MECHANISM_PARAM,
                               "mechanism %s needs a hash and an MGF that are offered", m->name);
        return !(p && p->present) ||
               err_set(err, ERR_MECHANISM_PARAM, "mechanism %s takes no parameter", m->name);
}

static bool oaep_set(const struct crypto_run *r, EVP_PKEY_CTX *context)
{
        void *label = NULL;

        if (r->mechanism->padding != RSA_PKCS1_OAEP_PADDING)
                return true;
        if (r->param->u.oaep.label.n) {
                label = OPENSSL_memdup(r->param->u.oaep.label.p, r->param->u.oaep.label.n);
                if (!label)
                        return false;
        }
        if (EVP_PKEY_CTX_set_rsa_oaep_md(context, r->crypto->md[crypto_hash_of(r->param->u.oaep.hash)]) !=
                1 ||
            EVP_PKEY_CTX_set_rsa_mgf1_md(context, r->crypto->md[crypto_hash_of_mgf(r->param->u.oaep.mgf)]) !=
                1 ||
            EVP_PKEY_CTX_set0_rsa_oaep_label(context, label, (int)r->param->u.oaep.label.n) != 1) {
                OPENSSL_free(label);
                return false;
        }
        return true;
}

static bool rsa_encrypt(struct crypto_run *r, struct err *err)
{
        size_t k = modulus_size(r->key);
        uint8_t block[1024];
        struct slice input = r->in;
        struct crypto_cached *cached;
        bool ok;

        if (r->mechanism->padding == RSA_NO_PADDING && !sign_input(r, block, &input, err))
                return false;
        if (r->mechanism->padding == RSA_PKCS1_PADDING && r->in.n > k - 11)
                return err_set(err, ERR_DATA_LEN, "%zu bytes do not fit a key of %u bits; %zu do", r->in.n,
                               r->key->bits, k - 11);
        cached = rsa_context(r, r->mechanism->padding, err);
        if (!cached)
                return false;
        ok = oaep_set(r, cached->context) &&
             EVP_PKEY_encrypt(cached->context, r->out, r->out_n, input.p ? input.p : block, input.n) == 1;
        crypto_cache_put(r->key, cached);
        ERR_clear_error();
        return ok || err_set(err, ERR_DATA_LEN, "%zu bytes do not fit a key of %u bits with this padding",
                             r->in.n, r->key->bits);
}

/* Decodes 00 02 PS 00 M in constant time: *n is the message's length. Which of the rules was broken is never
 * known outside. spec/key-rules.md rule 7. */
static size_t v15_decode(const uint8_t *block, size_t k, size_t *n)
{
        size_t good = choice_equal(block[0], 0) & choice_equal(block[1], 2), found = 0, at = 0;

        for (size_t i = 2; i < k; i++) {
                size_t end = choice_equal(block[i], 0) & ~found;

                at |= i & end;
                found |= end;
        }
        good &= found & choice_less(9, at); /* PS has 8 bytes */
        *n = k - 1 - at;
        return good;
}

/* libcrypto before 3.2 says by its result whether a v1.5 padding was right, so it decrypts without one. */
static size_t v15_open(const struct crypto_run *r, EVP_PKEY_CTX *context)
{
        size_t k = modulus_size(r->key), n = k, length, good;
        uint8_t block[1024];

        if (EVP_PKEY_decrypt(context, block, &n, r->in.p, r->in.n) != 1 || n != k) {
                *r->out_n = 0; /* no number below the modulus: anybody can see that */
                return 0;
        }
        good = v15_decode(block, k, &length);
        choice_shift(block, k, k - length);
        memcpy(r->out, block, k);
        sec_wipe(block, sizeof(block));
        *r->out_n = length & good;
        return good;
}

/* OAEP's padding is judged by libcrypto, in constant time, but for its result. */
static size_t oaep_open(const struct crypto_run *r, EVP_PKEY_CTX *context)
{
        size_t n = *r->out_n, good;

        if (!oaep_set(r, context))
                return 0;
        good = choice_equal((size_t)(unsigned)EVP_PKEY_decrypt(context, r->out, &n, r->in.p, r->in.n), 1);
        *r->out_n = n & good;
        return good;
}

bool crypto_rsa_open(struct crypto_run *r, size_t *good, struct err *err)
{
        bool v15 = r->mechanism->padding == RSA_PKCS1_PADDING;
        size_t k = modulus_size(r->key);
        struct crypto_cached *cached;

        if (r->in.n != k)
                return err_set(err, ERR_ENCRYPTED_DATA_LEN,
                               "the encrypted data has %zu bytes; this key takes %zu", r->in.n, k);
        if (*r->out_n < k)
                return err_set(err, ERR_BUFFER_SMALL, "no room for what is decrypted");
        cached = rsa_context(r, v15 ? RSA_NO_PADDING : r->mechanism->padding, err);
        if (!cached)
                return false;
        *good = v15 ? v15_open(r, cached->context) : oaep_open(r, cached->context);
        ERR_clear_error();
        crypto_cache_put(r->key, cached);
        return true;
}

static bool rsa_decrypt(struct crypto_run *r, struct err *err)
{
        size_t good = 0;

        return crypto_rsa_open(r, &good, err) &&
               (choice_made(good) || err_set(err, ERR_ENCRYPTED_DATA, "the encrypted data cannot be opened"));
}

const struct crypto_family crypto_family_rsa_crypt = {
        .check = crypt_check,
        .output_max = rsa_output_max,
        .encrypt = rsa_encrypt,
        .decrypt = rsa_decrypt,
        .sign = rsa_sign,
        .verify = rsa_verify,
        .verify_recover = rsa_verify_recover,
};
