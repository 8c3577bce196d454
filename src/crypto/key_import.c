/* Keys from the components an application gives. Parts that follow from others are recomputed, and whatever
 * comes in is checked as a whole: a key of inconsistent parts can leak itself by its faulty results. */
#include "ck/cryptoki.h"
#include "crypto/internal.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>

struct parts {
        const struct crypto_component *list;
        size_t n;
        uint32_t used; /* bits of the list's entries that were asked for */
};

static struct slice part(struct parts *p, uint64_t attribute)
{
        for (size_t i = 0; i < p->n; i++) {
                if (p->list[i].attribute == attribute) {
                        p->used |= 1u << i;
                        return p->list[i].value;
                }
        }
        return SLICE_EMPTY;
}

static bool missing(struct err *err, const char *name)
{
        return err_set(err, ERR_TEMPLATE_INCOMPLETE, "the template lacks %s", name);
}

static bool unfit(struct err *err, const char *what)
{
        ERR_clear_error();
        return err_set(err, ERR_ATTRIBUTE_VALUE, "%s", what);
}

/* ---- building ---- */

static EVP_PKEY *build(struct crypto *c, const char *type, int selection, OSSL_PARAM_BLD *bld)
{
        OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(c->context, type, NULL);
        EVP_PKEY *pkey = NULL;

        if (params && context && EVP_PKEY_fromdata_init(context) == 1)
                (void)EVP_PKEY_fromdata(context, &pkey, selection, params);
        EVP_PKEY_CTX_free(context);
        OSSL_PARAM_free(params);
        return pkey;
}

static bool finish(struct crypto *c, enum crypto_key_class class, uint64_t type, EVP_PKEY *pkey,
                   struct crypto_key **out, struct err *err)
{
        if (!pkey)
                return unfit(err, "the key's parts do not fit together");
        if (!crypto_key_wrap_pkey(c, class, type, pkey, out, err))
                return false;
        if (crypto_key_check(*out, err))
                return true;
        crypto_key_unref(out);
        return false;
}

/* ---- RSA ---- */

enum { N, E, D, P, Q, DP, DQ, QI, NUMBERS };

static const struct {
        uint64_t attribute;
        const char *param;
} number_rows[NUMBERS] = {
        [N] = { CKA_MODULUS, OSSL_PKEY_PARAM_RSA_N },
        [E] = { CKA_PUBLIC_EXPONENT, OSSL_PKEY_PARAM_RSA_E },
        [D] = { CKA_PRIVATE_EXPONENT, OSSL_PKEY_PARAM_RSA_D },
        [P] = { CKA_PRIME_1, OSSL_PKEY_PARAM_RSA_FACTOR1 },
        [Q] = { CKA_PRIME_2, OSSL_PKEY_PARAM_RSA_FACTOR2 },
        [DP] = { CKA_EXPONENT_1, OSSL_PKEY_PARAM_RSA_EXPONENT1 },
        [DQ] = { CKA_EXPONENT_2, OSSL_PKEY_PARAM_RSA_EXPONENT2 },
        [QI] = { CKA_COEFFICIENT, OSSL_PKEY_PARAM_RSA_COEFFICIENT1 },
};

/* One try at finding a factor of n with e and d: a square root of 1 other than 1 and n-1 gives one. */
static bool factor_try(BIGNUM **v, const BIGNUM *odd, int twos, BN_CTX *bn, BIGNUM *g, BIGNUM *x, BIGNUM *n1)
{
        if (!BN_priv_rand_range(g, v[N]) || !BN_mod_exp(x, g, odd, v[N], bn))
                return false;
        for (int i = 0; i < twos; i++) {
                if (BN_is_one(x) || BN_cmp(x, n1) == 0)
                        return false;
                if (!BN_mod_sqr(g, x, v[N], bn))
                        return false;
                if (BN_is_one(g)) {
                        return BN_sub_word(x, 1) && BN_gcd(v[P], x, v[N], bn) &&
                               BN_div(v[Q], NULL, v[N], v[P], bn);
                }
                if (!BN_copy(x, g))
                        return false;
        }
        return false;
}

/* NIST SP 800-56B, appendix C. */
static bool factor(BIGNUM **v, BN_CTX *bn)
{
        BIGNUM *k = BN_secure_new(), *g = BN_secure_new(), *x = BN_secure_new(), *n1 = BN_dup(v[N]);
        int twos = 0;
        bool ok = k && g && x && n1 && BN_sub_word(n1, 1) && BN_mul(k, v[E], v[D], bn) && BN_sub_word(k, 1) &&
                  !BN_is_zero(k) && !BN_is_odd(k);
        bool found = false;

        while (ok && !BN_is_odd(k)) {
                ok = BN_rshift1(k, k);
                twos++;
        }
        for (int i = 0; ok && !found && i < 100; i++)
                found = factor_try(v, k, twos, bn, g, x, n1);
        BN_clear_free(k);
        BN_clear_free(g);
        BN_clear_free(x);
        BN_free(n1);
        return found;
}

/* The CRT parts are always computed: given ones are then wrong or the same. */
static bool complete(BIGNUM **v, const bool *given, struct err *err)
{
        BN_CTX *bn = BN_CTX_secure_new();
        BIGNUM *p1 = BN_secure_new(), *q1 = BN_secure_new(),
               *made[3] = { BN_secure_new(), BN_secure_new(), NULL };
        bool ok = bn && p1 && q1 && made[0] && made[1];

        if (ok && !given[P])
                ok = factor(v, bn);
        ok = ok && BN_copy(p1, v[P]) && BN_copy(q1, v[Q]) && BN_sub_word(p1, 1) && BN_sub_word(q1, 1) &&
             !BN_is_zero(p1) && !BN_is_zero(q1) && BN_mod(made[0], v[D], p1, bn) &&
             BN_mod(made[1], v[D], q1, bn) && (made[2] = BN_mod_inverse(NULL, v[Q], v[P], bn));
        for (int i = 0; ok && i < 3; i++)
                ok = (!given[DP + i] || BN_cmp(made[i], v[DP + i]) == 0) && BN_copy(v[DP + i], made[i]);
        for (int i = 0; i < 3; i++)
                BN_clear_free(made[i]);
        BN_clear_free(p1);
        BN_clear_free(q1);
        BN_CTX_free(bn);
        return ok || unfit(err, "the RSA key's parts do not fit together");
}

static EVP_PKEY *rsa_build(struct crypto *c, BIGNUM **v, int count)
{
        OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
        EVP_PKEY *pkey = NULL;
        bool ok = bld != NULL;

        for (int i = 0; ok && i < count; i++)
                ok = OSSL_PARAM_BLD_push_BN(bld, number_rows[i].param, v[i]) == 1;
        if (ok)
                pkey = build(c, "RSA", count == NUMBERS ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, bld);
        OSSL_PARAM_BLD_free(bld);
        return pkey;
}

static bool rsa_import(struct crypto *c, enum crypto_key_class class, struct parts *p,
                       struct crypto_key **out, struct err *err)
{
        int count = class == CRYPTO_PRIVATE ? NUMBERS : D;
        BIGNUM *v[NUMBERS] = { NULL };
        bool given[NUMBERS] = { false }, ok = true;

        for (int i = 0; i < count; i++) {
                struct slice value = part(p, number_rows[i].attribute);
                given[i] = value.n > 0;
                v[i] = i > E ? BN_secure_new() : BN_new();
                ok = ok && v[i] && (!value.n || BN_bin2bn(value.p, (int)value.n, v[i]));
        }
        if (!ok)
                ok = err_set(err, ERR_MEMORY, "no memory for a key");
        else if (!given[N])
                ok = missing(err, "CKA_MODULUS");
        else if (!given[E])
                ok = missing(err, "CKA_PUBLIC_EXPONENT");
        else if (count == NUMBERS && !given[D])
                ok = missing(err, "CKA_PRIVATE_EXPONENT");
        else if (given[P] != given[Q])
                ok = missing(err, given[P] ? "CKA_PRIME_2" : "CKA_PRIME_1");
        else
                ok = crypto_rsa_acceptable((uint32_t)BN_num_bits(v[N]), v[E], err);
        ok = ok && (class == CRYPTO_PUBLIC || complete(v, given, err)) &&
             finish(c, class, CKK_RSA, rsa_build(c, v, count), out, err);
        for (int i = 0; i < count; i++)
                BN_clear_free(v[i]);
        return ok;
}

/* ---- elliptic curves ---- */

/* The point inside a DER OCTET STRING, or as it is. */
static struct slice point_of(struct slice given)
{
        if (given.n > 2 && given.p[0] == 0x04 && given.p[1] < 0x80 && given.n == 2u + given.p[1])
                return slice_of(given.p + 2, given.n - 2);
        if (given.n > 3 && given.p[0] == 0x04 && given.p[1] == 0x81 && given.n == 3u + given.p[2])
                return slice_of(given.p + 3, given.n - 3);
        return given;
}

/* Uncompressed public point of a private scalar. */
static bool scalar_point(const struct crypto_curve *curve, const BIGNUM *d, uint8_t *out, size_t *n)
{
        EC_GROUP *group = EC_GROUP_new_by_curve_name(EC_curve_nist2nid(curve->name) != NID_undef
                                                         ? EC_curve_nist2nid(curve->name)
                                                         : OBJ_sn2nid(curve->name));
        EC_POINT *point = group ? EC_POINT_new(group) : NULL;

        *n = point && BN_cmp(d, EC_GROUP_get0_order(group)) < 0 && !BN_is_zero(d) &&
                     EC_POINT_mul(group, point, d, NULL, NULL, NULL) == 1
                 ? EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, out, *n, NULL)
                 : 0;
        EC_POINT_free(point);
        EC_GROUP_free(group);
        return *n > 0;
}

static bool ec_import(struct crypto *c, enum crypto_key_class class, const struct crypto_curve *curve,
                      struct parts *p, struct crypto_key **out, struct err *err)
{
        struct slice point = point_of(part(p, CKA_EC_POINT)), value = SLICE_EMPTY;
        OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
        BIGNUM *d = NULL;
        uint8_t made[160];
        size_t made_n = sizeof(made);
        EVP_PKEY *pkey = NULL;
        bool ok =
            bld && OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, curve->name, 0) == 1;

        if (class == CRYPTO_PRIVATE) {
                value = part(p, CKA_VALUE);
                d = BN_secure_new();
                ok = ok && d && value.n <= 128 && BN_bin2bn(value.p, (int)value.n, d) &&
                     scalar_point(curve, d, made, &made_n) &&
                     OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, d) &&
                     (!point.n || slice_equal(point, slice_of(made, made_n)));
                point = slice_of(made, made_n);
        }
        ok = ok && OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.n) == 1;
        if (ok)
                pkey = build(c, "EC", class == CRYPTO_PRIVATE ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, bld);
        OSSL_PARAM_BLD_free(bld);
        BN_clear_free(d);
        return finish(c, class, CKK_EC, pkey, out, err);
}

/* A private key may bring its point along, the right one. */
static bool raw_point_is(const struct crypto_key *key, struct slice point, struct err *err)
{
        uint8_t raw[64];
        size_t n = sizeof(raw);

        return !point.n ||
               (EVP_PKEY_get_raw_public_key(key->pkey, raw, &n) == 1 &&
                slice_equal(point, slice_of(raw, n))) ||
               unfit(err, "CKA_EC_POINT is not that of this private key");
}

static bool curve_import(struct crypto *c, enum crypto_key_class class, uint64_t type, struct parts *p,
                         struct crypto_key **out, struct err *err)
{
        struct slice params = part(p, CKA_EC_PARAMS), bytes;
        const struct crypto_curve *curve = crypto_curve_find(params);

        if (!params.n)
                return missing(err, "CKA_EC_PARAMS");
        if (!curve || curve->key_type != type)
                return err_set(err, ERR_CURVE,
                               "CKA_EC_PARAMS does not name a curve that is offered for this key type");
        bytes = class == CRYPTO_PRIVATE ? part(p, CKA_VALUE) : point_of(part(p, CKA_EC_POINT));
        if (!bytes.n)
                return missing(err, class == CRYPTO_PRIVATE ? "CKA_VALUE" : "CKA_EC_POINT");
        if (type == CKK_EC)
                return ec_import(c, class, curve, p, out, err);
        return finish(c, class, type,
                      class == CRYPTO_PRIVATE
                          ? EVP_PKEY_new_raw_private_key_ex(c->context, curve->name, NULL, bytes.p, bytes.n)
                          : EVP_PKEY_new_raw_public_key_ex(c->context, curve->name, NULL, bytes.p, bytes.n),
                      out, err) &&
               (class == CRYPTO_PUBLIC || raw_point_is(*out, point_of(part(p, CKA_EC_POINT)), err));
}

static bool set_import(struct crypto *c, enum crypto_key_class class, uint64_t type, struct parts *p,
                       struct crypto_key **out, struct err *err)
{
        struct slice number = part(p, CKA_PARAMETER_SET), value = part(p, CKA_VALUE),
                     seed = class == CRYPTO_PRIVATE ? part(p, CKA_SEED) : SLICE_EMPTY;
        struct reader in = reader_of(number);
        EVP_PKEY *pkey;

        if (!number.n)
                return missing(err, "CKA_PARAMETER_SET");
        if (!value.n && !seed.n)
                return missing(err, "CKA_VALUE");
        pkey = crypto_set_import(c, class, type, reader_u64(&in), value, seed, err);
        return pkey && finish(c, class, type, pkey, out, err);
}

bool crypto_key_import(struct crypto *c, enum crypto_key_class class, uint64_t type,
                       const struct crypto_component *list, size_t n, struct crypto_key **out,
                       struct err *err)
{
        struct parts p = { list, n > 32 ? 32 : n, 0 };
        struct slice value;
        bool ok;

        *out = NULL;
        if (class == CRYPTO_SECRET) {
                value = part(&p, CKA_VALUE);
                ok = value.n ? crypto_key_open(c, class, type, value, out, err) : missing(err, "CKA_VALUE");
        } else if (type == CKK_RSA) {
                ok = rsa_import(c, class, &p, out, err);
        } else if (type == CKK_EC || type == CKK_EC_EDWARDS || type == CKK_EC_MONTGOMERY) {
                ok = curve_import(c, class, type, &p, out, err);
        } else if (crypto_key_has_set(type)) {
                ok = set_import(c, class, type, &p, out, err);
        } else {
                return err_set(err, ERR_KEY_TYPE, "keys of type %llu are not offered",
                               (unsigned long long)type);
        }
        for (size_t i = 0; ok && i < p.n; i++) {
                if (!(p.used & (1u << i)))
                        ok = err_set(err, ERR_TEMPLATE_INCONSISTENT,
                                     "attribute 0x%llx does not belong to such a key",
                                     (unsigned long long)list[i].attribute);
        }
        if (!ok)
                crypto_key_unref(out);
        return ok;
}
