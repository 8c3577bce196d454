/* ML-DSA (FIPS 204) and SLH-DSA (FIPS 205), pure and of a hash. */
#include "crypto/mechanism_internal.h"

#include <openssl/params.h>
#include <stdlib.h>

/* Provider parameters of libcrypto 3.5, which the headers of 3.0 do not name. */
#define PARAM_CONTEXT       "context-string"
#define PARAM_DETERMINISTIC "deterministic"
#define PARAM_ENCODING      "message-encoding" /* 0: the message is encoded already */
#define CONTEXT_MAX         255

/* The last byte of each hash's object identifier below 2.16.840.1.101.3.4.2. */
static const uint8_t hash_ids[HASH_COUNT] = {
        [HASH_SHA256] = 1,     [HASH_SHA384] = 2,     [HASH_SHA512] = 3,   [HASH_SHA224] = 4,
        [HASH_SHA512_224] = 5, [HASH_SHA512_256] = 6, [HASH_SHA3_224] = 7, [HASH_SHA3_256] = 8,
        [HASH_SHA3_384] = 9,   [HASH_SHA3_512] = 10,
};
#define SHAKE128_ID 11
#define SHAKE256_ID 12

static bool is_hashed_outside(const struct crypto_mechanism *m)
{
        return m->number == CKM_HASH_ML_DSA || m->number == CKM_HASH_SLH_DSA;
}

static bool set_check(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                      const struct ck_mech_param *p, struct err *err)
{
        bool present = p && p->present;

        (void)op;
        (void)key;
        if (present &&
            (p->u.context.hedge > CKH_DETERMINISTIC_REQUIRED || p->u.context.context.n > CONTEXT_MAX))
                return err_set(err, ERR_MECHANISM_PARAM,
                               "%s takes one of three hedge variants and a context of at most %d bytes",
                               m->name, CONTEXT_MAX);
        return !is_hashed_outside(m) || (present && hash_ids[crypto_hash_of(p->u.context.hash)]) ||
               err_set(err, ERR_MECHANISM_PARAM, "%s needs a hash of FIPS 180-4 or FIPS 202", m->name);
}

static size_t set_output_max(const struct crypto_run *r)
{
        return r->key->set ? r->key->set->output_n : 0;
}

/* What is signed of the message, and the hash's identifier; 0: the message itself. */
static bool digest_of(const struct crypto_run *r, uint8_t block[64], struct slice *input, uint8_t *id,
                      struct err *err)
{
        const struct crypto_mechanism *m = r->mechanism;
        enum crypto_hash hash = m->hash;
        EVP_MD *md;
        EVP_MD_CTX *context;
        bool wide = m->mode && strcmp(m->mode, "SHAKE256") == 0, ok;

        *input = r->in;
        *id = 0;
        if (is_hashed_outside(m)) {
                hash = crypto_hash_of(r->param->u.context.hash);
                *id = hash_ids[hash];
                return r->in.n == (size_t)EVP_MD_get_size(r->crypto->md[hash]) ||
                       err_set(err, ERR_DATA_LEN,
                               "the digest has %zu bytes, the parameter's hash has another length", r->in.n);
        }
        if (!m->mode) {
                *id = hash_ids[hash];
                return crypto_run_digest(r, block, input, err);
        }
        *id = wide ? SHAKE256_ID : SHAKE128_ID;
        *input = slice_of(block, wide ? 64 : 32);
        md = EVP_MD_fetch(r->crypto->context, m->mode, NULL);
        context = EVP_MD_CTX_new();
        ok = md && context && EVP_DigestInit_ex2(context, md, NULL) == 1 &&
             EVP_DigestUpdate(context, r->in.p, r->in.n) == 1 &&
             EVP_DigestFinalXOF(context, block, input->n) == 1;
        EVP_MD_CTX_free(context);
        EVP_MD_free(md);
        return ok || crypto_failed(err, "hashing");
}

/* The message as libcrypto takes it, and its parameters. 01 || length of the context || context || OID ||
 * hash: FIPS 204 5.4, FIPS 205 10.2. */
struct set_input {
        uint8_t block[64], encoded[2 + CONTEXT_MAX + 11 + 64];
        struct slice message;
        int deterministic, encoding;
        OSSL_PARAM params[4];
};

static bool set_input(const struct crypto_run *r, struct set_input *in, struct err *err)
{
        static const uint8_t oid[] = { 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02 };
        bool present = r->param && r->param->present;
        struct slice context = present ? r->param->u.context.context : SLICE_EMPTY, digest;
        size_t n = 0, at = 2 + context.n;
        uint8_t id;

        if (!digest_of(r, in->block, &digest, &id, err))
                return false;
        in->message = digest;
        in->encoding = 0;
        in->deterministic = present && r->param->u.context.hedge == CKH_DETERMINISTIC_REQUIRED;
        if (id) {
                in->encoded[0] = 1;
                in->encoded[1] = (uint8_t)context.n;
                if (context.n)
                        memcpy(in->encoded + 2, context.p, context.n);
                memcpy(in->encoded + at, oid, sizeof(oid));
                in->encoded[at + sizeof(oid)] = id;
                memcpy(in->encoded + at + sizeof(oid) + 1, digest.p, digest.n);
                in->message = slice_of(in->encoded, at + sizeof(oid) + 1 + digest.n);
                in->params[n++] = OSSL_PARAM_construct_int(PARAM_ENCODING, &in->encoding);
        } else if (context.n) {
                in->params[n++] =
                    OSSL_PARAM_construct_octet_string(PARAM_CONTEXT, (void *)(uintptr_t)context.p, context.n);
        }
        if (in->deterministic && r->op == CRYPTO_SIGN)
                in->params[n++] = OSSL_PARAM_construct_int(PARAM_DETERMINISTIC, &in->deterministic);
        in->params[n] = OSSL_PARAM_construct_end();
        return true;
}

static bool set_sign(struct crypto_run *r, struct err *err)
{
        struct set_input in;
        EVP_MD_CTX *context;
        bool ok;

        if (!set_input(r, &in, err))
                return false;
        context = EVP_MD_CTX_new();
        *r->out_n = set_output_max(r);
        ok = context &&
             EVP_DigestSignInit_ex(context, NULL, NULL, r->crypto->context, NULL, r->key->pkey, in.params) ==
                 1 &&
             EVP_DigestSign(context, r->out, r->out_n, in.message.p ? in.message.p : in.block,
                            in.message.n) == 1;
        EVP_MD_CTX_free(context);
        return ok || crypto_failed(err, "a signature");
}

static bool set_verify(struct crypto_run *r, struct err *err)
{
        struct set_input in;
        EVP_MD_CTX *context;
        bool ok;

        if (r->signature.n != set_output_max(r))
                return err_set(err, ERR_SIGNATURE_LEN, "the signature has %zu bytes; this key makes %zu",
                               r->signature.n, set_output_max(r));
        if (!set_input(r, &in, err))
                return false;
        context = EVP_MD_CTX_new();
        ok = context &&
             EVP_DigestVerifyInit_ex(context, NULL, NULL, r->crypto->context, NULL, r->key->pkey,
                                     in.params) == 1 &&
             EVP_DigestVerify(context, r->signature.p, r->signature.n, in.message.p ? in.message.p : in.block,
                              in.message.n) == 1;
        EVP_MD_CTX_free(context);
        ERR_clear_error();
        return ok || err_set(err, ERR_SIGNATURE, "the signature does not match");
}

const struct crypto_family crypto_family_set_sign = {
        .check = set_check,
        .output_max = set_output_max,
        .sign = set_sign,
        .verify = set_verify,
};
