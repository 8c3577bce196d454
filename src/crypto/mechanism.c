/* Asking the table, and running operations through a row's family. */
#include "crypto/mechanism_internal.h"
#include "crypto/mechanism_rows.h"

#include <inttypes.h>

const struct crypto_mechanism *crypto_mechanism_find(uint64_t number)
{
        size_t low = 0, high = crypto_mechanism_count();

        while (low < high) {
                size_t middle = (low + high) / 2;
                const struct crypto_mechanism *m = crypto_mechanism_row(middle);

                if (m->number == number)
                        return crypto_mechanism_offered(m) ? m : NULL;
                if (m->number < number)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}

const struct crypto_mechanism *crypto_mechanism_at(size_t i)
{
        const struct crypto_mechanism *m;

        for (size_t row = 0; (m = crypto_mechanism_row(row)); row++) {
                if (crypto_mechanism_offered(m) && i-- == 0)
                        return m;
        }
        return NULL;
}

uint64_t crypto_mechanism_number(const struct crypto_mechanism *m)
{
        return m->number;
}

const char *crypto_mechanism_name(const struct crypto_mechanism *m)
{
        return m->name;
}

uint32_t crypto_mechanism_functions(const struct crypto_mechanism *m)
{
        return m->functions;
}

bool crypto_mechanism_non_fips(const struct crypto_mechanism *m, enum crypto_op op)
{
        static const uint32_t old = OP(DECRYPT) | OP(VERIFY) | OP(VERIFY_RECOVER) | OP(DIGEST) | OP(UNWRAP);

        return m->class == CRYPTO_NON_FIPS || ((m->non_fips >> op) & 1) ||
               (m->class == CRYPTO_LEGACY && !((old >> op) & 1));
}

uint64_t crypto_mechanism_ck_flags(const struct crypto_mechanism *m, bool approved_only)
{
        static const uint64_t flags[] = {
                [CRYPTO_ENCRYPT] = CKF_ENCRYPT,
                [CRYPTO_DECRYPT] = CKF_DECRYPT,
                [CRYPTO_SIGN] = CKF_SIGN,
                [CRYPTO_VERIFY] = CKF_VERIFY,
                [CRYPTO_SIGN_RECOVER] = CKF_SIGN_RECOVER,
                [CRYPTO_VERIFY_RECOVER] = CKF_VERIFY_RECOVER,
                [CRYPTO_DIGEST] = CKF_DIGEST,
                [CRYPTO_GENERATE] = CKF_GENERATE,
                [CRYPTO_GENERATE_PAIR] = CKF_GENERATE_KEY_PAIR,
                [CRYPTO_WRAP] = CKF_WRAP,
                [CRYPTO_UNWRAP] = CKF_UNWRAP,
                [CRYPTO_DERIVE] = CKF_DERIVE,
                [CRYPTO_ENCAPSULATE] = CKF_ENCAPSULATE,
                [CRYPTO_DECAPSULATE] = CKF_DECAPSULATE,
        };
        uint32_t functions = crypto_mechanism_functions_under(m, approved_only);
        uint64_t mask = CKF_HW;

        for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
                mask |= functions & (1u << i) ? flags[i] : 0;
        if (m->key_type_count && m->key_types[0] == CKK_EC)
                mask |= CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS;
        return functions ? mask : 0;
}

void crypto_mechanism_sizes(const struct crypto_mechanism *m, uint64_t *min, uint64_t *max)
{
        *min = m->min;
        *max = m->max;
}

enum crypto_policy_class crypto_mechanism_class(const struct crypto_mechanism *m)
{
        return m->class;
}

bool crypto_mechanism_key_type(const struct crypto_mechanism *m, uint64_t key_type)
{
        for (size_t i = 0; i < m->key_type_count; i++) {
                if (m->key_types[i] == key_type)
                        return true;
        }
        return false;
}

const uint64_t *crypto_mechanism_key_types(const struct crypto_mechanism *m, size_t *n)
{
        *n = m->key_type_count;
        return m->key_types;
}

uint64_t crypto_mechanism_makes(const struct crypto_mechanism *m)
{
        return m->makes;
}

bool crypto_mechanism_authenticated(const struct crypto_mechanism *m)
{
        return m->authenticated;
}

enum crypto_hash crypto_hash_of(uint64_t mechanism)
{
        static const struct {
                uint64_t mechanism;
                enum crypto_hash hash;
        } map[] = { { CKM_SHA_1, HASH_SHA1 },
                    { CKM_SHA224, HASH_SHA224 },
                    { CKM_SHA256, HASH_SHA256 },
                    { CKM_SHA384, HASH_SHA384 },
                    { CKM_SHA512, HASH_SHA512 },
                    { CKM_SHA512_224, HASH_SHA512_224 },
                    { CKM_SHA512_256, HASH_SHA512_256 },
                    { CKM_SHA3_224, HASH_SHA3_224 },
                    { CKM_SHA3_256, HASH_SHA3_256 },
                    { CKM_SHA3_384, HASH_SHA3_384 },
                    { CKM_SHA3_512, HASH_SHA3_512 } };

        for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
                if (map[i].mechanism == mechanism)
                        return map[i].hash;
        }
        return HASH_NONE;
}

enum crypto_hash crypto_hash_of_mgf(uint64_t mgf)
{
        static const struct {
                uint64_t mgf;
                enum crypto_hash hash;
        } map[] = { { CKG_MGF1_SHA1, HASH_SHA1 },         { CKG_MGF1_SHA224, HASH_SHA224 },
                    { CKG_MGF1_SHA256, HASH_SHA256 },     { CKG_MGF1_SHA384, HASH_SHA384 },
                    { CKG_MGF1_SHA512, HASH_SHA512 },     { CKG_MGF1_SHA3_224, HASH_SHA3_224 },
                    { CKG_MGF1_SHA3_256, HASH_SHA3_256 }, { CKG_MGF1_SHA3_384, HASH_SHA3_384 },
                    { CKG_MGF1_SHA3_512, HASH_SHA3_512 } };

        for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
                if (map[i].mgf == mgf)
                        return map[i].hash;
        }
        return HASH_NONE;
}

bool crypto_run_digest(const struct crypto_run *r, uint8_t block[64], struct slice *input, struct err *err)
{
        unsigned n = 0;

        *input = r->in;
        if (r->mechanism->hash == HASH_NONE || r->hashed)
                return true;
        if (EVP_Digest(r->in.p ? r->in.p : block, r->in.n, block, &n, r->crypto->md[r->mechanism->hash],
                       NULL) != 1)
                return crypto_failed(err, "hashing");
        *input = slice_of(block, n);
        return true;
}

const void *crypto_run_tag(const struct crypto_run *r)
{
        return (const uint8_t *)r->mechanism + r->op;
}

static void cipher_free(void *context)
{
        EVP_CIPHER_CTX_free(context);
}

struct crypto_cached *crypto_run_cipher(struct crypto_run *r, bool encrypt, struct err *err)
{
        struct crypto_cached *cached = crypto_cache_take(r->key, crypto_run_tag(r));
        EVP_CIPHER_CTX *context;

        if (cached)
                return cached;
        context = crypto_cipher_context(r->key, r->mechanism->mode, encrypt);
        if (!context) {
                crypto_failed(err, "setting a cipher up");
                return NULL;
        }
        cached = crypto_cached_new(crypto_run_tag(r), context, cipher_free);
        if (!cached)
                err_set(err, ERR_MEMORY, "no memory for a cipher");
        return cached;
}

static const char *const op_names[] = {
        "encrypt",
        "decrypt",
        "sign",
        "verify",
        "sign with recovery",
        "verify with recovery",
        "digest",
        "generate",
        "generate pair",
        "wrap",
        "unwrap",
        "derive",
        "encapsulate",
        "decapsulate",
};

const char *crypto_op_name(enum crypto_op op)
{
        return op < CRYPTO_OPS ? op_names[op] : "(unknown)";
}

bool crypto_operation_check(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                            const struct ck_mech_param *param, struct err *err)
{
        uint32_t units;

        if (!m || !(m->functions & (1u << op)))
                return err_set(err, ERR_MECHANISM, "mechanism %s cannot %s", m ? m->name : "(unknown)",
                               op_names[op]);
        if (key) {
                if (!crypto_mechanism_key_type(m, key->type))
                        return err_set(err, ERR_KEY_TYPE,
                                       "mechanism %s does not work with a key of type 0x%" PRIx64, m->name,
                                       key->type);
                units = key->class == CRYPTO_SECRET || key->set ? key->bits / 8 : key->bits;
                if (units < m->min || units > m->max)
                        return err_set(err, ERR_KEY_SIZE, "mechanism %s takes keys of %u to %u, not %u",
                                       m->name, m->min, m->max, units);
        }
        return !m->family || !m->family->check || m->family->check(m, op, key, param, err);
}

size_t crypto_output_max(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                         const struct ck_mech_param *param, size_t in_n)
{
        struct crypto_run r = { .mechanism = m,
                                .param = param,
                                .op = op,
                                .key = (struct crypto_key *)(uintptr_t)key,
                                .in = slice_of(NULL, in_n) };

        return m->family && m->family->output_max ? m->family->output_max(&r) : 0;
}

static bool run(bool (*function)(struct crypto_run *, struct err *), struct crypto_run *r, struct err *err)
{
        if (!function)
                return err_set(err, ERR_MECHANISM, "mechanism %s cannot %s", r->mechanism->name,
                               op_names[r->op]);
        return function(r, err);
}

bool crypto_encrypt(struct crypto *c, const struct crypto_mechanism *m, const struct ck_mech_param *param,
                    struct crypto_key *key, struct slice in, uint8_t *out, size_t *out_n, uint8_t *iv_out,
                    struct err *err)
{
        struct crypto_run r = {
                c, m, param, CRYPTO_ENCRYPT, key, in, SLICE_EMPTY, out, out_n, iv_out, false
        };

        return run(m->family ? m->family->encrypt : NULL, &r, err);
}

bool crypto_decrypt(struct crypto *c, const struct crypto_mechanism *m, const struct ck_mech_param *param,
                    struct crypto_key *key, struct slice in, uint8_t *out, size_t *out_n, struct err *err)
{
        struct crypto_run r = { c, m, param, CRYPTO_DECRYPT, key, in, SLICE_EMPTY, out, out_n, NULL, false };

        return run(m->family ? m->family->decrypt : NULL, &r, err);
}

bool crypto_sign(struct crypto *c, const struct crypto_mechanism *m, const struct ck_mech_param *param,
                 struct crypto_key *key, struct slice in, uint8_t *out, size_t *out_n, struct err *err)
{
        struct crypto_run r = { c, m, param, CRYPTO_SIGN, key, in, SLICE_EMPTY, out, out_n, NULL, false };

        return run(m->family ? m->family->sign : NULL, &r, err);
}

bool crypto_verify(struct crypto *c, const struct crypto_mechanism *m, const struct ck_mech_param *param,
                   struct crypto_key *key, struct slice in, struct slice signature, struct err *err)
{
        struct crypto_run r = { c, m, param, CRYPTO_VERIFY, key, in, signature, NULL, NULL, NULL, false };

        return run(m->family ? m->family->verify : NULL, &r, err);
}

bool crypto_sign_recover(struct crypto *c, const struct crypto_mechanism *m, struct crypto_key *key,
                         struct slice in, uint8_t *out, size_t *out_n, struct err *err)
{
        struct crypto_run r = {
                c, m, NULL, CRYPTO_SIGN_RECOVER, key, in, SLICE_EMPTY, out, out_n, NULL, false
        };

        return run(m->family && (m->functions & OP(SIGN_RECOVER)) ? m->family->sign : NULL, &r, err);
}

bool crypto_verify_recover(struct crypto *c, const struct crypto_mechanism *m, struct crypto_key *key,
                           struct slice signature, uint8_t *out, size_t *out_n, struct err *err)
{
        struct crypto_run r = { c,     m,    NULL, CRYPTO_VERIFY_RECOVER, key, SLICE_EMPTY, signature, out,
                                out_n, NULL, false };

        return run(m->family && (m->functions & OP(VERIFY_RECOVER)) ? m->family->verify_recover : NULL, &r,
                   err);
}

bool crypto_digest(struct crypto *c, const struct crypto_mechanism *m, struct slice in, uint8_t *out,
                   size_t *out_n, struct err *err)
{
        struct crypto_run r = { c, m, NULL, CRYPTO_DIGEST, NULL, in, SLICE_EMPTY, out, out_n, NULL, false };

        return run(m->family ? m->family->digest : NULL, &r, err);
}
