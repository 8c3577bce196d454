/* ML-DSA and SLH-DSA: there where libcrypto has them (3.5), and nowhere to be seen where it has not. */
#include "engine.h"

static bool present(void)
{
        unsigned major = 0, minor = 0;

        assert_int_equal(sscanf(crypto_library_version(engine), "OpenSSL %u.%u", &major, &minor), 2);
        return major > 3 || (major == 3 && minor >= 5);
}

static const struct {
        uint64_t type, set;
        size_t public_n, signature_n;
} sets[] = {
        { CKK_ML_DSA, CKP_ML_DSA_44, 1312, 2420 },          { CKK_ML_DSA, CKP_ML_DSA_65, 1952, 3309 },
        { CKK_ML_DSA, CKP_ML_DSA_87, 2592, 4627 },          { CKK_SLH_DSA, CKP_SLH_DSA_SHA2_128F, 32, 17088 },
        { CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_192F, 48, 35664 }, { CKK_SLH_DSA, CKP_SLH_DSA_SHA2_256F, 64, 49856 },
};
#define SETS (sizeof(sets) / sizeof(sets[0]))

static void rows_are_offered_where_libcrypto_has_them(void **state)
{
        const struct crypto_mechanism *m;
        size_t all = 0, offered = 0, newer = 0;

        (void)state;
        for (size_t i = 0; (m = crypto_mechanism_row(i)); i++, all++) {
                bool here = !crypto_mechanism_since(m) || present();

                newer += crypto_mechanism_since(m) != NULL;
                assert_int_equal(crypto_mechanism_offered(m), here);
                assert_ptr_equal(crypto_mechanism_find(crypto_mechanism_number(m)), here ? m : NULL);
        }
        while ((m = crypto_mechanism_at(offered))) {
                assert_true(crypto_mechanism_offered(m));
                offered++;
        }
        assert_true(newer >= 26);
        assert_int_equal(offered, present() ? all : all - newer);
}

static bool generate(size_t i, struct crypto_key **priv, struct crypto_key **pub, struct err *err)
{
        struct crypto_key_spec spec = { .key_type = sets[i].type, .parameter_set = sets[i].set };

        *err = ERR_INIT;
        return crypto_key_pair_generate(engine, &spec, priv, pub, err);
}

static void signs(struct crypto_key *priv, struct crypto_key *pub, uint64_t mechanism, struct ck_mech_param p,
                  struct slice data, size_t signature_n)
{
        const struct crypto_mechanism *m = crypto_mechanism_find(mechanism);
        uint8_t *signature = malloc(signature_n), *again = malloc(signature_n);
        size_t n = signature_n;
        struct ck_mech_param other = p;
        struct err err = ERR_INIT;

        assert_non_null(m);
        assert_true(crypto_operation_check(m, CRYPTO_SIGN, priv, &p, &err));
        assert_int_equal(crypto_output_max(m, CRYPTO_SIGN, priv, &p, data.n), signature_n);
        assert_true(crypto_sign(engine, m, &p, priv, data, signature, &n, &err));
        assert_int_equal(n, signature_n);
        assert_true(crypto_verify(engine, m, &p, pub, data, slice_of(signature, n), &err));
        assert_true(crypto_sign(engine, m, &p, priv, data, again, &n, &err));
        assert_int_equal(memcmp(signature, again, n) == 0, p.u.context.hedge == CKH_DETERMINISTIC_REQUIRED);
        other.present = true;
        other.u.context.context = SLICE_LIT("another context");
        assert_false(crypto_verify(engine, m, &other, pub, data, slice_of(signature, n), &err));
        assert_int_equal(err.id, ERR_SIGNATURE);
        signature[n / 2] ^= 1;
        assert_false(crypto_verify(engine, m, &p, pub, data, slice_of(signature, n), &err));
        assert_int_equal(err.id, ERR_SIGNATURE);
        assert_false(crypto_verify(engine, m, &p, pub, data, slice_of(signature, n - 1), &err));
        assert_int_equal(err.id, ERR_SIGNATURE_LEN);
        free(signature);
        free(again);
}

static struct ck_mech_param param_of(enum ck_param_kind kind, uint32_t hedge, struct slice context)
{
        struct ck_mech_param p = { .kind = kind, .present = true };

        p.u.context.hedge = hedge;
        p.u.context.context = context;
        return p;
}

/* Pure, with a context, without chance; of a hash made here or outside. */
static void every_way_to_sign(struct crypto_key *priv, struct crypto_key *pub, size_t i)
{
        static const uint64_t ml[] = { CKM_ML_DSA,
                                       CKM_HASH_ML_DSA_SHA224,
                                       CKM_HASH_ML_DSA_SHA512,
                                       CKM_HASH_ML_DSA_SHA3_256,
                                       CKM_HASH_ML_DSA_SHAKE128,
                                       CKM_HASH_ML_DSA_SHAKE256,
                                       CKM_HASH_ML_DSA },
                              slh[] = { CKM_SLH_DSA,
                                        CKM_HASH_SLH_DSA_SHA224,
                                        CKM_HASH_SLH_DSA_SHA512,
                                        CKM_HASH_SLH_DSA_SHA3_256,
                                        CKM_HASH_SLH_DSA_SHAKE128,
                                        CKM_HASH_SLH_DSA_SHAKE256,
                                        CKM_HASH_SLH_DSA };
        const uint64_t *mechanisms = sets[i].type == CKK_ML_DSA ? ml : slh;
        struct ck_mech_param none = { 0 }, outside;
        struct err err = ERR_INIT;
        uint8_t out[1];
        size_t n = 0;

        signs(priv, pub, mechanisms[0], none, SLICE_LIT("pure"), sets[i].signature_n);
        for (size_t k = 0; k < 6; k++)
                signs(priv, pub, mechanisms[k],
                      param_of(CK_PARAM_CONTEXT, CKH_DETERMINISTIC_REQUIRED, SLICE_LIT("context")),
                      SLICE_LIT("data"), sets[i].signature_n);
        outside = param_of(CK_PARAM_CONTEXT_HASH, CKH_HEDGE_REQUIRED, SLICE_EMPTY);
        outside.u.context.hash = CKM_SHA256;
        signs(priv, pub, mechanisms[6], outside, SLICE_LIT("thirty-two bytes of some digest."),
              sets[i].signature_n);
        assert_false(crypto_sign(engine, crypto_mechanism_find(mechanisms[6]), &outside, priv,
                                 SLICE_LIT("too short"), out, &n, &err));
        assert_int_equal(err.id, ERR_DATA_LEN);
        outside.u.context.hash = CKM_MD5;
        assert_false(
            crypto_operation_check(crypto_mechanism_find(mechanisms[6]), CRYPTO_SIGN, priv, &outside, &err));
        assert_int_equal(err.id, ERR_MECHANISM_PARAM);
        none = param_of(CK_PARAM_CONTEXT, 3, SLICE_EMPTY);
        assert_false(
            crypto_operation_check(crypto_mechanism_find(mechanisms[0]), CRYPTO_SIGN, priv, &none, &err));
        assert_int_equal(err.id, ERR_MECHANISM_PARAM);
}

/* Material and parts go out, come in, and are the same key. */
static void goes_out_and_in(struct crypto_key *priv, struct crypto_key *pub, size_t i)
{
        static const uint64_t attributes[] = { CKA_PARAMETER_SET, CKA_VALUE, CKA_SEED };
        struct sec *material = crypto_key_material(priv, NULL), *back;
        struct crypto_key *again;
        struct buf parts[3] = { BUF_INIT, BUF_INIT, BUF_INIT };
        struct crypto_component list[3];
        struct err err = ERR_INIT;
        bool seeded;

        assert_non_null(material);
        assert_true(crypto_key_open(engine, CRYPTO_PRIVATE, sets[i].type, sec_slice(material), &again, &err));
        crypto_key_unref(&again);
        assert_true(crypto_key_component(pub, CKA_VALUE, &parts[1], &err));
        assert_int_equal(parts[1].n, sets[i].public_n);
        assert_false(crypto_key_component(pub, CKA_SEED, &parts[2], &err));
        for (int private = 0; private < 2; private ++) {
                for (size_t k = 0; k < 3; k++)
                        buf_reset(&parts[k]);
                for (size_t k = 0; k < 2; k++)
                        assert_true(
                            crypto_key_component(private ? priv : pub, attributes[k], &parts[k], &err));
                seeded = crypto_key_component(private ? priv : pub, CKA_SEED, &parts[2], &err);
                assert_int_equal(seeded, private && sets[i].type == CKK_ML_DSA);
                for (size_t k = 0; k < 3; k++)
                        list[k] = (struct crypto_component){ attributes[k], buf_slice(&parts[k]) };
                assert_true(crypto_key_import(engine, private ? CRYPTO_PRIVATE : CRYPTO_PUBLIC, sets[i].type,
                                              list, seeded ? 3 : 2, &again, &err));
                if (private) {
                        back = crypto_key_material(again, &err);
                        assert_true(slice_equal(sec_slice(back), sec_slice(material)));
                        sec_free(&back);
                }
                crypto_key_unref(&again);
                list[1].value.n--;
                assert_false(crypto_key_import(engine, private ? CRYPTO_PRIVATE : CRYPTO_PUBLIC, sets[i].type,
                                               list, 2, &again, &err));
                assert_int_equal(err.id, ERR_ATTRIBUTE_VALUE);
        }
        sec_free(&material);
        for (size_t k = 0; k < 3; k++)
                buf_clear(&parts[k]);
}

static void keys_are_made_and_sign(void **state)
{
        struct crypto_key *priv = NULL, *pub = NULL;
        struct err err;

        (void)state;
        for (size_t i = 0; i < SETS; i++) {
                assert_int_equal(generate(i, &priv, &pub, &err), present());
                if (!present()) {
                        assert_int_equal(err.id, ERR_CRYPTO);
                        assert_null(priv);
                        continue;
                }
                assert_int_equal(crypto_key_bits(pub), sets[i].public_n * 8);
                goes_out_and_in(priv, pub, i);
                every_way_to_sign(priv, pub, i);
                crypto_key_unref(&priv);
                crypto_key_unref(&pub);
        }
}

static void unknown_sets_and_absent_parts_are_refused(void **state)
{
        struct crypto_key_spec spec = { .key_type = CKK_ML_DSA, .parameter_set = 4 };
        uint8_t number[8] = { 0, 0, 0, 0, 0, 0, 0, 13 };
        struct crypto_component list[] = { { CKA_PARAMETER_SET, slice_of(number, 8) },
                                           { CKA_VALUE, SLICE_LIT("value") } };
        struct crypto_key *priv, *pub;
        struct err err = ERR_INIT;

        (void)state;
        assert_false(crypto_key_pair_generate(engine, &spec, &priv, &pub, &err));
        assert_int_equal(err.id, ERR_PARAMETER_SET);
        assert_false(crypto_key_import(engine, CRYPTO_PUBLIC, CKK_SLH_DSA, list, 2, &pub, &err));
        assert_int_equal(err.id, ERR_PARAMETER_SET);
        number[7] = 1;
        assert_false(crypto_key_import(engine, CRYPTO_PUBLIC, CKK_SLH_DSA, list, 1, &pub, &err));
        assert_int_equal(err.id, ERR_TEMPLATE_INCOMPLETE);
        assert_false(crypto_key_import(engine, CRYPTO_PUBLIC, CKK_SLH_DSA, list + 1, 1, &pub, &err));
        assert_int_equal(err.id, ERR_TEMPLATE_INCOMPLETE);
        assert_false(crypto_key_import(engine, CRYPTO_PUBLIC, CKK_SLH_DSA, list, 2, &pub, &err));
        assert_int_equal(err.id, ERR_ATTRIBUTE_VALUE);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(rows_are_offered_where_libcrypto_has_them),
                cmocka_unit_test(keys_are_made_and_sign),
                cmocka_unit_test(unknown_sets_and_absent_parts_are_refused),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, engine_open, engine_close);
}
