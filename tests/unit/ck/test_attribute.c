/* The rows of attributes are in order, agree with the names, and keep their own rules. */
#include "ck/attribute.h"
#include "ck/encoding.h"
#include "ck/names.h"
#include <stdarg.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

static void test_rows_ascend_and_are_found(void **state)
{
        const struct ck_attribute_row *row;
        uint64_t last = 0;
        size_t i;
        (void)state;
        for (i = 0; (row = ck_attribute_at(i)) != NULL; i++) {
                assert_true(i == 0 || row->type > last);
                assert_ptr_equal(ck_attribute_find(row->type), row);
                assert_non_null(ck_name(CK_KIND_ATTRIBUTE, row->type));
                assert_string_equal(ck_name(CK_KIND_ATTRIBUTE, row->type), row->name);
                last = row->type;
        }
        assert_true(i > 50);
        assert_null(ck_attribute_find(512));
        assert_null(ck_attribute_find(UINT64_MAX));
}

static void test_rows_keep_their_rules(void **state)
{
        const struct ck_attribute_row *row;
        (void)state;
        for (size_t i = 0; (row = ck_attribute_at(i)) != NULL; i++) {
                bool list = row->value == CK_VALUE_TEMPLATE || row->value == CK_VALUE_MECHANISMS;
                assert_true(row->classes != 0 && (row->classes & ~CK_ON_ALL) == 0);
                assert_true((row->may & ~CK_IN_ALL) == 0);
                assert_true((row->must & ~row->may) == 0);
                assert_true(row->read_only == (row->may == 0));
                assert_false(row->read_only && (row->change != CK_CHANGE_NO || row->copy != CK_CHANGE_NO));
                assert_true((row->must_on & ~row->classes) == 0 && (row->must || !row->must_on));
                assert_int_equal(row->change == CK_CHANGE_OFFICER, row->type == CKA_TRUSTED);
                if (row->copy == CK_CHANGE_OWNER_LESS || row->copy == CK_CHANGE_OWNER_MORE)
                        assert_true(list);
                assert_int_equal(list, (row->type & CKF_ARRAY_ATTRIBUTE) != 0);
                assert_true(row->max > 0 && row->max <= CK_VALUE_MAX);
                if (row->change == CK_CHANGE_OWNER_SET || row->change == CK_CHANGE_OWNER_CLEAR)
                        assert_int_equal(row->value, CK_VALUE_BOOL);
                if (row->value == CK_VALUE_BOOL)
                        assert_int_equal(row->max, 1);
                if (row->value == CK_VALUE_ULONG || row->value == CK_VALUE_DATE)
                        assert_int_equal(row->max, 8);
        }
}

static void test_secrets_are_marked(void **state)
{
        static const uint64_t secrets[] = { CKA_VALUE,       CKA_PRIVATE_EXPONENT,
                                            CKA_PRIME_1,     CKA_PRIME_2,
                                            CKA_EXPONENT_1,  CKA_EXPONENT_2,
                                            CKA_COEFFICIENT, CKA_SEED };
        const struct ck_attribute_row *row;
        size_t n = 0;
        (void)state;
        for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
                assert_true(ck_attribute_find(secrets[i])->secret);
        for (size_t i = 0; (row = ck_attribute_at(i)) != NULL; i++)
                n += row->secret;
        assert_int_equal(n, sizeof(secrets) / sizeof(secrets[0]));
}

static void test_who_may_change(void **state)
{
        (void)state;
        assert_int_equal(ck_attribute_find(CKA_TRUSTED)->change, CK_CHANGE_OFFICER);
        assert_int_equal(ck_attribute_find(CKA_SENSITIVE)->change, CK_CHANGE_OWNER_SET);
        assert_int_equal(ck_attribute_find(CKA_TOKEN)->change, CK_CHANGE_OWNER_SET);
        assert_int_equal(ck_attribute_find(CKA_WRAP_WITH_TRUSTED)->change, CK_CHANGE_OWNER_SET);
        assert_int_equal(ck_attribute_find(CKA_EXTRACTABLE)->change, CK_CHANGE_OWNER_CLEAR);
        assert_int_equal(ck_attribute_find(CKA_COPYABLE)->change, CK_CHANGE_OWNER_CLEAR);
        assert_int_equal(ck_attribute_find(CKA_CLASS)->change, CK_CHANGE_NO);
        assert_int_equal(ck_attribute_find(CKA_MODULUS)->change, CK_CHANGE_NO);
        assert_int_equal(ck_attribute_find(CKA_ID)->change, CK_CHANGE_OWNER);
        assert_true(ck_attribute_find(CKA_LOCAL)->read_only);
        assert_true(ck_attribute_find(CKA_CLOUDHSM_KCV)->read_only);
}

static void test_certificates_and_data_have_rules_of_their_own(void **state)
{
        (void)state;
        assert_int_equal(ck_attribute_change(ck_attribute_find(CKA_VALUE), CKO_CERTIFICATE), CK_CHANGE_OWNER);
        assert_int_equal(ck_attribute_change(ck_attribute_find(CKA_VALUE), CKO_DATA), CK_CHANGE_OWNER);
        assert_int_equal(ck_attribute_change(ck_attribute_find(CKA_VALUE), CKO_SECRET_KEY), CK_CHANGE_NO);
        assert_int_equal(ck_attribute_copy(ck_attribute_find(CKA_TOKEN), CKO_DATA), CK_CHANGE_OWNER);
        assert_int_equal(ck_attribute_copy(ck_attribute_find(CKA_TRUSTED), CKO_SECRET_KEY), CK_CHANGE_NO);
        assert_true(ck_attribute_needed(ck_attribute_find(CKA_SUBJECT), CK_ON_CERTIFICATE, CK_IN_CREATE));
        assert_false(ck_attribute_needed(ck_attribute_find(CKA_SUBJECT), CK_ON_PUBLIC, CK_IN_CREATE));
        assert_true(ck_attribute_needed(ck_attribute_find(CKA_CLASS), CK_ON_DATA, CK_IN_CREATE));
        assert_false(ck_attribute_needed(ck_attribute_find(CKA_CLASS), CK_ON_SECRET, CK_IN_GENERATE));
}

static void test_class_bits(void **state)
{
        (void)state;
        assert_int_equal(ck_attribute_class_bit(CKO_PUBLIC_KEY), CK_ON_PUBLIC);
        assert_int_equal(ck_attribute_class_bit(CKO_PRIVATE_KEY), CK_ON_PRIVATE);
        assert_int_equal(ck_attribute_class_bit(CKO_SECRET_KEY), CK_ON_SECRET);
        assert_int_equal(ck_attribute_class_bit(CKO_CERTIFICATE), CK_ON_CERTIFICATE);
        assert_int_equal(ck_attribute_class_bit(CKO_DATA), CK_ON_DATA);
        assert_int_equal(ck_attribute_class_bit(CKO_HW_FEATURE), 0);
        assert_int_equal(ck_attribute_class_bit(UINT64_MAX), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows_ascend_and_are_found),
                cmocka_unit_test(test_rows_keep_their_rules),
                cmocka_unit_test(test_secrets_are_marked),
                cmocka_unit_test(test_who_may_change),
                cmocka_unit_test(test_certificates_and_data_have_rules_of_their_own),
                cmocka_unit_test(test_class_bits),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
