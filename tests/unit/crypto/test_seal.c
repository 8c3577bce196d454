#include "engine.h"

static void every_flipped_bit_is_found(void **state)
{
        uint8_t key[32] = { 7 };
        struct buf sealed = BUF_INIT;
        struct err err = ERR_INIT;
        struct sec *plain;

        (void)state;
        assert_true(
            crypto_seal(engine, slice_of(key, 32), SLICE_LIT("where"), SLICE_LIT("secret"), &sealed, &err));
        assert_int_equal(sealed.n, 6 + CRYPTO_SEAL_EXTRA);
        plain = crypto_open(engine, slice_of(key, 32), SLICE_LIT("where"), buf_slice(&sealed), &err);
        assert_true(slice_equal(sec_slice(plain), SLICE_LIT("secret")));
        sec_free(&plain);
        assert_null(crypto_open(engine, slice_of(key, 32), SLICE_LIT("elsewhere"), buf_slice(&sealed), &err));
        for (size_t i = 0; i < sealed.n * 8; i++) {
                sealed.p[i / 8] ^= (uint8_t)(1u << i % 8);
                assert_null(
                    crypto_open(engine, slice_of(key, 32), SLICE_LIT("where"), buf_slice(&sealed), &err));
                assert_int_equal(err.id, ERR_AEAD);
                sealed.p[i / 8] ^= (uint8_t)(1u << i % 8);
        }
        for (size_t n = 0; n < sealed.n; n++)
                assert_null(
                    crypto_open(engine, slice_of(key, 32), SLICE_LIT("where"), slice_of(sealed.p, n), &err));
        buf_clear(&sealed);
}

static void purposes_give_different_keys(void **state)
{
        uint8_t key[32] = { 1 };
        struct err err = ERR_INIT;
        struct sec *a = crypto_derive(engine, slice_of(key, 32), SLICE_EMPTY, SLICE_LIT("ticket"), 32, &err);
        struct sec *b = crypto_derive(engine, slice_of(key, 32), SLICE_EMPTY, SLICE_LIT("session"), 32, &err);
        struct sec *c = crypto_derive(engine, slice_of(key, 32), SLICE_EMPTY, SLICE_LIT("ticket"), 32, &err);

        (void)state;
        assert_false(sec_equal(sec_slice(a), sec_slice(b)));
        assert_true(sec_equal(sec_slice(a), sec_slice(c)));
        sec_free(&a);
        sec_free(&b);
        sec_free(&c);
}

static void passwords_match_only_themselves(void **state)
{
        const struct crypto_password_cost cheap = { 256, 1 };
        char record[CRYPTO_PASSWORD_TEXT_MAX], other[CRYPTO_PASSWORD_TEXT_MAX];
        struct err err = ERR_INIT;

        (void)state;
        assert_true(crypto_password_hash(engine, &cheap, SLICE_LIT("user1234"), record, &err));
        assert_true(crypto_password_hash(engine, &cheap, SLICE_LIT("user1234"), other, &err));
        assert_string_not_equal(record, other);
        assert_int_equal(strncmp(record, "$argon2id$v=19$m=256,t=1,p=1$", 29), 0);
        assert_true(crypto_password_verify(engine, record, SLICE_LIT("user1234"), &err));
        assert_false(crypto_password_verify(engine, record, SLICE_LIT("user1235"), &err));
        assert_int_equal(err.id, ERR_LOGIN_FAILED);
        assert_false(crypto_password_verify(engine, record, SLICE_LIT(""), &err));
        assert_false(crypto_password_verify(engine, "$argon2id$rubbish", SLICE_LIT("user1234"), &err));
        assert_int_equal(err.id, ERR_STORE_DAMAGED);
}

static void spoiled_self_test_refuses_service(void **state)
{
        static const char *const names[] = { "SHA-1", "SHA-256",      "SHA-384", "SHA-512",
                                             "HKDF",  "HMAC-SHA-256", "DRBG",    "AES-256-GCM" };
        struct err err;

        (void)state;
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                err = ERR_INIT;
                assert_null(crypto_new(names[i], &err));
                assert_int_equal(err.id, ERR_SELF_TEST);
                assert_non_null(strstr(err.detail, names[i]));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_flipped_bit_is_found),
                cmocka_unit_test(purposes_give_different_keys),
                cmocka_unit_test(passwords_match_only_themselves),
                cmocka_unit_test(spoiled_self_test_refuses_service),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, engine_open, engine_close);
}
