/* Every curve: pairs that openssl verifies, forms of CKA_EC_PARAMS, and what is no curve of ours. */
#include "engine.h"

#include <openssl/ec.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

static const struct {
        const char *name; /* libcrypto's */
        uint64_t key_type;
        uint32_t bits;
        const char *params;
} curves[] = {
        { "prime192v1", CKK_EC, 192, "06082a8648ce3d030101" },
        { "secp224r1", CKK_EC, 224, "06052b81040021" },
        { "prime256v1", CKK_EC, 256, "06082a8648ce3d030107" },
        { "secp384r1", CKK_EC, 384, "06052b81040022" },
        { "secp521r1", CKK_EC, 521, "06052b81040023" },
        { "secp256k1", CKK_EC, 256, "06052b8104000a" },
        { "brainpoolP224r1", CKK_EC, 224, "06092b2403030208010105" },
        { "brainpoolP256r1", CKK_EC, 256, "06092b2403030208010107" },
        { "brainpoolP320r1", CKK_EC, 320, "06092b2403030208010109" },
        { "brainpoolP384r1", CKK_EC, 384, "06092b240303020801010b" },
        { "brainpoolP512r1", CKK_EC, 512, "06092b240303020801010d" },
        { "ED25519", CKK_EC_EDWARDS, 256, "06032b6570" },
        { "ED448", CKK_EC_EDWARDS, 456, "06032b6571" },
        { "X25519", CKK_EC_MONTGOMERY, 256, "06032b656e" },
        { "X448", CKK_EC_MONTGOMERY, 448, "06032b656f" },
        /* The curveName form, which PKCS#11 has for these. */
        { "ED25519", CKK_EC_EDWARDS, 256, "130c656477617264733235353139" },
        { "ED448", CKK_EC_EDWARDS, 456, "130a65647761726473343438" },
        { "X25519", CKK_EC_MONTGOMERY, 256, "130a63757276653235353139" },
        { "X448", CKK_EC_MONTGOMERY, 448, "13086375727665343438" },
};
#define CURVES (sizeof(curves) / sizeof(curves[0]))

static struct crypto_key_spec spec_of(uint64_t type, const struct buf *params)
{
        return (struct crypto_key_spec){ .key_type = type, .curve = buf_slice(params) };
}

/* Material and components go out and in again, and are the same key. */
static void goes_out_and_in(struct crypto_key *priv, struct crypto_key *pub)
{
        struct sec *a, *b, *c;
        struct crypto_key *again;
        struct buf params = BUF_INIT, point = BUF_INIT, value = BUF_INIT;
        struct err err = ERR_INIT;

        assert_true(crypto_key_component(pub, CKA_EC_PARAMS, &params, &err));
        assert_true(crypto_key_component(pub, CKA_EC_POINT, &point, &err));
        assert_true(crypto_key_component(priv, CKA_VALUE, &value, &err));
        a = crypto_key_material(priv, &err);
        assert_true(
            crypto_key_open(engine, CRYPTO_PRIVATE, crypto_key_type(priv), sec_slice(a), &again, &err));
        b = crypto_key_material(again, &err);
        crypto_key_unref(&again);
        for (int private = 0; private < 2; private ++) {
                struct crypto_component list[] = {
                        { CKA_EC_PARAMS, buf_slice(&params) },
                        { private ? CKA_VALUE : CKA_EC_POINT, buf_slice(private ? &value : &point) },
                };
                assert_true(crypto_key_import(engine, private ? CRYPTO_PRIVATE : CRYPTO_PUBLIC,
                                              crypto_key_type(priv), list, 2, &again, &err));
                crypto_key_unref(&again);
        }
        c = crypto_key_material(priv, &err);
        assert_true(slice_equal(sec_slice(a), sec_slice(b)) && slice_equal(sec_slice(a), sec_slice(c)));
        sec_free(&a);
        sec_free(&b);
        sec_free(&c);
        buf_clear(&params);
        buf_clear(&point);
        buf_clear(&value);
}

static void every_curve_makes_pairs(void **state)
{
        (void)state;
        for (size_t i = 0; i < CURVES; i++) {
                struct buf params = bytes_of(curves[i].params);
                struct crypto_key *priv, *pub;
                struct err err = ERR_INIT;

                /* By its own type, and by CKK_EC as CKM_EC_KEY_PAIR_GEN asks. */
                for (int alias = 0; alias < 2; alias++) {
                        struct crypto_key_spec spec = spec_of(alias ? CKK_EC : curves[i].key_type, &params);

                        assert_true(crypto_key_pair_generate(engine, &spec, &priv, &pub, &err));
                        assert_int_equal(crypto_key_type(priv), curves[i].key_type);
                        assert_int_equal(crypto_key_bits(pub), curves[i].bits);
                        goes_out_and_in(priv, pub);
                        crypto_key_unref(&priv);
                        crypto_key_unref(&pub);
                }
                buf_clear(&params);
        }
}

static void types_and_curves_agree(void **state)
{
        static const uint64_t types[] = { CKK_EC_EDWARDS, CKK_EC_MONTGOMERY };

        (void)state;
        for (size_t i = 0; i < CURVES; i++) {
                for (size_t k = 0; k < 2; k++) {
                        struct buf params = bytes_of(curves[i].params);
                        struct crypto_key_spec spec = spec_of(types[k], &params);
                        struct crypto_key *priv = NULL, *pub = NULL;
                        struct err err = ERR_INIT;

                        assert_int_equal(crypto_key_pair_generate(engine, &spec, &priv, &pub, &err),
                                         types[k] == curves[i].key_type);
                        if (types[k] != curves[i].key_type)
                                assert_int_equal(err.id, ERR_CURVE);
                        crypto_key_unref(&priv);
                        crypto_key_unref(&pub);
                        buf_clear(&params);
                }
        }
}

/* A signature of each curve and hash, and what is wrong with it in every place. */
static void sign_and_spoil(const struct crypto_mechanism *m, struct crypto_key *priv, struct crypto_key *pub)
{
        uint8_t signature[134], bad[134];
        size_t n = sizeof(signature), half;
        struct ck_mech_param none = { 0 };
        struct slice data = SLICE_LIT("sixty-six bytes are as long as the longest order and no hash makes");
        struct err err = ERR_INIT;

        assert_true(crypto_operation_check(m, CRYPTO_SIGN, priv, &none, &err));
        assert_true(crypto_sign(engine, m, &none, priv, data, signature, &n, &err));
        assert_int_equal(n, 2 * ((crypto_key_bits(priv) + 7) / 8));
        assert_true(crypto_verify(engine, m, &none, pub, data, slice_of(signature, n), &err));
        half = n / 2;
        for (int form = 0; form < 8; form++) {
                memcpy(bad, signature, n);
                if (form == 0)
                        memset(bad, 0, half); /* r = 0 */
                if (form == 1)
                        memset(bad + half, 0, half); /* s = 0 */
                if (form == 2)
                        memset(bad, 0, n); /* both */
                if (form == 3)
                        memset(bad, 0xff, half); /* above the order */
                if (form == 4)
                        memset(bad + half, 0xff, half);
                if (form == 5) { /* 1, 1 */
                        memset(bad, 0, n);
                        bad[half - 1] = bad[n - 1] = 1;
                }
                if (form == 6) { /* halves exchanged */
                        memcpy(bad, signature + half, half);
                        memcpy(bad + half, signature, half);
                }
                if (form == 7)
                        bad[n - 1] ^= 1;
                assert_false(crypto_verify(engine, m, &none, pub, data, slice_of(bad, n), &err));
                assert_int_equal(err.id, ERR_SIGNATURE);
        }
        assert_false(crypto_verify(engine, m, &none, pub, data, slice_of(signature, n - 1), &err));
        assert_int_equal(err.id, ERR_SIGNATURE_LEN);
        assert_false(crypto_verify(engine, m, &none, pub, data, slice_of(signature, n + 2), &err));
        assert_int_equal(err.id, ERR_SIGNATURE_LEN);
        assert_false(crypto_verify(engine, m, &none, pub, data, slice_of(signature, 0), &err));
        assert_int_equal(err.id, ERR_SIGNATURE_LEN);
}

static void every_curve_signs_with_every_hash(void **state)
{
        static const uint64_t mechanisms[] = {
                CKM_ECDSA,          CKM_ECDSA_SHA1,     CKM_ECDSA_SHA224,   CKM_ECDSA_SHA256,
                CKM_ECDSA_SHA384,   CKM_ECDSA_SHA512,   CKM_ECDSA_SHA3_224, CKM_ECDSA_SHA3_256,
                CKM_ECDSA_SHA3_384, CKM_ECDSA_SHA3_512,
        };

        (void)state;
        for (size_t i = 0; i < CURVES; i++) {
                struct buf params = bytes_of(curves[i].params);
                struct crypto_key_spec spec = spec_of(CKK_EC, &params);
                struct crypto_key *priv, *pub;
                struct err err = ERR_INIT;

                if (curves[i].key_type == CKK_EC) {
                        assert_true(crypto_key_pair_generate(engine, &spec, &priv, &pub, &err));
                        for (size_t k = 0; k < sizeof(mechanisms) / sizeof(mechanisms[0]); k++)
                                sign_and_spoil(crypto_mechanism_find(mechanisms[k]), priv, pub);
                        crypto_key_unref(&priv);
                        crypto_key_unref(&pub);
                }
                buf_clear(&params);
        }
}

/* FIPS 186-4 6.4: of a digest longer than the order only the leftmost bits count. */
static void long_input_is_truncated(void **state)
{
        const struct crypto_mechanism *m = crypto_mechanism_find(CKM_ECDSA);
        struct crypto_key_spec spec = spec_p256();
        struct crypto_key *priv, *pub;
        struct ck_mech_param none = { 0 };
        uint8_t data[64], signature[64];
        size_t n = sizeof(signature);
        struct err err = ERR_INIT;

        (void)state;
        memset(data, 0x5a, sizeof(data));
        assert_true(crypto_key_pair_generate(engine, &spec, &priv, &pub, &err));
        assert_true(crypto_sign(engine, m, &none, priv, slice_of(data, 64), signature, &n, &err));
        data[40] ^= 1;
        assert_true(crypto_verify(engine, m, &none, pub, slice_of(data, 64), slice_of(signature, n), &err));
        assert_true(crypto_verify(engine, m, &none, pub, slice_of(data, 32), slice_of(signature, n), &err));
        data[31] ^= 1;
        assert_false(crypto_verify(engine, m, &none, pub, slice_of(data, 64), slice_of(signature, n), &err));
        crypto_key_unref(&priv);
        crypto_key_unref(&pub);
}

/* Explicit domain parameters of a named curve, as libcrypto writes them. */
static struct buf explicit_params(const char *name)
{
        EC_GROUP *group = EC_GROUP_new_by_curve_name(OBJ_sn2nid(name));
        struct buf out = BUF_INIT;
        uint8_t *der = NULL;
        int n;

        EC_GROUP_set_asn1_flag(group, OPENSSL_EC_EXPLICIT_CURVE);
        n = i2d_ECPKParameters(group, &der);
        assert_true(n > 0);
        buf_put(&out, der, (size_t)n);
        OPENSSL_free(der);
        EC_GROUP_free(group);
        return out;
}

static void explicit_parameters_are_those_of_a_known_curve(void **state)
{
        (void)state;
        for (size_t i = 0; i < CURVES; i++) {
                struct buf params, named = bytes_of(curves[i].params), back = BUF_INIT;
                struct crypto_key *priv, *pub;
                struct err err = ERR_INIT;

                if (curves[i].key_type == CKK_EC) {
                        params = explicit_params(curves[i].name);
                        struct crypto_key_spec spec = spec_of(CKK_EC, &params);
                        assert_true(crypto_key_pair_generate(engine, &spec, &priv, &pub, &err));
                        assert_true(crypto_key_component(pub, CKA_EC_PARAMS, &back, &err));
                        assert_true(slice_equal(buf_slice(&back), buf_slice(&named)));
                        crypto_key_unref(&priv);
                        crypto_key_unref(&pub);
                        buf_clear(&params);
                }
                buf_clear(&named);
                buf_clear(&back);
        }
}

/* The curve's numbers with another generator: signatures of such a "curve" can be made for any public key. */
static void a_changed_curve_is_no_curve(void **state)
{
        struct buf params = explicit_params("prime256v1");
        struct crypto_key *priv, *pub;
        struct err err = ERR_INIT;

        (void)state;
        for (size_t i = 0; i < params.n; i++) {
                struct crypto_key_spec spec = spec_of(CKK_EC, &params);

                params.p[i] ^= 1;
                if (crypto_key_pair_generate(engine, &spec, &priv, &pub, &err)) {
                        /* The seed says where a curve's numbers came from; they are the same without it. */
                        struct buf back = BUF_INIT;
                        assert_true(crypto_key_component(pub, CKA_EC_PARAMS, &back, &err));
                        assert_int_equal(back.n, sizeof(oid_p256));
                        buf_clear(&back);
                        crypto_key_unref(&priv);
                        crypto_key_unref(&pub);
                } else {
                        assert_int_equal(err.id, ERR_CURVE);
                }
                params.p[i] ^= 1;
        }
        for (size_t n = 0; n < params.n; n++) {
                struct crypto_key_spec spec = spec_of(CKK_EC, &params);

                spec.curve.n = n;
                assert_false(crypto_key_pair_generate(engine, &spec, &priv, &pub, &err));
                assert_int_equal(err.id, ERR_CURVE);
        }
        buf_clear(&params);
}

static void explicit_material_is_kept_by_name(void **state)
{
        EVP_PKEY *pkey = EVP_EC_gen("P-384");
        uint8_t *named = NULL, *explicit = NULL;
        struct crypto_key *pub = NULL;
        struct sec *material;
        struct err err = ERR_INIT;
        int n = i2d_PUBKEY(pkey, &named), m;

        (void)state;
        assert_int_equal(EVP_PKEY_set_utf8_string_param(pkey, "encoding", "explicit"), 1);
        m = i2d_PUBKEY(pkey, &explicit);
        assert_true(n > 0 && m > n);
        assert_true(
            crypto_key_open(engine, CRYPTO_PUBLIC, CKK_EC, slice_of(explicit, (size_t)m), &pub, &err));
        material = crypto_key_material(pub, &err);
        assert_true(slice_equal(sec_slice(material), slice_of(named, (size_t)n)));
        crypto_key_unref(&pub);
        explicit[m / 2] ^= 1; /* some number of the curve */
        assert_false(
            crypto_key_open(engine, CRYPTO_PUBLIC, CKK_EC, slice_of(explicit, (size_t)m), &pub, &err));
        sec_free(&material);
        OPENSSL_free(named);
        OPENSSL_free(explicit);
        EVP_PKEY_free(pkey);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_curve_makes_pairs),
                cmocka_unit_test(types_and_curves_agree),
                cmocka_unit_test(every_curve_signs_with_every_hash),
                cmocka_unit_test(long_input_is_truncated),
                cmocka_unit_test(explicit_parameters_are_those_of_a_known_curve),
                cmocka_unit_test(a_changed_curve_is_no_curve),
                cmocka_unit_test(explicit_material_is_kept_by_name),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, engine_open, engine_close);
}
