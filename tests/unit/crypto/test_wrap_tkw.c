/* TKW against its other direction, written here from SP 800-38F 6.3 with DES blocks of CKM_DES3_ECB. */
#include "engine.h"

#define DES3_HEX "0123456789abcdef23456789abcdef01456789abcdef0123"

static const struct ck_mech_param none = { .kind = CK_PARAM_NONE };

/* The definition's steps as they stand: half-blocks move round by one. */
static void wrap(struct crypto_key *by, struct slice plain, struct buf *out)
{
        size_t n = plain.n / 4 + 1;
        uint8_t(*s)[4] = calloc(n, 4), in[8], block[8];
        struct err err = ERR_INIT;

        memset(s[0], 0xa6, 4);
        memcpy(s[1], plain.p, plain.n);
        for (uint32_t t = 1; t <= 6 * (n - 1); t++) {
                size_t room = sizeof(block);

                memcpy(in, s[0], 4);
                memcpy(in + 4, s[1], 4);
                assert_true(crypto_encrypt(engine, crypto_mechanism_find(CKM_DES3_ECB), &none, by,
                                           slice_of(in, 8), block, &room, NULL, &err));
                for (size_t i = 0; i < 4; i++)
                        s[0][i] = (uint8_t)(block[i] ^ (t >> (24 - 8 * i)));
                memmove(s[1], s[2], (n - 2) * 4);
                memcpy(s[n - 1], block + 4, 4);
        }
        buf_reset(out);
        buf_put(out, s, n * 4);
        free(s);
}

static enum err_id unwrap(struct crypto_key *by, const struct ck_mech_param *p, struct slice blob,
                          uint64_t type, struct crypto_key **out)
{
        struct err err = ERR_INIT;

        *out = NULL;
        return crypto_unwrap(engine, crypto_mechanism_find(CKM_DES3_NIST_WRAP), p, by, blob, CRYPTO_SECRET,
                             type, 0, out, &err)
                   ? ERR_NONE
                   : err.id;
}

static void opens_what_was_wrapped(void **state)
{
        struct crypto_key *by = secret_of(CKK_DES3, DES3_HEX), *back;
        struct buf plain = bytes_of("00112233445566778899aabbccddeeff0011223344556677"), blob = BUF_INIT;
        struct err err = ERR_INIT;
        struct sec *value;

        (void)state;
        for (size_t n = 8; n <= plain.n; n += 4) {
                wrap(by, slice_of(plain.p, n), &blob);
                assert_int_equal(unwrap(by, &none, buf_slice(&blob), CKK_GENERIC_SECRET, &back), ERR_NONE);
                value = crypto_key_material(back, &err);
                assert_true(slice_equal(sec_slice(value), slice_of(plain.p, n)));
                sec_free(&value);
                crypto_key_unref(&back);
                for (size_t bit = 0; bit < blob.n * 8; bit++) {
                        blob.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
                        assert_int_equal(unwrap(by, &none, buf_slice(&blob), CKK_GENERIC_SECRET, &back),
                                         ERR_WRAPPED_KEY);
                        blob.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
                }
        }
        buf_clear(&plain);
        buf_clear(&blob);
        crypto_key_unref(&by);
}

static void refuses_the_rest(void **state)
{
        const struct crypto_mechanism *m = crypto_mechanism_find(CKM_DES3_NIST_WRAP);
        static const uint8_t iv[4] = { 0xa6, 0xa6, 0xa6, 0xa7 };
        struct ck_mech_param p = { .kind = CK_PARAM_IV, .present = true, .u.bytes = slice_of(iv, 4) };
        struct crypto_key *by = secret_of(CKK_DES3, DES3_HEX), *key = secret_of(CKK_AES, DES3_HEX), *back;
        struct err err = ERR_INIT;
        uint8_t bytes[40] = { 0 };
        size_t n = sizeof(bytes);

        (void)state;
        assert_int_equal(unwrap(by, &none, slice_of(bytes, 8), CKK_GENERIC_SECRET, &back), ERR_WRAPPED_KEY);
        assert_int_equal(unwrap(by, &none, slice_of(bytes, 13), CKK_GENERIC_SECRET, &back), ERR_WRAPPED_KEY);
        assert_false(crypto_operation_check(m, CRYPTO_UNWRAP, by, &p, &err));
        assert_int_equal(err.id, ERR_MECHANISM_PARAM);
        assert_false(crypto_wrap(engine, m, &none, by, key, bytes, &n, NULL, &err)); /* it only opens */
        assert_int_equal(err.id, ERR_MECHANISM);
        assert_true(crypto_mechanism_non_fips(m, CRYPTO_UNWRAP));
        crypto_key_unref(&by);
        crypto_key_unref(&key);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(opens_what_was_wrapped),
                cmocka_unit_test(refuses_the_rest),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, engine_open, engine_close);
}
