/* ML-KEM: there where libcrypto has it (3.5), and nowhere to be seen where it has not. */
#include "engine.h"

static const struct {
        uint64_t set;
        size_t public_n, ciphertext_n;
} sets[] = {
        { CKP_ML_KEM_512, 800, 768 },
        { CKP_ML_KEM_768, 1184, 1088 },
        { CKP_ML_KEM_1024, 1568, 1568 },
};

static bool present(void)
{
        return crypto_mechanism_find(CKM_ML_KEM) != NULL;
}

static void the_rows_come_and_go_together(void **state)
{
        const struct crypto_mechanism *m;
        size_t rows = 0;

        (void)state;
        assert_int_equal(present(), crypto_mechanism_find(CKM_ML_KEM_KEY_PAIR_GEN) != NULL);
        for (size_t i = 0; (m = crypto_mechanism_row(i)); i++) {
                if (!crypto_mechanism_key_type(m, CKK_ML_KEM))
                        continue;
                rows++;
                assert_string_equal(crypto_mechanism_since(m), "libcrypto 3.5");
                assert_int_equal(crypto_mechanism_offered(m), present());
                assert_int_equal(crypto_mechanism_ck_flags(m, true),
                                 CKF_HW | (crypto_mechanism_number(m) == CKM_ML_KEM
                                               ? CKF_ENCAPSULATE | CKF_DECAPSULATE
                                               : CKF_GENERATE_KEY_PAIR));
        }
        assert_int_equal(rows, 2);
}

static bool generate(size_t i, struct crypto_key **priv, struct crypto_key **pub, struct err *err)
{
        struct crypto_key_spec spec = { .key_type = CKK_ML_KEM, .parameter_set = sets[i].set };

        *err = ERR_INIT;
        return crypto_key_pair_generate(engine, &spec, priv, pub, err);
}

static bool same(struct crypto_key *a, struct crypto_key *b)
{
        struct sec *x = crypto_key_material(a, NULL), *y = crypto_key_material(b, NULL);
        bool equal = slice_equal(sec_slice(x), sec_slice(y));

        sec_free(&x);
        sec_free(&y);
        return equal;
}

/* One secret, on both sides; lengths of the template are its first bytes. */
static void agree(size_t i, struct crypto_key *priv, struct crypto_key *pub)
{
        static const struct crypto_wanted wanted[] = { { CRYPTO_SECRET, CKK_GENERIC_SECRET, 0 },
                                                       { CRYPTO_SECRET, CKK_AES, 16 },
                                                       { CRYPTO_SECRET, CKK_AES, 32 } };
        static const uint32_t bits[] = { 256, 128, 256 };
        const struct crypto_mechanism *m = crypto_mechanism_find(CKM_ML_KEM);
        uint8_t ciphertext[1568];
        struct crypto_key *sent, *got, *other;
        struct err err = ERR_INIT;
        size_t n;

        assert_int_equal(crypto_output_max(m, CRYPTO_ENCAPSULATE, pub, NULL, 0), sets[i].ciphertext_n);
        for (size_t k = 0; k < 3; k++) {
                n = sizeof(ciphertext);
                assert_true(crypto_encapsulate(engine, m, pub, &wanted[k], ciphertext, &n, &sent, &err));
                assert_int_equal(n, sets[i].ciphertext_n);
                assert_int_equal(crypto_key_bits(sent), bits[k]);
                assert_true(
                    crypto_decapsulate(engine, m, priv, &wanted[k], slice_of(ciphertext, n), &got, &err));
                assert_true(same(sent, got));
                /* Another ciphertext is another key, and nothing says that it was not made for this one. */
                ciphertext[n / 2] ^= 1;
                assert_true(
                    crypto_decapsulate(engine, m, priv, &wanted[k], slice_of(ciphertext, n), &other, &err));
                assert_false(same(sent, other));
                crypto_key_unref(&sent);
                crypto_key_unref(&got);
                crypto_key_unref(&other);
        }
}

static void what_does_not_fit_is_refused(struct crypto_key *priv, struct crypto_key *pub)
{
        const struct crypto_mechanism *m = crypto_mechanism_find(CKM_ML_KEM);
        struct crypto_wanted all = { CRYPTO_SECRET, CKK_GENERIC_SECRET, 0 }, more = all, odd = all;
        uint8_t ciphertext[1569] = { 0 };
        struct crypto_key *key = NULL;
        struct err err = ERR_INIT;
        size_t n = sizeof(ciphertext);

        more.length = 33;
        odd.type = CKK_AES;
        odd.length = 17;
        assert_false(crypto_encapsulate(engine, m, priv, &all, ciphertext, &n, &key, &err));
        assert_int_equal(err.id, ERR_KEY_FUNCTION);
        assert_false(crypto_decapsulate(engine, m, pub, &all, slice_of(ciphertext, 768), &key, &err));
        assert_int_equal(err.id, ERR_KEY_FUNCTION);
        assert_false(crypto_encapsulate(engine, m, pub, &more, ciphertext, &n, &key, &err));
        assert_int_equal(err.id, ERR_KEY_SIZE);
        n = sizeof(ciphertext);
        assert_false(crypto_encapsulate(engine, m, pub, &odd, ciphertext, &n, &key, &err));
        assert_int_equal(err.id, ERR_KEY_SIZE);
        for (size_t short_n = 0; short_n <= sizeof(ciphertext); short_n += 1569) {
                assert_false(
                    crypto_decapsulate(engine, m, priv, &all, slice_of(ciphertext, short_n), &key, &err));
                assert_int_equal(err.id, ERR_ENCRYPTED_DATA_LEN);
        }
        assert_null(key);
}

static void pairs_agree_where_libcrypto_has_them(void **state)
{
        struct crypto_key *priv = NULL, *pub = NULL;
        struct err err;

        (void)state;
        for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
                assert_int_equal(generate(i, &priv, &pub, &err), present());
                if (!present()) {
                        assert_int_equal(err.id, ERR_CRYPTO);
                        assert_null(priv);
                        continue;
                }
                assert_int_equal(crypto_key_bits(pub), sets[i].public_n * 8);
                agree(i, priv, pub);
                what_does_not_fit_is_refused(priv, pub);
                crypto_key_unref(&priv);
                crypto_key_unref(&pub);
        }
}

static void other_keys_do_not_encapsulate(void **state)
{
        struct crypto_key_spec spec = { .key_type = CKK_ML_KEM, .parameter_set = 4 };
        struct crypto_key *aes = secret_of(CKK_AES, "00112233445566778899aabbccddeeff"), *priv, *pub;
        struct err err = ERR_INIT;

        (void)state;
        assert_false(
            crypto_operation_check(crypto_mechanism_find(CKM_AES_CBC), CRYPTO_ENCAPSULATE, aes, NULL, &err));
        assert_int_equal(err.id, ERR_MECHANISM);
        for (size_t i = 0; crypto_mechanism_row(i); i++) {
                if (crypto_mechanism_number(crypto_mechanism_row(i)) != CKM_ML_KEM)
                        continue;
                assert_false(
                    crypto_operation_check(crypto_mechanism_row(i), CRYPTO_DECAPSULATE, aes, NULL, &err));
                assert_int_equal(err.id, ERR_KEY_TYPE);
        }
        assert_false(crypto_key_pair_generate(engine, &spec, &priv, &pub, &err));
        assert_int_equal(err.id, ERR_PARAMETER_SET);
        crypto_key_unref(&aes);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_rows_come_and_go_together),
                cmocka_unit_test(pairs_agree_where_libcrypto_has_them),
                cmocka_unit_test(other_keys_do_not_encapsulate),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, engine_open, engine_close);
}
