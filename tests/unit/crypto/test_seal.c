#include "engine.h"

#include <pthread.h>

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

/* FIPS 180-2's "abc", and texts of every length up to three blocks, in turn with one context. */
static void a_hasher_begins_anew_each_time(void **state)
{
        static const uint8_t abc[CRYPTO_HASH_SIZE] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
                                                       0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                                                       0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
                                                       0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad };
        struct crypto_hasher *h = crypto_hasher_new(engine);
        uint8_t text[192], once[CRYPTO_HASH_SIZE], again[CRYPTO_HASH_SIZE];

        (void)state;
        assert_non_null(h);
        for (size_t i = 0; i < sizeof(text); i++)
                text[i] = (uint8_t)(i * 7);
        for (size_t n = 0; n <= sizeof(text); n++) {
                assert_true(crypto_hasher_sha256(h, SLICE_LIT("abc"), again));
                assert_memory_equal(again, abc, sizeof(abc));
                assert_true(crypto_sha256(engine, slice_of(text, n), once));
                assert_true(crypto_hasher_sha256(h, slice_of(text, n), again));
                assert_memory_equal(again, once, sizeof(once));
        }
        crypto_hasher_free(&h);
        crypto_hasher_free(&h);
        assert_null(h);
}

static void *macs_main(void *mac)
{
        static const uint8_t text[300];
        uintptr_t wrong = 0;

        for (size_t i = 0; i < 2000; i++) {
                uint8_t once[CRYPTO_HASH_SIZE], again[CRYPTO_HASH_SIZE];
                struct slice data = slice_of(text, i % sizeof(text));

                wrong += !crypto_hmac_sha256(engine, SLICE_LIT("key of the test"), data, once) ||
                         !crypto_mac_of(mac, data, again) || memcmp(once, again, sizeof(once)) != 0;
        }
        return (void *)wrong;
}

/* By threads at once, texts of each length after each other: as if each were the first. */
static void a_mac_begins_anew_each_time(void **state)
{
        struct err err = ERR_INIT;
        struct crypto_mac *mac = crypto_mac_new(engine, SLICE_LIT("key of the test"), &err);
        struct crypto_mac *other = crypto_mac_new(engine, SLICE_LIT("key of the tesu"), &err);
        uint8_t a[CRYPTO_HASH_SIZE], b[CRYPTO_HASH_SIZE];
        pthread_t threads[4];
        void *wrong;

        (void)state;
        assert_non_null(mac);
        assert_non_null(other);
        assert_true(crypto_mac_of(mac, SLICE_EMPTY, a) && crypto_mac_of(other, SLICE_EMPTY, b));
        assert_memory_not_equal(a, b, sizeof(a));
        for (size_t i = 0; i < 4; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, macs_main, mac), 0);
        for (size_t i = 0; i < 4; i++) {
                pthread_join(threads[i], &wrong);
                assert_ptr_equal(wrong, NULL);
        }
        crypto_mac_free(&mac);
        crypto_mac_free(&other);
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
                cmocka_unit_test(a_hasher_begins_anew_each_time),
                cmocka_unit_test(a_mac_begins_anew_each_time),
                cmocka_unit_test(spoiled_self_test_refuses_service),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, engine_open, engine_close);
}
