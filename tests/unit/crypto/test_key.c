#include "engine.h"

static void sizes_outside_the_range_are_refused(void **state)
{
        static const uint32_t rsa[] = { 0, 512, 768, 1023, 1025, 2047, 2049, 2304 + 1, 8448, 16384 };
        struct crypto_key *priv, *pub;
        struct err err = ERR_INIT;
        struct slice nothing = SLICE_EMPTY;

        (void)state;
        for (size_t i = 0; i < sizeof(rsa) / sizeof(rsa[0]); i++) {
                struct crypto_key_spec spec = spec_rsa(rsa[i]);
                assert_false(crypto_key_pair_generate(engine, &spec, &priv, &pub, &err));
                assert_int_equal(err.id, ERR_KEY_SIZE);
                assert_null(priv);
        }
        assert_false(
            crypto_key_open(engine, CRYPTO_SECRET, CKK_AES, SLICE_LIT("seventeen bytes !"), &priv, &err));
        assert_int_equal(err.id, ERR_KEY_SIZE);
        assert_false(crypto_key_open(engine, CRYPTO_SECRET, CKK_GENERIC_SECRET, nothing, &priv, &err));
}

static void weak_exponents_are_refused(void **state)
{
        static const uint8_t zero[] = { 0 }, one[] = { 1 }, even[] = { 1, 0, 2 }, small[] = { 0xff, 0xff },
                             five[] = { 5 };
        static const uint8_t huge[33] = { [0] = 1, [32] = 1 }; /* 257 bits */
        const struct slice bad[] = { slice_of(zero, 1),  slice_of(one, 1),  slice_of(even, 3),
                                     slice_of(small, 2), slice_of(five, 1), slice_of(huge, 33) };
        struct crypto_key *priv, *pub;
        struct err err = ERR_INIT;

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                struct crypto_key_spec spec = spec_rsa(2048);
                spec.exponent = bad[i];
                assert_false(crypto_key_pair_generate(engine, &spec, &priv, &pub, &err));
                assert_int_equal(err.id, ERR_ATTRIBUTE_VALUE);
        }
}

static void exponents_in_range_are_used(void **state)
{
        static const uint8_t three[] = { 3 }, fermat[] = { 0, 1, 0, 1 },
                             large[] = { 1, 0, 0, 0, 0, 0, 0, 0x0f }, longer[32] = { [0] = 0x80, [31] = 1 };
        static const struct {
                uint32_t bits;
                const uint8_t *e;
                size_t n;
        } rows[] = { { 2048, three, 1 },
                     { 1024, fermat, 4 },
                     { 2304, large, 8 },
                     { 1024, longer, 32 },
                     { 1280, NULL, 0 } };
        struct crypto_key *priv, *pub;
        struct err err = ERR_INIT;

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct crypto_key_spec spec = spec_rsa(rows[i].bits);
                struct buf e = BUF_INIT;
                size_t skip = rows[i].n && rows[i].e[0] == 0;

                spec.exponent = slice_of(rows[i].e, rows[i].n);
                assert_true(crypto_key_pair_generate(engine, &spec, &priv, &pub, &err));
                assert_int_equal(crypto_key_bits(pub), rows[i].bits);
                assert_true(crypto_key_component(pub, CKA_PUBLIC_EXPONENT, &e, &err));
                if (rows[i].n)
                        assert_true(slice_equal(buf_slice(&e), slice_of(rows[i].e + skip, rows[i].n - skip)));
                buf_clear(&e);
                crypto_key_unref(&priv);
                crypto_key_unref(&pub);
        }
}

/* A long exponent with a long modulus would make every verification fail, and costs much before it does. */
static void long_exponents_are_for_short_keys(void **state)
{
        static const uint8_t e[9] = { [0] = 1, [8] = 1 };
        uint8_t n[512];
        struct crypto_component list[] = { { CKA_MODULUS, slice_of(n, sizeof(n)) },
                                           { CKA_PUBLIC_EXPONENT, slice_of(e, sizeof(e)) } };
        struct crypto_key *pub;
        struct err err = ERR_INIT;

        (void)state;
        memset(n, 0xff, sizeof(n));
        assert_false(crypto_key_import(engine, CRYPTO_PUBLIC, CKK_RSA, list, 2, &pub, &err));
        assert_int_equal(err.id, ERR_ATTRIBUTE_VALUE);
}

static void unknown_curve_is_refused(void **state)
{
        struct crypto_key_spec spec = spec_p256();
        struct crypto_key *priv, *pub;
        struct err err = ERR_INIT;

        (void)state;
        spec.curve.n--;
        assert_false(crypto_key_pair_generate(engine, &spec, &priv, &pub, &err));
        assert_int_equal(err.id, ERR_CURVE);
        spec = spec_p256();
        spec.key_type = CKK_EC_EDWARDS;
        assert_false(crypto_key_pair_generate(engine, &spec, &priv, &pub, &err));
        assert_int_equal(err.id, ERR_CURVE);
}

static void material_is_read_back_and_nothing_else(struct crypto_key_spec spec)
{
        struct crypto_key *priv, *pub, *again = NULL;
        struct err err = ERR_INIT;
        struct sec *material;
        struct buf longer = BUF_INIT, point_a = BUF_INIT, point_b = BUF_INIT;

        assert_true(crypto_key_pair_generate(engine, &spec, &priv, &pub, &err));
        material = crypto_key_material(priv, &err);
        assert_true(
            crypto_key_open(engine, CRYPTO_PRIVATE, spec.key_type, sec_slice(material), &again, &err));
        assert_true(crypto_key_component(priv, CKA_PUBLIC_KEY_INFO, &point_a, &err));
        assert_true(crypto_key_component(again, CKA_PUBLIC_KEY_INFO, &point_b, &err));
        assert_true(slice_equal(buf_slice(&point_a), buf_slice(&point_b)));
        crypto_key_unref(&again);
        buf_put_slice(&longer, sec_slice(material));
        buf_put_u8(&longer, 0);
        assert_false(
            crypto_key_open(engine, CRYPTO_PRIVATE, spec.key_type, buf_slice(&longer), &again, &err));
        for (size_t n = 0; n < sec_size(material); n++)
                assert_false(crypto_key_open(engine, CRYPTO_PRIVATE, spec.key_type, slice_of(longer.p, n),
                                             &again, &err));
        assert_false(crypto_key_open(engine, CRYPTO_PRIVATE, spec.key_type == CKK_RSA ? CKK_EC : CKK_RSA,
                                     sec_slice(material), &again, &err));
        sec_free(&material);
        buf_clear(&longer);
        buf_clear(&point_a);
        buf_clear(&point_b);
        crypto_key_unref(&priv);
        crypto_key_unref(&pub);
}

static void rsa_material(void **state)
{
        (void)state;
        material_is_read_back_and_nothing_else(spec_rsa(2048));
}

static void p256_material(void **state)
{
        (void)state;
        material_is_read_back_and_nothing_else(spec_p256());
}

static void ed25519_material(void **state)
{
        (void)state;
        material_is_read_back_and_nothing_else(spec_ed25519());
}

static void public_keys_have_no_secret_parts(void **state)
{
        static const uint64_t secret[] = { CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_COEFFICIENT, CKA_VALUE };
        struct crypto_key_spec spec = spec_rsa(2048);
        struct crypto_key *priv, *pub;
        struct buf out = BUF_INIT;
        struct err err = ERR_INIT;

        (void)state;
        assert_true(crypto_key_pair_generate(engine, &spec, &priv, &pub, &err));
        for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++) {
                assert_false(crypto_key_component(pub, secret[i], &out, &err));
                assert_int_equal(err.id, ERR_ATTRIBUTE_TYPE);
                assert_int_equal(out.n, 0);
        }
        assert_true(crypto_key_component(priv, CKA_PRIVATE_EXPONENT, &out, &err));
        buf_reset(&out);
        assert_true(crypto_key_component(pub, CKA_MODULUS, &out, &err));
        assert_int_equal(out.n, 256);
        buf_clear(&out);
        crypto_key_unref(&priv);
        crypto_key_unref(&pub);
}

static void equal_keys_have_equal_fingerprints(void **state)
{
        struct crypto_key *a = secret_of(CKK_AES, "00112233445566778899aabbccddeeff");
        struct crypto_key *b = secret_of(CKK_AES, "00112233445566778899aabbccddeeff");
        struct crypto_key *c = secret_of(CKK_AES, "00112233445566778899aabbccddeefe");
        uint8_t fa[32], fb[32], fc[32];

        (void)state;
        assert_true(crypto_key_fingerprint(a, SLICE_LIT("partition"), fa));
        assert_true(crypto_key_fingerprint(b, SLICE_LIT("partition"), fb));
        assert_true(crypto_key_fingerprint(c, SLICE_LIT("partition"), fc));
        assert_memory_equal(fa, fb, 32);
        assert_memory_not_equal(fa, fc, 32);
        crypto_key_unref(&a);
        crypto_key_unref(&b);
        crypto_key_unref(&c);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(sizes_outside_the_range_are_refused),
                cmocka_unit_test(weak_exponents_are_refused),
                cmocka_unit_test(exponents_in_range_are_used),
                cmocka_unit_test(long_exponents_are_for_short_keys),
                cmocka_unit_test(unknown_curve_is_refused),
                cmocka_unit_test(rsa_material),
                cmocka_unit_test(p256_material),
                cmocka_unit_test(ed25519_material),
                cmocka_unit_test(public_keys_have_no_secret_parts),
                cmocka_unit_test(equal_keys_have_equal_fingerprints),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, engine_open, engine_close);
}
