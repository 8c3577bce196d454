/* Canonical values: both ways, every length checked, hostile ones refused. */
#include "ck/encoding.h"
#include <stdarg.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

static bool from_native(uint64_t type, const void *p, size_t n, struct buf *out, enum err_id *id)
{
        struct err err = ERR_INIT;
        CK_BYTE copy[4096];
        assert_true(n <= sizeof(copy));
        if (p)
                memcpy(copy, p, n);
        CK_ATTRIBUTE a = { type, p ? copy : NULL, n };
        bool ok = ck_value_from_native(&a, out, &err);
        if (id)
                *id = err.id;
        return ok;
}

static void expect_encoding(uint64_t type, const void *p, size_t n, struct slice canonical)
{
        struct buf out = BUF_INIT;
        struct err err = ERR_INIT;
        CK_BYTE back[4096];
        assert_true(from_native(type, p, n, &out, NULL));
        assert_int_equal(out.n, canonical.n);
        assert_true(slice_equal(buf_slice(&out), canonical));
        assert_true(ck_value_check(type, buf_slice(&out), &err));
        CK_ATTRIBUTE ask = { type, NULL, 12345 };
        assert_true(ck_value_to_native(buf_slice(&out), &ask, &err));
        assert_int_equal(ask.ulValueLen, n);
        CK_ATTRIBUTE a = { type, back, sizeof(back) };
        assert_true(ck_value_to_native(buf_slice(&out), &a, &err));
        assert_int_equal(a.ulValueLen, n);
        if (n)
                assert_memory_equal(back, p, n);
        buf_clear(&out);
}

static void expect_refusal(uint64_t type, const void *p, size_t n, enum err_id expected)
{
        struct buf out = BUF_INIT;
        enum err_id id;
        buf_put_u8(&out, 9);
        assert_false(from_native(type, p, n, &out, &id));
        assert_int_equal(id, expected);
        assert_int_equal(out.n, 1);
        buf_clear(&out);
}

static void test_plain_values_round_trip(void **state)
{
        CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
        CK_ULONG type = CKK_AES, all_ones = CK_UNAVAILABLE_INFORMATION;
        (void)state;
        expect_encoding(CKA_TOKEN, &yes, 1, SLICE_LIT("\x01"));
        expect_encoding(CKA_TOKEN, &no, 1, SLICE_LIT("\x00"));
        expect_encoding(CKA_KEY_TYPE, &type, sizeof(type), SLICE_LIT("\0\0\0\0\0\0\0\x1f"));
        expect_encoding(CKA_KEY_GEN_MECHANISM, &all_ones, sizeof(all_ones),
                        SLICE_LIT("\xff\xff\xff\xff\xff\xff\xff\xff"));
        expect_encoding(CKA_LABEL, "key", 3, SLICE_LIT("key"));
        expect_encoding(CKA_LABEL, NULL, 0, SLICE_EMPTY);
        expect_encoding(CKA_START_DATE, "20261123", 8, SLICE_LIT("20261123"));
        expect_encoding(CKA_START_DATE, NULL, 0, SLICE_EMPTY);
        expect_encoding(CKA_MODULUS, "\x00\xff\x01", 3, SLICE_LIT("\x00\xff\x01"));
}

static void test_mechanism_list_round_trips(void **state)
{
        CK_MECHANISM_TYPE list[] = { CKM_AES_GCM, CKM_CLOUDHSM_AES_GCM };
        (void)state;
        expect_encoding(CKA_ALLOWED_MECHANISMS, list, sizeof(list),
                        SLICE_LIT("\0\0\0\0\0\0\x10\x87\0\0\0\0\x80\0\x10\x87"));
        expect_encoding(CKA_ALLOWED_MECHANISMS, NULL, 0, SLICE_EMPTY);
}

static void test_native_lengths_are_checked(void **state)
{
        CK_BYTE bytes[2048] = { 2, 0 };
        (void)state;
        expect_refusal(CKA_TOKEN, bytes, 1, ERR_ATTRIBUTE_VALUE);
        expect_refusal(CKA_TOKEN, bytes + 1, 2, ERR_ATTRIBUTE_VALUE);
        expect_refusal(CKA_TOKEN, NULL, 0, ERR_ATTRIBUTE_VALUE);
        expect_refusal(CKA_TOKEN, NULL, 1, ERR_ATTRIBUTE_VALUE);
        for (size_t n = 0; n < 20; n++) {
                if (n != sizeof(CK_ULONG))
                        expect_refusal(CKA_CLASS, bytes, n, ERR_ATTRIBUTE_VALUE);
                if (n % sizeof(CK_ULONG) != 0)
                        expect_refusal(CKA_ALLOWED_MECHANISMS, bytes, n, ERR_ATTRIBUTE_VALUE);
                if (n % sizeof(CK_ATTRIBUTE) != 0)
                        expect_refusal(CKA_WRAP_TEMPLATE, bytes, n, ERR_ATTRIBUTE_VALUE);
        }
        expect_refusal(CKA_CLASS, NULL, sizeof(CK_ULONG), ERR_ATTRIBUTE_VALUE);
        expect_refusal(CKA_LABEL, NULL, 4, ERR_ATTRIBUTE_VALUE);
        expect_refusal(CKA_LABEL, bytes, 1025, ERR_ATTRIBUTE_VALUE);
        expect_refusal(0x7fff, bytes, 1, ERR_ATTRIBUTE_TYPE);
        expect_refusal(CKA_PRIME, bytes, 1,
                       ERR_TEMPLATE_INCONSISTENT); /* of PKCS#11, but of no object here */
}

static void test_no_template_says_a_thing_twice(void **state)
{
        CK_BBOOL no = CK_FALSE, yes_too = CK_TRUE;
        CK_ATTRIBUTE inner[] = { { CKA_EXTRACTABLE, &no, 1 }, { CKA_EXTRACTABLE, &yes_too, 1 } };
        struct slice wanted = SLICE_LIT("\0\0\x01\x62\0\0\0\x01\0\0\0\x01\x03\0\0\0\x01\x01");
        struct buf out = BUF_INIT;
        (void)state;
        expect_refusal(CKA_UNWRAP_TEMPLATE, inner, sizeof(inner), ERR_TEMPLATE_INCONSISTENT);
        inner[1].type = CKA_SENSITIVE;
        assert_true(from_native(CKA_UNWRAP_TEMPLATE, inner, sizeof(inner), &out, NULL));
        assert_true(slice_equal(buf_slice(&out), wanted));
        buf_clear(&out);
}

static void test_unavailable_length_is_refused(void **state)
{
        static const uint64_t types[] = { CKA_TOKEN,         CKA_CLASS,     CKA_LABEL, CKA_ALLOWED_MECHANISMS,
                                          CKA_WRAP_TEMPLATE, CKA_START_DATE };
        CK_BYTE byte = 0;
        (void)state;
        for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
                struct err err = ERR_INIT;
                struct buf out = BUF_INIT;
                CK_ATTRIBUTE a = { types[i], &byte, CK_UNAVAILABLE_INFORMATION };
                assert_false(ck_value_from_native(&a, &out, &err));
                assert_int_equal(err.id, ERR_ATTRIBUTE_VALUE);
                assert_int_equal(out.n, 0);
        }
}

static void test_dates(void **state)
{
        static const char *bad[] = { "2026112",  "202611233", "2026-1-3", "20261323",
                                     "20260023", "20261100",  "20261132", "2026112a" };
        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                expect_refusal(CKA_END_DATE, bad[i], strlen(bad[i]), ERR_ATTRIBUTE_VALUE);
}

static CK_BBOOL yes = CK_TRUE;
static CK_ULONG aes = CKK_AES;
static CK_BYTE label[] = "abc";

/* u32 type, u32 length, value: SIGN true, KEY_TYPE AES, LABEL abc */
static const char canonical_template[] = "\0\0\x01\x08\0\0\0\x01\x01"
                                         "\0\0\x01\x00\0\0\0\x08\0\0\0\0\0\0\0\x1f"
                                         "\0\0\0\x03\0\0\0\x03"
                                         "abc";

static struct slice template_slice(void)
{
        return slice_of(canonical_template, sizeof(canonical_template) - 1);
}

static void test_template_from_native(void **state)
{
        CK_ATTRIBUTE inner[] = { { CKA_SIGN, &yes, 1 },
                                 { CKA_KEY_TYPE, &aes, sizeof(aes) },
                                 { CKA_LABEL, label, 3 } };
        CK_ATTRIBUTE a = { CKA_UNWRAP_TEMPLATE, inner, sizeof(inner) };
        struct buf out = BUF_INIT;
        struct err err = ERR_INIT;
        (void)state;
        assert_true(ck_value_from_native(&a, &out, &err));
        assert_true(slice_equal(buf_slice(&out), template_slice()));
        buf_clear(&out);
}

static void test_template_to_native(void **state)
{
        CK_BBOOL flag = 7;
        CK_ULONG number = 7;
        CK_ATTRIBUTE inner[3] = { { 0, &flag, 1 }, { 0, &number, sizeof(number) }, { 0, NULL, 0 } };
        CK_ATTRIBUTE a = { CKA_UNWRAP_TEMPLATE, NULL, 0 };
        struct err err = ERR_INIT;
        (void)state;
        assert_true(ck_value_to_native(template_slice(), &a, &err));
        assert_int_equal(a.ulValueLen, sizeof(inner));
        a.pValue = inner;
        assert_true(ck_value_to_native(template_slice(), &a, &err));
        assert_int_equal(inner[0].type, CKA_SIGN);
        assert_int_equal(flag, CK_TRUE);
        assert_int_equal(number, CKK_AES);
        assert_int_equal(inner[2].type, CKA_LABEL);
        assert_int_equal(inner[2].ulValueLen, 3);
        a.ulValueLen = sizeof(inner) - 1;
        assert_false(ck_value_to_native(template_slice(), &a, &err));
        assert_int_equal(err.id, ERR_BUFFER_SMALL);
        assert_true(a.ulValueLen == CK_UNAVAILABLE_INFORMATION);
}

static void test_inner_buffer_too_small(void **state)
{
        CK_BYTE small[2] = { 1, 2 };
        CK_ATTRIBUTE inner[3] = { { 0, NULL, 0 }, { 0, NULL, 0 }, { 0, small, 2 } };
        CK_ATTRIBUTE a = { CKA_UNWRAP_TEMPLATE, inner, sizeof(inner) };
        struct err err = ERR_INIT;
        (void)state;
        assert_false(ck_value_to_native(template_slice(), &a, &err));
        assert_int_equal(err.id, ERR_BUFFER_SMALL);
        assert_int_equal(inner[0].ulValueLen, 1);
        assert_true(inner[2].ulValueLen == CK_UNAVAILABLE_INFORMATION);
        assert_int_equal(small[0], 1);
}

static void test_template_in_template_is_refused(void **state)
{
        CK_ATTRIBUTE deep = { CKA_SIGN, &yes, 1 };
        CK_ATTRIBUTE inner = { CKA_WRAP_TEMPLATE, &deep, sizeof(deep) };
        struct buf nested = BUF_INIT;
        struct err err = ERR_INIT;
        (void)state;
        expect_refusal(CKA_UNWRAP_TEMPLATE, &inner, sizeof(inner), ERR_ATTRIBUTE_VALUE);
        ck_template_put(&nested, CKA_WRAP_TEMPLATE, SLICE_EMPTY);
        assert_false(ck_value_check(CKA_UNWRAP_TEMPLATE, buf_slice(&nested), &err));
        assert_int_equal(err.id, ERR_ATTRIBUTE_VALUE);
        buf_clear(&nested);
}

static void test_cut_template_is_refused_at_every_byte(void **state)
{
        struct slice whole = template_slice();
        (void)state;
        for (size_t n = 0; n < whole.n; n++) {
                struct err err = ERR_INIT;
                bool boundary = n == 0 || n == 9 || n == 25;
                assert_int_equal(ck_value_check(CKA_WRAP_TEMPLATE, slice_of(whole.p, n), &err), boundary);
        }
}

static void test_hostile_templates_are_refused(void **state)
{
        struct buf many = BUF_INIT;
        struct err err = ERR_INIT;
        (void)state;
        assert_false(ck_value_check(CKA_WRAP_TEMPLATE,
                                    SLICE_LIT("\0\0\0\x03\xff\xff\xff\xff"
                                              "a"),
                                    &err));
        assert_int_equal(err.id, ERR_ATTRIBUTE_VALUE);
        assert_false(ck_value_check(CKA_WRAP_TEMPLATE, SLICE_LIT("\0\0\x7f\xff\0\0\0\0"), &err));
        assert_int_equal(err.id, ERR_ATTRIBUTE_TYPE);
        assert_false(ck_value_check(CKA_WRAP_TEMPLATE, SLICE_LIT("\0\0\x01\x08\0\0\0\x01\x02"), &err));
        for (size_t i = 0; i <= CK_TEMPLATE_MAX_ENTRIES; i++)
                ck_template_put(&many, CKA_LABEL, SLICE_EMPTY);
        assert_false(ck_value_check(CKA_WRAP_TEMPLATE, buf_slice(&many), &err));
        assert_false(ck_value_check(CKA_WRAP_TEMPLATE, slice_of(many.p, 16), &err)); /* twice is too often */
        assert_true(ck_value_check(CKA_WRAP_TEMPLATE, slice_of(many.p, 8), &err));
        buf_clear(&many);
}

static void test_bad_canonical_values_do_not_reach_the_caller(void **state)
{
        CK_BYTE room[16] = { 0 };
        struct err err = ERR_INIT;
        CK_ATTRIBUTE a = { CKA_TOKEN, room, sizeof(room) };
        (void)state;
        assert_false(ck_value_to_native(SLICE_LIT("\x02"), &a, &err));
        assert_true(a.ulValueLen == CK_UNAVAILABLE_INFORMATION);
        a = (CK_ATTRIBUTE){ CKA_CLASS, room, sizeof(room) };
        assert_false(ck_value_to_native(SLICE_LIT("\0\0\0\x02"), &a, &err));
        a = (CK_ATTRIBUTE){ CKA_CLASS, room, 7 };
        assert_false(ck_value_to_native(SLICE_LIT("\0\0\0\0\0\0\0\x02"), &a, &err));
        assert_int_equal(err.id, ERR_BUFFER_SMALL);
        a = (CK_ATTRIBUTE){ 0x7fff, room, sizeof(room) };
        assert_false(ck_value_to_native(SLICE_LIT("a"), &a, &err));
        assert_int_equal(err.id, ERR_ATTRIBUTE_TYPE);
}

static void test_small_readers(void **state)
{
        bool flag = true;
        uint64_t number = 5;
        struct buf out = BUF_INIT;
        (void)state;
        ck_value_put_bool(&out, false);
        assert_true(ck_value_bool(buf_slice(&out), &flag));
        assert_false(flag);
        buf_reset(&out);
        ck_value_put_number(&out, UINT64_MAX - 1);
        assert_true(ck_value_number(buf_slice(&out), &number));
        assert_true(number == UINT64_MAX - 1);
        assert_false(ck_value_number(slice_of(out.p, 7), &number));
        assert_false(ck_value_bool(SLICE_LIT("\x02"), &flag));
        assert_false(ck_value_bool(SLICE_EMPTY, &flag));
        assert_true(number == UINT64_MAX - 1);
        buf_clear(&out);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plain_values_round_trip),
                cmocka_unit_test(test_mechanism_list_round_trips),
                cmocka_unit_test(test_native_lengths_are_checked),
                cmocka_unit_test(test_no_template_says_a_thing_twice),
                cmocka_unit_test(test_unavailable_length_is_refused),
                cmocka_unit_test(test_dates),
                cmocka_unit_test(test_template_from_native),
                cmocka_unit_test(test_template_to_native),
                cmocka_unit_test(test_inner_buffer_too_small),
                cmocka_unit_test(test_template_in_template_is_refused),
                cmocka_unit_test(test_cut_template_is_refused_at_every_byte),
                cmocka_unit_test(test_hostile_templates_are_refused),
                cmocka_unit_test(test_bad_canonical_values_do_not_reach_the_caller),
                cmocka_unit_test(test_small_readers),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
