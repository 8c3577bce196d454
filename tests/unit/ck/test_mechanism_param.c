/* Flat mechanism parameters as a node reads them: one good form of each kind, and nothing else gets through.
 */
#include "ck/mechanism_param.h"
#include "ck/mechanism_param_rows.h"
#include "ck/names.h"
#include <stdarg.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#define W1     "\0\0\0\x01"
#define W2     "\0\0\0\x02"
#define ZERO   "\0\0\0\0"
#define SHA256 "\0\0\0\0\0\0\x02\x50"
#define HMAC   "\0\0\0\0\0\0\x02\x51"
#define AB                                                                                                   \
        "\0\0\0\x02"                                                                                         \
        "ab"
#define BYTES8 "12345678"

struct sample {
        uint64_t mechanism;
        struct slice flat;
};

/* Every field of one kind; where the flat form may end earlier is never inside it. */
#define SAMPLE(number, text)                                                                                 \
        {                                                                                                    \
                number,                                                                                      \
                {                                                                                            \
                        (const uint8_t *)(text), sizeof(text) - 1                                            \
                }                                                                                            \
        }
static const struct sample samples[] = {
        SAMPLE(CKM_SHA256_HMAC_GENERAL, "\0\0\0\x10"),
        SAMPLE(CKM_AES_CTR, "\0\0\0\x80" BYTES8 BYTES8),
        SAMPLE(CKM_AES_GCM, "\0\0\0\x0c" BYTES8 "9abc"
                            "\0\0\0\x60" AB "\0\0\0\x80"),
        SAMPLE(CKM_AES_CCM, "\0\0\0\x05" AB AB "\0\0\0\x10"),
        SAMPLE(CKM_CHACHA20, "\0\0\0\x04"
                             "1234" AB),
        SAMPLE(CKM_CHACHA20_POLY1305, AB AB),
        SAMPLE(CKM_RSA_PKCS_PSS, SHA256 W2 "\0\0\0\x20"),
        SAMPLE(CKM_RSA_PKCS_OAEP, SHA256 W2 W1 AB),
        SAMPLE(CKM_RSA_AES_KEY_WRAP, "\0\0\x01\0" SHA256 W2 W1 AB),
        SAMPLE(CKM_ECDH1_DERIVE, W1 ZERO AB),
        SAMPLE(CKM_EDDSA, "\x01" AB),
        SAMPLE(CKM_ML_DSA, W1 AB),
        SAMPLE(CKM_HASH_ML_DSA, W1 AB SHA256),
        SAMPLE(CKM_XOR_BASE_AND_DATA, AB),
        SAMPLE(CKM_AES_CBC_ENCRYPT_DATA, BYTES8 BYTES8 AB),
        SAMPLE(CKM_DES3_CBC_ENCRYPT_DATA, BYTES8 AB),
        SAMPLE(CKM_HKDF_DERIVE, "\x01\x01" SHA256 W2 AB AB),
        SAMPLE(CKM_PKCS5_PBKD2, "\0\0\0\x04"
                                "\0\0\x03\xe8" AB AB),
        SAMPLE(CKM_SP800_108_COUNTER_KDF, HMAC W2 "\0\0\0\x1a" W1 "\x01\0\0\0\0\x10\0\0\0\0"
                                                  "\0\0\0\x04\0"
                                                  "\0\0\0\x03"
                                                  "abc"),
        SAMPLE(CKM_SP800_108_FEEDBACK_KDF, HMAC AB W1 "\0\0\0\x09" W1 "\0" ZERO),
};
#define SAMPLES (sizeof(samples) / sizeof(samples[0]))

static struct slice sample_of(uint64_t mechanism)
{
        for (size_t i = 0; i < SAMPLES; i++) {
                if (samples[i].mechanism == mechanism)
                        return samples[i].flat;
        }
        return SLICE_EMPTY;
}

static bool decode(uint64_t mechanism, struct slice flat, struct ck_mech_param *p, enum err_id *id)
{
        struct err err = ERR_INIT;
        /* A copy of the exact size, so that a sanitizer sees every read past the end. */
        uint8_t *copy = (uint8_t *)test_malloc(flat.n + 1);
        memcpy(copy, flat.n ? flat.p : (const uint8_t *)"", flat.n);
        bool ok = ck_mech_param_decode(mechanism, slice_of(copy, flat.n), p, &err);
        *id = err.id;
        test_free(copy);
        return ok;
}

static void test_rows_ascend(void **state)
{
        (void)state;
        for (size_t i = 0; i < ck_mech_param_rows_n; i++) {
                const struct ck_mech_param_row *row = &ck_mech_param_rows[i];
                enum ck_param_kind kind;
                bool optional;
                assert_true(i == 0 || row->mechanism > row[-1].mechanism);
                assert_true(ck_mech_param_kind(row->mechanism, &kind, &optional));
                assert_int_equal(kind, row->kind);
                assert_int_equal(optional, row->optional);
                assert_non_null(ck_name(CK_KIND_MECHANISM, row->mechanism));
        }
}

static void test_unknown_mechanism(void **state)
{
        struct ck_mech_param p;
        enum ck_param_kind kind;
        enum err_id id;
        (void)state;
        assert_false(ck_mech_param_kind(0xdead, &kind, NULL));
        assert_false(decode(0xdead, SLICE_EMPTY, &p, &id));
        assert_int_equal(id, ERR_MECHANISM);
}

static void test_every_kind_is_read(void **state)
{
        uint32_t seen = 0;
        (void)state;
        for (size_t i = 0; i < SAMPLES; i++) {
                struct ck_mech_param p;
                enum err_id id;
                assert_true(decode(samples[i].mechanism, samples[i].flat, &p, &id));
                assert_true(p.present);
                seen |= 1u << p.kind;
        }
        seen |= 1u << CK_PARAM_NONE | 1u << CK_PARAM_IV | 1u << CK_PARAM_KEY;
        assert_int_equal(seen, (1u << (CK_PARAM_KDF108_FEEDBACK + 1)) - 1);
}

static void test_cut_anywhere_is_refused(void **state)
{
        (void)state;
        for (size_t i = 0; i < SAMPLES; i++) {
                enum ck_param_kind kind;
                bool optional;
                assert_true(ck_mech_param_kind(samples[i].mechanism, &kind, &optional));
                for (size_t n = optional ? 1 : 0; n < samples[i].flat.n; n++) {
                        struct ck_mech_param p;
                        enum err_id id;
                        assert_false(decode(samples[i].mechanism, slice_of(samples[i].flat.p, n), &p, &id));
                        assert_int_equal(id, ERR_MECHANISM_PARAM);
                        assert_false(p.present);
                }
        }
}

static void test_leftovers_are_refused(void **state)
{
        (void)state;
        for (size_t i = 0; i < SAMPLES; i++) {
                struct ck_mech_param p;
                enum err_id id;
                uint8_t longer[256] = { 0 };
                memcpy(longer, samples[i].flat.p, samples[i].flat.n);
                assert_false(decode(samples[i].mechanism, slice_of(longer, samples[i].flat.n + 1), &p, &id));
                assert_int_equal(id, ERR_MECHANISM_PARAM);
        }
}

/* Every byte set to 255 in turn: whatever happens, no read leaves the input and no length is believed. */
static void test_huge_lengths_do_no_harm(void **state)
{
        (void)state;
        for (size_t i = 0; i < SAMPLES; i++) {
                for (size_t at = 0; at < samples[i].flat.n; at++) {
                        struct ck_mech_param p;
                        enum err_id id;
                        uint8_t bad[256];
                        memcpy(bad, samples[i].flat.p, samples[i].flat.n);
                        bad[at] = 0xff;
                        bool ok = decode(samples[i].mechanism, slice_of(bad, samples[i].flat.n), &p, &id);
                        assert_int_equal(ok, p.present);
                        assert_int_equal(id, ok ? ERR_NONE : ERR_MECHANISM_PARAM);
                }
        }
}

static void test_fields(void **state)
{
        struct ck_mech_param p;
        struct err err = ERR_INIT;
        (void)state;
        assert_true(ck_mech_param_decode(CKM_AES_GCM, sample_of(CKM_AES_GCM), &p, &err));
        assert_int_equal(p.u.gcm.iv.n, 12);
        assert_int_equal(p.u.gcm.iv_bits, 96);
        assert_true(slice_equal(p.u.gcm.aad, SLICE_LIT("ab")));
        assert_int_equal(p.u.gcm.tag_bits, 128);
        assert_true(ck_mech_param_decode(CKM_RSA_PKCS_PSS, sample_of(CKM_RSA_PKCS_PSS), &p, &err));
        assert_int_equal(p.u.pss.hash, CKM_SHA256);
        assert_int_equal(p.u.pss.mgf, CKG_MGF1_SHA256);
        assert_int_equal(p.u.pss.salt_len, 32);
        assert_true(ck_mech_param_decode(CKM_RSA_AES_KEY_WRAP, sample_of(CKM_RSA_AES_KEY_WRAP), &p, &err));
        assert_int_equal(p.u.rsa_aes.aes_bits, 256);
        assert_true(slice_equal(p.u.rsa_aes.oaep.label, SLICE_LIT("ab")));
        assert_true(ck_mech_param_decode(CKM_HASH_ML_DSA, sample_of(CKM_HASH_ML_DSA), &p, &err));
        assert_int_equal(p.u.context.hash, CKM_SHA256);
}

static void test_kdf_pieces(void **state)
{
        struct ck_mech_param p;
        struct ck_kdf_piece piece;
        struct err err = ERR_INIT;
        (void)state;
        assert_true(
            ck_mech_param_decode(CKM_SP800_108_COUNTER_KDF, sample_of(CKM_SP800_108_COUNTER_KDF), &p, &err));
        assert_int_equal(p.u.kdf108.n, 2);
        struct reader r = reader_of(p.u.kdf108.pieces);
        assert_true(ck_kdf_piece_next(&r, &piece));
        assert_int_equal(piece.type, CK_SP800_108_ITERATION_VARIABLE);
        assert_true(piece.formatted);
        assert_false(piece.little_endian);
        assert_int_equal(piece.width, 16);
        assert_true(ck_kdf_piece_next(&r, &piece));
        assert_true(slice_equal(piece.bytes, SLICE_LIT("abc")));
        assert_false(ck_kdf_piece_next(&r, &piece));
        assert_true(reader_end(&r));
}

static void refused(uint64_t mechanism, struct slice flat)
{
        struct ck_mech_param p;
        enum err_id id;
        assert_false(decode(mechanism, flat, &p, &id));
        assert_int_equal(id, ERR_MECHANISM_PARAM);
}

static void test_impossible_values_are_refused(void **state)
{
        (void)state;
        refused(CKM_RSA_PKCS, SLICE_LIT("a"));                 /* takes none */
        refused(CKM_CONCATENATE_BASE_AND_KEY, SLICE_LIT("a")); /* its key goes beside */
        refused(CKM_AES_CBC, SLICE_EMPTY);                     /* needs an IV */
        refused(CKM_AES_GCM, SLICE_EMPTY);
        refused(CKM_EDDSA, SLICE_LIT("\x02" ZERO));                      /* flag neither 0 nor 1 */
        refused(CKM_RSA_PKCS_OAEP, SLICE_LIT(SHA256 W2 W2 ZERO));        /* unknown source */
        refused(CKM_RSA_PKCS_OAEP, SLICE_LIT(SHA256 W2 ZERO AB));        /* label without source */
        refused(CKM_HKDF_DERIVE, SLICE_LIT("\x01\x01" SHA256 W1 AB AB)); /* salt although none is said */
        refused(CKM_SP800_108_COUNTER_KDF, SLICE_LIT(HMAC W1 ZERO));     /* fewer pieces than said */
        refused(CKM_SP800_108_COUNTER_KDF, SLICE_LIT(HMAC ZERO "\0\0\0\x09" W1 "\0" ZERO)); /* more */
        refused(CKM_SP800_108_COUNTER_KDF,
                SLICE_LIT(HMAC W1 "\0\0\0\x09" W2 "\0" ZERO)); /* counter, no format */
        refused(CKM_SP800_108_COUNTER_KDF, SLICE_LIT(HMAC W1 "\0\0\0\x09\0\0\0\x05\0" ZERO)); /* key handle */
}

static void test_parameters_left_out(void **state)
{
        static const uint64_t without[] = { CKM_RSA_PKCS, CKM_AES_KEY_WRAP, CKM_EDDSA, CKM_ML_DSA,
                                            CKM_CONCATENATE_BASE_AND_KEY };
        struct ck_mech_param p;
        enum err_id id;
        (void)state;
        for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
                assert_true(decode(without[i], SLICE_EMPTY, &p, &id));
                assert_false(p.present);
        }
}

static void test_size_limit(void **state)
{
        uint8_t *big = (uint8_t *)test_calloc(1, CK_MECH_PARAM_MAX + 1);
        struct ck_mech_param p;
        struct err err = ERR_INIT;
        (void)state;
        assert_true(ck_mech_param_decode(CKM_AES_KEY_WRAP, slice_of(big, CK_MECH_PARAM_MAX), &p, &err));
        assert_false(ck_mech_param_decode(CKM_AES_KEY_WRAP, slice_of(big, CK_MECH_PARAM_MAX + 1), &p, &err));
        assert_int_equal(err.id, ERR_MECHANISM_PARAM);
        test_free(big);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows_ascend),
                cmocka_unit_test(test_unknown_mechanism),
                cmocka_unit_test(test_every_kind_is_read),
                cmocka_unit_test(test_cut_anywhere_is_refused),
                cmocka_unit_test(test_leftovers_are_refused),
                cmocka_unit_test(test_huge_lengths_do_no_harm),
                cmocka_unit_test(test_fields),
                cmocka_unit_test(test_kdf_pieces),
                cmocka_unit_test(test_impossible_values_are_refused),
                cmocka_unit_test(test_parameters_left_out),
                cmocka_unit_test(test_size_limit),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
