/* What a partition without non_fips keeps of mechanisms, keys and parameters. */
#include "engine.h"

static void every_row_keeps_what_its_class_says(void **state)
{
        const uint32_t old = 1u << CRYPTO_VERIFY | 1u << CRYPTO_VERIFY_RECOVER | 1u << CRYPTO_DECRYPT |
                             1u << CRYPTO_UNWRAP | 1u << CRYPTO_DIGEST;
        const struct crypto_mechanism *m;

        (void)state;
        for (size_t i = 0; (m = crypto_mechanism_at(i)); i++) {
                uint32_t all = crypto_mechanism_functions(m),
                         strict = crypto_mechanism_functions_under(m, true);

                assert_int_equal(crypto_mechanism_functions_under(m, false), all);
                assert_int_equal(strict & ~all, 0);
                assert_int_equal(crypto_mechanism_ck_flags(m, true) == 0, strict == 0);
                if (crypto_mechanism_class(m) == CRYPTO_NON_FIPS)
                        assert_int_equal(strict, 0);
                if (crypto_mechanism_class(m) == CRYPTO_LEGACY)
                        assert_int_equal(strict, all & old);
        }
}

static const struct {
        uint64_t mechanism;
        enum crypto_op op;
        bool strict;
} rows[] = {
        { CKM_RSA_PKCS, CRYPTO_SIGN, true },
        { CKM_RSA_PKCS, CRYPTO_ENCRYPT, false }, /* SP 800-131A: no new key transport */
        { CKM_RSA_PKCS, CRYPTO_WRAP, false },
        { CKM_RSA_PKCS, CRYPTO_DECRYPT, true },
        { CKM_RSA_PKCS, CRYPTO_UNWRAP, true },
        { CKM_RSA_X_509, CRYPTO_VERIFY, false },
        { CKM_MD5_RSA_PKCS, CRYPTO_VERIFY, false },
        { CKM_SHA1_RSA_PKCS, CRYPTO_SIGN, false },
        { CKM_SHA1_RSA_PKCS, CRYPTO_VERIFY, true },
        { CKM_SHA1_RSA_PKCS_PSS, CRYPTO_SIGN, false },
        { CKM_ECDSA_SHA1, CRYPTO_SIGN, false },
        { CKM_ECDSA_SHA1, CRYPTO_VERIFY, true },
        { CKM_SHA3_256_RSA_PKCS_PSS, CRYPTO_SIGN, true },
        { CKM_EDDSA, CRYPTO_SIGN, true },
        { CKM_EC_MONTGOMERY_KEY_PAIR_GEN, CRYPTO_GENERATE_PAIR, false },
        { CKM_EC_KEY_PAIR_GEN, CRYPTO_GENERATE_PAIR, true },
};

static void functions_are_refused_one_by_one(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const struct crypto_mechanism *m = crypto_mechanism_find(rows[i].mechanism);
                struct err err = ERR_INIT;

                assert_true(crypto_mechanism_functions(m) & 1u << rows[i].op);
                assert_int_equal(crypto_operation_approved(m, rows[i].op, NULL, NULL, &err), rows[i].strict);
                if (!rows[i].strict)
                        assert_int_equal(err.id, ERR_MECHANISM);
        }
}

static void sizes_are_narrower(void **state)
{
        uint64_t min, max;

        (void)state;
        crypto_mechanism_sizes_under(crypto_mechanism_find(CKM_RSA_PKCS), false, &min, &max);
        assert_true(min == 1024 && max == 8192);
        crypto_mechanism_sizes_under(crypto_mechanism_find(CKM_RSA_PKCS), true, &min, &max);
        assert_true(min == 2048 && max == 4096);
        crypto_mechanism_sizes_under(crypto_mechanism_find(CKM_ECDSA), true, &min, &max);
        assert_true(min == 224 && max == 521);
        crypto_mechanism_sizes_under(crypto_mechanism_find(CKM_SHA256), true, &min, &max);
        assert_true(min == 0 && max == 0);
}

static void weak_keys_verify_and_decrypt_only(void **state)
{
        static const uint8_t p192[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01 },
                             x25519[] = { 0x06, 0x03, 0x2b, 0x65, 0x6e }, three[] = { 3 };
        struct crypto_key_spec specs[] = {
                { .key_type = CKK_RSA, .bits = 1024 },
                { .key_type = CKK_RSA, .bits = 2048, .exponent = slice_of(three, 1) },
                { .key_type = CKK_EC, .curve = slice_of(p192, sizeof(p192)) },
                { .key_type = CKK_EC, .curve = slice_of(x25519, sizeof(x25519)) },
        };
        static const enum err_id refusals[] = { ERR_KEY_SIZE, ERR_KEY_SIZE, ERR_CURVE, ERR_CURVE };

        (void)state;
        for (size_t i = 0; i < 4; i++) {
                const struct crypto_mechanism *m =
                    crypto_mechanism_find(i < 2 ? CKM_SHA256_RSA_PKCS : CKM_ECDSA_SHA256);
                struct crypto_key *priv = NULL, *pub = NULL;
                struct err err = ERR_INIT;

                assert_true(crypto_key_pair_generate(engine, &specs[i], &priv, &pub, &err));
                assert_true(crypto_key_approved(pub, &err));
                assert_false(crypto_key_approved(priv, &err));
                assert_int_equal(err.id, refusals[i]);
                assert_false(crypto_operation_approved(m, CRYPTO_SIGN, priv, NULL, &err));
                assert_int_equal(err.id, ERR_KEY_SIZE);
                assert_true(crypto_operation_approved(m, CRYPTO_VERIFY, pub, NULL, &err));
                if (i < 2) {
                        m = crypto_mechanism_find(CKM_RSA_PKCS_OAEP);
                        assert_false(crypto_operation_approved(m, CRYPTO_ENCRYPT, pub, NULL, &err));
                        assert_false(crypto_operation_approved(m, CRYPTO_WRAP, pub, NULL, &err));
                        assert_true(crypto_operation_approved(m, CRYPTO_DECRYPT, priv, NULL, &err));
                        assert_true(crypto_operation_approved(m, CRYPTO_UNWRAP, priv, NULL, &err));
                }
                crypto_key_unref(&priv);
                crypto_key_unref(&pub);
                specs[i].approved_only = true;
                assert_false(crypto_key_pair_generate(engine, &specs[i], &priv, &pub, &err));
                assert_int_equal(err.id, refusals[i]);
        }
}

static void a_parameter_can_be_the_weak_part(void **state)
{
        const struct crypto_mechanism *m = crypto_mechanism_find(CKM_RSA_PKCS_PSS);
        struct ck_mech_param p = { .kind = CK_PARAM_PSS, .present = true };
        struct err err = ERR_INIT;

        (void)state;
        p.u.pss.hash = CKM_SHA_1;
        p.u.pss.mgf = CKG_MGF1_SHA1;
        assert_false(crypto_operation_approved(m, CRYPTO_SIGN, NULL, &p, &err));
        assert_int_equal(err.id, ERR_MECHANISM_PARAM);
        assert_true(crypto_operation_approved(m, CRYPTO_VERIFY, NULL, &p, &err));
        p.u.pss.hash = CKM_SHA256;
        assert_true(crypto_operation_approved(m, CRYPTO_SIGN, NULL, &p, &err));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_row_keeps_what_its_class_says),
                cmocka_unit_test(functions_are_refused_one_by_one),
                cmocka_unit_test(sizes_are_narrower),
                cmocka_unit_test(weak_keys_verify_and_decrypt_only),
                cmocka_unit_test(a_parameter_can_be_the_weak_part),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, engine_open, engine_close);
}
