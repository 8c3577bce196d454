/* What a partition without non_fips does of all this: mechanisms by class and function, keys by size, curve
 * and exponent, hashes inside parameters. FIPS 140-3, SP 800-131A. */
#include "crypto/mechanism_internal.h"

/* What may still be done with what is old: nothing new is protected by it. */
#define OLD_OPS (OP(VERIFY) | OP(VERIFY_RECOVER) | OP(DECRYPT) | OP(UNWRAP))

uint32_t crypto_mechanism_functions_under(const struct crypto_mechanism *m, bool approved_only)
{
        uint32_t functions = m->functions;

        for (int op = CRYPTO_ENCRYPT; approved_only && op < CRYPTO_OPS; op++) {
                if (crypto_mechanism_non_fips(m, (enum crypto_op)op))
                        functions &= ~(1u << op);
        }
        return functions;
}

void crypto_mechanism_sizes_under(const struct crypto_mechanism *m, bool approved_only, uint64_t *min,
                                  uint64_t *max)
{
        crypto_mechanism_sizes(m, min, max);
        if (!approved_only || m->key_type_count == 0)
                return;
        if (m->key_types[0] == CKK_RSA) {
                *min = CRYPTO_RSA_APPROVED_MIN;
                *max = CRYPTO_RSA_APPROVED_MAX;
        } else if (m->key_types[0] == CKK_EC && *min < CRYPTO_EC_APPROVED_MIN) {
                *min = CRYPTO_EC_APPROVED_MIN;
        }
}

bool crypto_rsa_approved(uint32_t bits, const BIGNUM *e)
{
        return bits >= CRYPTO_RSA_APPROVED_MIN && bits <= CRYPTO_RSA_APPROVED_MAX && BN_num_bits(e) >= 17;
}

bool crypto_key_approved(const struct crypto_key *key, struct err *err)
{
        if (key->class == CRYPTO_PUBLIC || !key->old)
                return true; /* a public key verifies what is there already; its other uses are asked for */
        if (key->type == CKK_RSA)
                return err_set(err, ERR_KEY_SIZE,
                               "RSA keys of %d to %d bits with an exponent from 65537 are FIPS-approved, and "
                               "this partition takes no others (non_fips)",
                               CRYPTO_RSA_APPROVED_MIN, CRYPTO_RSA_APPROVED_MAX);
        return err_set(err, ERR_CURVE,
                       "curve %s is not FIPS-approved, and this partition takes no such keys (non_fips)",
                       key->curve ? key->curve->name : "of the key");
}

bool crypto_spec_approved(const struct crypto_key_spec *spec, const struct crypto_curve *curve,
                          const BIGNUM *e, struct err *err)
{
        struct crypto_key key = { .class = CRYPTO_PRIVATE, .type = spec->key_type, .curve = curve };

        key.old = curve ? curve->non_fips : e && !crypto_rsa_approved(spec->bits, e);
        return !spec->approved_only || crypto_key_approved(&key, err);
}

bool crypto_operation_approved(const struct crypto_mechanism *m, enum crypto_op op,
                               const struct crypto_key *key, const struct ck_mech_param *p, struct err *err)
{
        if (!(crypto_mechanism_functions_under(m, true) & (1u << op)))
                return err_set(
                    err, ERR_MECHANISM,
                    "%s is not FIPS-approved for this use, and this partition has no other (non_fips)",
                    m->name);
        if (OLD_OPS & (1u << op))
                return true;
        if (key && key->old)
                return err_set(err, ERR_KEY_SIZE,
                               "the key's size, curve or exponent is not FIPS-approved but for old data "
                               "(non_fips)");
        return !(p && p->present && p->kind == CK_PARAM_PSS && p->u.pss.hash == CKM_SHA_1) ||
               err_set(err, ERR_MECHANISM_PARAM,
                       "signatures with SHA-1 are verified here, not made (non_fips)");
}

/* DigestInfo of RFC 8017, 9.2, up to the hash: with NULL as the algorithm's parameter, and without. */
static const struct {
        const char *hash;
        uint8_t head[18];
        uint8_t head_n, hash_n;
} old_infos[] = {
        { "MD2", "\x30\x20\x30\x0c\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x02\x05\x00\x04\x10", 18, 16 },
        { "MD5", "\x30\x20\x30\x0c\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x05\x05\x00\x04\x10", 18, 16 },
        { "MD5", "\x30\x1e\x30\x0a\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x05\x04\x10", 16, 16 },
        { "SHA-1", "\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14", 15, 20 },
        { "SHA-1", "\x30\x1f\x30\x07\x06\x05\x2b\x0e\x03\x02\x1a\x04\x14", 13, 20 },
        { "RIPEMD-160", "\x30\x21\x30\x09\x06\x05\x2b\x24\x03\x02\x01\x05\x00\x04\x14", 15, 20 },
};

bool crypto_input_approved(const struct crypto_mechanism *m, struct slice data, struct err *err)
{
        for (size_t i = 0; m->number == CKM_RSA_PKCS && i < sizeof(old_infos) / sizeof(old_infos[0]); i++) {
                if (data.n == (size_t)old_infos[i].head_n + old_infos[i].hash_n &&
                    memcmp(data.p, old_infos[i].head, old_infos[i].head_n) == 0)
                        return err_set(err, ERR_DATA,
                                       "the data is a DigestInfo of %s, and signatures with it are verified "
                                       "here, not made (non_fips)",
                                       old_infos[i].hash);
        }
        return true;
}
