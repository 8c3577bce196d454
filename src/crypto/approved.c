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
