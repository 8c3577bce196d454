#include "engine.h"

#include "ck/cryptoki.h"

/* Parts of a generated key, by number. */
struct parts {
        struct crypto_component list[10];
        struct buf values[10];
        size_t n;
};

static void take(struct parts *p, const struct crypto_key *key, uint64_t attribute)
{
        struct err err = ERR_INIT;

        p->values[p->n] = BUF_INIT;
        assert_true(crypto_key_component(key, attribute, &p->values[p->n], &err));
        p->list[p->n] = (struct crypto_component){ attribute, buf_slice(&p->values[p->n]) };
        p->n++;
}

static void drop(struct parts *p)
{
        for (size_t i = 0; i < p->n; i++)
                buf_clear(&p->values[i]);
        p->n = 0;
}

static void same_material(const struct crypto_key *a, const struct crypto_key *b)
{
        struct err err = ERR_INIT;
        struct sec *x = crypto_key_material(a, &err), *y = crypto_key_material(b, &err);

        assert_non_null(x);
        assert_non_null(y);
        assert_true(slice_equal(sec_slice(x), sec_slice(y)));
        sec_free(&x);
        sec_free(&y);
}

static void rsa_comes_back_from_all_or_few_parts(void **state)
{
        static const uint64_t all[] = { CKA_MODULUS,    CKA_PUBLIC_EXPONENT, CKA_PRIVATE_EXPONENT,
                                        CKA_PRIME_1,    CKA_PRIME_2,         CKA_EXPONENT_1,
                                        CKA_EXPONENT_2, CKA_COEFFICIENT };
        static const size_t counts[] = { 8, 5, 3 };
        struct crypto_key_spec spec = spec_rsa(2048);
        struct crypto_key *priv, *pub, *again;
        struct parts p = { .n = 0 };
        struct err err = ERR_INIT;

        (void)state;
        assert_true(crypto_key_pair_generate(engine, &spec, &priv, &pub, &err));
        for (size_t i = 0; i < 8; i++)
                take(&p, priv, all[i]);
        assert_true(crypto_key_import(engine, CRYPTO_PUBLIC, CKK_RSA, p.list, 2, &again, &err));
        same_material(pub, again);
        crypto_key_unref(&again);
        for (size_t i = 0; i < 3; i++) {
                assert_true(
                    crypto_key_import(engine, CRYPTO_PRIVATE, CKK_RSA, p.list, counts[i], &again, &err));
                if (counts[i] > 3) /* found primes may come in the other order */
                        same_material(priv, again);
                crypto_key_unref(&again);
        }
        p.values[6].p[3] ^= 1; /* a wrong CRT part gives the key away at the first signature */
        assert_false(crypto_key_import(engine, CRYPTO_PRIVATE, CKK_RSA, p.list, 8, &again, &err));
        assert_int_equal(err.id, ERR_ATTRIBUTE_VALUE);
        assert_null(again);
        assert_false(crypto_key_import(engine, CRYPTO_PRIVATE, CKK_RSA, p.list, 4, &again, &err));
        assert_int_equal(err.id, ERR_TEMPLATE_INCOMPLETE);
        p.values[2].p[9] ^= 1;
        assert_false(crypto_key_import(engine, CRYPTO_PRIVATE, CKK_RSA, p.list, 3, &again, &err));
        assert_int_equal(err.id, ERR_ATTRIBUTE_VALUE);
        drop(&p);
        crypto_key_unref(&priv);
        crypto_key_unref(&pub);
}

static void curves_come_back(void **state)
{
        static const struct {
                uint64_t type;
                uint8_t params[12];
                size_t n;
        } rows[] = {
                { CKK_EC, { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 }, 10 },
                { CKK_EC, { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23 }, 7 },
                { CKK_EC, { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a }, 7 },
                { CKK_EC, { 0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07 }, 11 },
                { CKK_EC_EDWARDS, { 0x06, 0x03, 0x2b, 0x65, 0x70 }, 5 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct crypto_key_spec spec = { .key_type = rows[i].type,
                                                .curve = slice_of(rows[i].params, rows[i].n) };
                struct crypto_key *priv, *pub, *again;
                struct parts p = { .n = 0 };
                struct err err = ERR_INIT;

                assert_true(crypto_key_pair_generate(engine, &spec, &priv, &pub, &err));
                take(&p, priv, CKA_EC_PARAMS);
                take(&p, priv, CKA_VALUE);
                assert_true(crypto_key_import(engine, CRYPTO_PRIVATE, rows[i].type, p.list, 2, &again, &err));
                same_material(priv, again);
                crypto_key_unref(&again);
                drop(&p);
                take(&p, pub, CKA_EC_PARAMS);
                take(&p, pub, CKA_EC_POINT);
                assert_true(crypto_key_import(engine, CRYPTO_PUBLIC, rows[i].type, p.list, 2, &again, &err));
                same_material(pub, again);
                crypto_key_unref(&again);
                if (rows[i].type == CKK_EC) {
                        p.values[1].p[p.values[1].n - 1] ^= 1; /* not on the curve */
                        assert_false(
                            crypto_key_import(engine, CRYPTO_PUBLIC, rows[i].type, p.list, 2, &again, &err));
                        assert_int_equal(err.id, ERR_ATTRIBUTE_VALUE);
                }
                drop(&p);
                crypto_key_unref(&priv);
                crypto_key_unref(&pub);
        }
}

static void strangers_and_zero_are_refused(void **state)
{
        static const uint8_t zero[32],
            p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
        struct crypto_component list[] = { { CKA_EC_PARAMS, slice_of(p256, sizeof(p256)) },
                                           { CKA_VALUE, slice_of(zero, sizeof(zero)) } };
        struct crypto_component secret[] = { { CKA_VALUE, slice_of(zero, 16) },
                                             { CKA_MODULUS, slice_of(zero, 16) } };
        struct crypto_key *key;
        struct err err = ERR_INIT;

        (void)state;
        assert_false(crypto_key_import(engine, CRYPTO_PRIVATE, CKK_EC, list, 2, &key, &err));
        assert_int_equal(err.id, ERR_ATTRIBUTE_VALUE);
        assert_false(crypto_key_import(engine, CRYPTO_SECRET, CKK_AES, secret, 2, &key, &err));
        assert_int_equal(err.id, ERR_TEMPLATE_INCONSISTENT);
        assert_null(key);
        assert_true(crypto_key_import(engine, CRYPTO_SECRET, CKK_AES, secret, 1, &key, &err));
        crypto_key_unref(&key);
        assert_false(crypto_key_import(engine, CRYPTO_SECRET, CKK_AES, secret, 0, &key, &err));
        assert_int_equal(err.id, ERR_TEMPLATE_INCOMPLETE);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(rsa_comes_back_from_all_or_few_parts),
                cmocka_unit_test(curves_come_back),
                cmocka_unit_test(strangers_and_zero_are_refused),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, engine_open, engine_close);
}
