/* Types of secret keys: lengths, parity, check values, and what each mechanism's result measures. */
#include "engine.h"
#include "ck/mechanism_size.h"
#include "ck/names.h"

static const struct {
        uint64_t type;
        size_t good, bad;
} lengths[] = {
        { CKK_DES, 8, 7 },         { CKK_DES2, 16, 24 },         { CKK_DES3, 24, 16 },
        { CKK_AES, 24, 20 },       { CKK_AES_XTS, 64, 48 },      { CKK_CHACHA20, 32, 16 },
        { CKK_MD5_HMAC, 1, 3073 }, { CKK_SHA_1_HMAC, 20, 0 },    { CKK_SHA3_512_HMAC, 3072, 3073 },
        { CKK_HKDF, 1, 0 },        { CKK_GENERIC_SECRET, 1, 0 },
};

static void each_type_has_its_lengths(void **state)
{
        uint8_t bytes[3100];

        (void)state;
        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t)(i * 7);
        for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
                struct crypto_key *key = NULL;
                struct err err = ERR_INIT;

                assert_true(crypto_key_open(engine, CRYPTO_SECRET, lengths[i].type,
                                            slice_of(bytes, lengths[i].good), &key, &err));
                crypto_key_unref(&key);
                assert_false(crypto_key_open(engine, CRYPTO_SECRET, lengths[i].type,
                                             slice_of(bytes, lengths[i].bad), &key, &err));
                assert_int_equal(err.id, ERR_KEY_SIZE);
        }
}

static void unknown_types_and_equal_xts_halves_are_refused(void **state)
{
        uint8_t bytes[64] = { 1 };
        struct crypto_key *key = NULL;
        struct err err = ERR_INIT;

        (void)state;
        assert_false(crypto_key_open(engine, CRYPTO_SECRET, CKK_SEED, slice_of(bytes, 16), &key, &err));
        assert_int_equal(err.id, ERR_KEY_TYPE);
        err = ERR_INIT;
        bytes[32] = 1;
        assert_false(crypto_key_open(engine, CRYPTO_SECRET, CKK_AES_XTS, slice_of(bytes, 64), &key, &err));
        assert_int_equal(err.id, ERR_ATTRIBUTE_VALUE);
}

static void generated_des_keys_have_odd_parity(void **state)
{
        static const struct {
                uint64_t type;
                uint32_t bytes;
        } types[] = { { CKK_DES, 8 }, { CKK_DES2, 16 }, { CKK_DES3, 24 } };

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                struct crypto_key_spec spec = { .key_type = types[i].type, .bits = types[i].bytes * 8 };
                struct crypto_key *key = NULL;
                struct buf value = BUF_INIT;
                struct err err = ERR_INIT;

                assert_int_equal(crypto_secret_preset(types[i].type), types[i].bytes);
                assert_true(crypto_key_generate(engine, &spec, &key, &err));
                assert_true(crypto_key_component(key, CKA_VALUE, &value, &err));
                for (size_t k = 0; k < value.n; k++)
                        assert_int_equal(__builtin_popcount(value.p[k]) % 2, 1);
                buf_clear(&value);
                crypto_key_unref(&key);
        }
}

/* One key K is triple DES with K K K, two are K1 K2 K1: their check values say so. */
static void check_values_are_those_of_a_zero_block(void **state)
{
        static const struct {
                uint64_t type;
                const char *key, *kcv;
        } rows[] = {
                { CKK_AES, "00000000000000000000000000000000", "66e94b" },
                { CKK_DES, "0123456789abcdef", "d5d44f" },
                { CKK_DES2, "0123456789abcdeffedcba9876543210", "08d7b4" },
                { CKK_DES3, "0123456789abcdeffedcba98765432100123456789abcdef", "08d7b4" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct crypto_key *key = secret_of(rows[i].type, rows[i].key);
                struct buf kcv = BUF_INIT, wanted = bytes_of(rows[i].kcv);
                struct err err = ERR_INIT;

                assert_true(crypto_key_component(key, CKA_CHECK_VALUE, &kcv, &err));
                assert_true(slice_equal(buf_slice(&kcv), buf_slice(&wanted)));
                buf_clear(&kcv);
                buf_clear(&wanted);
                crypto_key_unref(&key);
        }
}

static void names_are_those_of_the_standard(void **state)
{
        const struct crypto_mechanism *m;

        (void)state;
        for (size_t i = 0; (m = crypto_mechanism_at(i)); i++) {
                const char *name = ck_name(CK_KIND_MECHANISM, crypto_mechanism_number(m));

                assert_string_equal(crypto_mechanism_name(m), name ? name : "");
        }
}

static bool makes_mac(const struct crypto_mechanism *m)
{
        return (crypto_mechanism_functions(m) & (1u << CRYPTO_SIGN)) &&
               (crypto_mechanism_key_type(m, CKK_GENERIC_SECRET) || crypto_mechanism_key_type(m, CKK_AES) ||
                crypto_mechanism_key_type(m, CKK_DES3));
}

/* Both sides of the wire tell lengths by the rows of ck/mechanism_size_rows.c. */
static void every_digest_and_mac_has_its_length(void **state)
{
        const struct crypto_mechanism *m;
        const struct ck_mech_size *row;
        struct err err = ERR_INIT;
        uint8_t out[64];
        size_t n;

        (void)state;
        for (size_t i = 1; (row = ck_mech_size_at(i)); i++)
                assert_true(row->mechanism > ck_mech_size_at(i - 1)->mechanism);
        for (size_t i = 0; (m = crypto_mechanism_at(i)); i++) {
                row = ck_mech_size(crypto_mechanism_number(m));
                if (crypto_mechanism_functions(m) & (1u << CRYPTO_DIGEST)) {
                        assert_non_null(row);
                        n = sizeof(out);
                        assert_true(crypto_digest(engine, m, SLICE_EMPTY, out, &n, &err));
                        assert_int_equal(n, row->result);
                } else if (makes_mac(m)) {
                        assert_non_null(row);
                        assert_true(row->result >= 4);
                }
        }
}

static void macs_refuse_wrong_lengths(void **state)
{
        static const struct {
                uint64_t mechanism;
                uint32_t most;
        } rows[] = { { CKM_MD5_HMAC_GENERAL, 16 },        { CKM_SHA_1_HMAC_GENERAL, 20 },
                     { CKM_SHA512_224_HMAC_GENERAL, 28 }, { CKM_SHA512_256_HMAC_GENERAL, 32 },
                     { CKM_SHA3_384_HMAC_GENERAL, 48 },   { CKM_SHA3_512_HMAC_GENERAL, 64 } };
        struct crypto_key *key = secret_of(CKK_GENERIC_SECRET, "0102030405060708090a0b0c0d0e0f10");

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const struct crypto_mechanism *m = crypto_mechanism_find(rows[i].mechanism);
                struct ck_mech_param p = { .kind = CK_PARAM_NUMBER, .present = true };
                struct err err = ERR_INIT;

                p.u.number = rows[i].most;
                assert_true(crypto_operation_check(m, CRYPTO_SIGN, key, &p, &err));
                p.u.number++;
                assert_false(crypto_operation_check(m, CRYPTO_SIGN, key, &p, &err));
                assert_int_equal(err.id, ERR_MECHANISM_PARAM);
                err = ERR_INIT;
                for (p.u.number = 0; p.u.number < 4; p.u.number++) { /* what is short is guessed */
                        err = ERR_INIT;
                        assert_false(crypto_operation_check(m, CRYPTO_SIGN, key, &p, &err));
                        assert_int_equal(err.id, ERR_MECHANISM_PARAM);
                }
        }
        crypto_key_unref(&key);
}

/* A key of one hash's type works with that hash only. */
static void typed_keys_keep_to_their_hash(void **state)
{
        struct crypto_key *key = secret_of(CKK_SHA3_256_HMAC, "0102030405060708090a0b0c0d0e0f10");
        struct ck_mech_param none = { .kind = CK_PARAM_NONE };
        struct err err = ERR_INIT;

        (void)state;
        assert_true(
            crypto_operation_check(crypto_mechanism_find(CKM_SHA3_256_HMAC), CRYPTO_SIGN, key, &none, &err));
        assert_false(
            crypto_operation_check(crypto_mechanism_find(CKM_SHA256_HMAC), CRYPTO_SIGN, key, &none, &err));
        assert_int_equal(err.id, ERR_KEY_TYPE);
        crypto_key_unref(&key);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_type_has_its_lengths),
                cmocka_unit_test(unknown_types_and_equal_xts_halves_are_refused),
                cmocka_unit_test(generated_des_keys_have_odd_parity),
                cmocka_unit_test(check_values_are_those_of_a_zero_block),
                cmocka_unit_test(names_are_those_of_the_standard),
                cmocka_unit_test(every_digest_and_mac_has_its_length),
                cmocka_unit_test(macs_refuse_wrong_lengths),
                cmocka_unit_test(typed_keys_keep_to_their_hash),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, engine_open, engine_close);
}
