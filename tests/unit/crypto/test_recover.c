/* Signatures that give back what was signed. */
#include "engine.h"

static struct crypto_key *priv, *pub;

static const struct crypto_mechanism *v15, *raw;

static void what_was_signed_comes_back(void **state)
{
        static const size_t sizes[] = { 0, 1, 51, 244, 245 };
        uint8_t data[256], signature[256], plain[256], again[256];
        struct ck_mech_param none = { 0 };
        struct err err = ERR_INIT;

        (void)state;
        memset(data, 0x5a, sizeof(data));
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
                size_t n = sizeof(signature), plain_n = sizeof(plain), again_n = sizeof(again);

                assert_true(crypto_operation_check(v15, CRYPTO_SIGN_RECOVER, priv, &none, &err));
                assert_true(
                    crypto_sign_recover(engine, v15, priv, slice_of(data, sizes[i]), signature, &n, &err));
                assert_int_equal(n, 256);
                assert_true(
                    crypto_verify_recover(engine, v15, pub, slice_of(signature, n), plain, &plain_n, &err));
                assert_true(slice_equal(slice_of(plain, plain_n), slice_of(data, sizes[i])));
                /* It is the signature of CKM_RSA_PKCS without recovery. */
                assert_true(
                    crypto_sign(engine, v15, &none, priv, slice_of(data, sizes[i]), again, &again_n, &err));
                assert_true(slice_equal(slice_of(again, again_n), slice_of(signature, n)));
                assert_true(crypto_verify(engine, v15, &none, pub, slice_of(data, sizes[i]),
                                          slice_of(signature, n), &err));
        }
}

static void too_much_is_refused(void **state)
{
        uint8_t data[257] = { 0 }, signature[256];
        size_t n = sizeof(signature);
        struct err err = ERR_INIT;

        (void)state;
        assert_false(crypto_sign_recover(engine, v15, priv, slice_of(data, 246), signature, &n, &err));
        assert_int_equal(err.id, ERR_DATA_LEN);
        assert_false(crypto_sign_recover(engine, raw, priv, slice_of(data, 257), signature, &n, &err));
        assert_int_equal(err.id, ERR_DATA_LEN);
        memset(data, 0xff, sizeof(data));
        assert_false(crypto_sign_recover(engine, raw, priv, slice_of(data, 256), signature, &n, &err));
        assert_int_equal(err.id, ERR_DATA); /* not below the modulus */
}

static void raw_blocks_come_back_whole(void **state)
{
        uint8_t data[256] = { 0 }, signature[256], plain[256];
        size_t n = sizeof(signature), plain_n = sizeof(plain);
        struct err err = ERR_INIT;

        (void)state;
        data[255] = 7;
        assert_true(
            crypto_sign_recover(engine, raw, priv, SLICE_LIT("\x07"), signature, &n, &err)); /* padded */
        assert_true(crypto_verify_recover(engine, raw, pub, slice_of(signature, n), plain, &plain_n, &err));
        assert_int_equal(plain_n, 256);
        assert_memory_equal(plain, data, 256);
}

/* Blocks of every wrong form, made with the raw mechanism. */
static void forged_blocks_are_refused(void **state)
{
        struct err err = ERR_INIT;

        (void)state;
        for (int form = 0; form < 7; form++) {
                uint8_t block[256], signature[256], plain[256];
                size_t n = sizeof(signature), plain_n = sizeof(plain);

                memset(block, 0xff, sizeof(block));
                block[0] = 0;
                block[1] = 1;
                block[200] = 0;
                if (form == 1)
                        block[1] = 2; /* an encryption's block */
                if (form == 2)
                        block[200] = 0xff; /* no separator */
                if (form == 3)
                        block[9] = 0; /* padding of 7 bytes */
                if (form == 4)
                        block[50] = 0xfe; /* padding that is not ff */
                if (form == 5)
                        block[1] = 0; /* type 0 */
                if (form == 6)
                        block[0] = 1;
                assert_true(
                    crypto_sign_recover(engine, raw, priv, slice_of(block, 256), signature, &n, &err));
                if (form == 0) {
                        assert_true(crypto_verify_recover(engine, v15, pub, slice_of(signature, 256), plain,
                                                          &plain_n, &err));
                        assert_int_equal(plain_n, 55);
                        continue;
                }
                assert_false(
                    crypto_verify_recover(engine, v15, pub, slice_of(signature, 256), plain, &plain_n, &err));
                assert_int_equal(err.id, ERR_SIGNATURE);
        }
}

static void lengths_and_large_numbers_are_refused(void **state)
{
        uint8_t signature[257], plain[256];
        size_t plain_n = sizeof(plain);
        struct err err = ERR_INIT;

        (void)state;
        memset(signature, 0xff, sizeof(signature));
        for (size_t n = 0; n <= 257; n += n == 0 ? 255 : 2) {
                assert_false(
                    crypto_verify_recover(engine, v15, pub, slice_of(signature, n), plain, &plain_n, &err));
                assert_int_equal(err.id, ERR_SIGNATURE_LEN);
        }
        for (int i = 0; i < 2; i++) { /* above the modulus */
                assert_false(crypto_verify_recover(engine, i ? raw : v15, pub, slice_of(signature, 256),
                                                   plain, &plain_n, &err));
                assert_int_equal(err.id, ERR_SIGNATURE);
        }
}

static void other_mechanisms_do_not_recover(void **state)
{
        const struct crypto_mechanism *pss = crypto_mechanism_find(CKM_RSA_PKCS_PSS),
                                      *oaep = crypto_mechanism_find(CKM_RSA_PKCS_OAEP);
        struct ck_mech_param none = { 0 };
        uint8_t out[256];
        size_t n = sizeof(out);
        struct err err = ERR_INIT;

        (void)state;
        assert_false(crypto_operation_check(pss, CRYPTO_SIGN_RECOVER, priv, &none, &err));
        assert_int_equal(err.id, ERR_MECHANISM);
        assert_false(crypto_sign_recover(engine, pss, priv, SLICE_LIT("x"), out, &n, &err));
        assert_int_equal(err.id, ERR_MECHANISM);
        assert_false(crypto_verify_recover(engine, oaep, pub, SLICE_LIT("x"), out, &n, &err));
        assert_int_equal(err.id, ERR_MECHANISM);
        assert_true(crypto_mechanism_ck_flags(v15, false) & CKF_SIGN_RECOVER);
        assert_true(crypto_mechanism_ck_flags(v15, false) & CKF_VERIFY_RECOVER);
}

static int open_all(void **state)
{
        struct crypto_key_spec spec = spec_rsa(2048);
        struct err err = ERR_INIT;

        if (engine_open(state) != 0 || !crypto_key_pair_generate(engine, &spec, &priv, &pub, &err))
                return -1;
        v15 = crypto_mechanism_find(CKM_RSA_PKCS);
        raw = crypto_mechanism_find(CKM_RSA_X_509);
        return 0;
}

static int close_all(void **state)
{
        crypto_key_unref(&priv);
        crypto_key_unref(&pub);
        return engine_close(state);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_was_signed_comes_back),
                cmocka_unit_test(too_much_is_refused),
                cmocka_unit_test(raw_blocks_come_back_whole),
                cmocka_unit_test(forged_blocks_are_refused),
                cmocka_unit_test(lengths_and_large_numbers_are_refused),
                cmocka_unit_test(other_mechanisms_do_not_recover),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, open_all, close_all);
}
