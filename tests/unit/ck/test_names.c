/* Names and numbers belong to each other, both ways, and every number of the headers has its name. */
#include "ck/names.h"
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void test_rows_ascend_and_round_trip(void **state)
{
        (void)state;
        for (int kind = 0; kind < CK_KIND_COUNT; kind++) {
                uint64_t number, last = 0, back;
                const char *name;
                size_t i;
                for (i = 0; ck_name_at((enum ck_kind)kind, i, &number, &name); i++) {
                        assert_true(i == 0 || number > last);
                        assert_string_equal(ck_name((enum ck_kind)kind, number), name);
                        assert_true(ck_number((enum ck_kind)kind, name, &back));
                        assert_int_equal(back, number);
                        last = number;
                }
                assert_true(i > 5);
        }
}

static void test_known_names(void **state)
{
        uint64_t number = 0;
        (void)state;
        assert_string_equal(ck_name(CK_KIND_RETURN, 0xa0), "CKR_PIN_INCORRECT");
        assert_string_equal(ck_name(CK_KIND_MECHANISM, 0x1087), "CKM_AES_GCM");
        assert_string_equal(ck_name(CK_KIND_MECHANISM, 0x80001087), "CKM_CLOUDHSM_AES_GCM");
        assert_string_equal(ck_name(CK_KIND_ATTRIBUTE, 3), "CKA_LABEL");
        assert_string_equal(ck_name(CK_KIND_KEY_TYPE, 3), "CKK_EC");
        assert_string_equal(ck_name(CK_KIND_OBJECT_CLASS, 4), "CKO_SECRET_KEY");
        assert_string_equal(ck_name(CK_KIND_MECHANISM_FLAG, 0x800), "CKF_SIGN");
        assert_true(ck_number(CK_KIND_ATTRIBUTE, "CKA_WRAP_TEMPLATE", &number));
        assert_int_equal(number, 1073742353);
}

static void test_unknown_is_refused(void **state)
{
        uint64_t number = 77;
        const char *name = NULL;
        (void)state;
        assert_null(ck_name(CK_KIND_RETURN, 0x4));
        assert_null(ck_name(CK_KIND_MECHANISM, UINT64_MAX));
        assert_null(ck_name(CK_KIND_COUNT, 0));
        assert_false(ck_number(CK_KIND_MECHANISM, "CKM_AES", &number));
        assert_false(ck_number(CK_KIND_MECHANISM, "ckm_aes_gcm", &number));
        assert_false(ck_number(CK_KIND_RETURN, "CKM_AES_GCM", &number));
        assert_false(ck_number(CK_KIND_RETURN, NULL, &number));
        assert_false(ck_name_at(CK_KIND_RETURN, 100000, &number, &name));
        assert_int_equal(number, 77);
}

static int kind_of(const char *name)
{
        static const char *prefixes[] = {
                [CK_KIND_RETURN] = "CKR_",   [CK_KIND_MECHANISM] = "CKM_",    [CK_KIND_ATTRIBUTE] = "CKA_",
                [CK_KIND_KEY_TYPE] = "CKK_", [CK_KIND_OBJECT_CLASS] = "CKO_",
        };
        for (int kind = 0; kind <= CK_KIND_OBJECT_CLASS; kind++) {
                if (strncmp(name, prefixes[kind], 4) == 0)
                        return kind;
        }
        return -1;
}

/* Compares every "#define <name> 0x..." of a header with the rows. Returns how many it compared. */
static int compare_header(const char *file)
{
        char path[4096], line[512], name[128], value[128];
        int compared = 0;
        snprintf(path, sizeof(path), "%s/src/ck/%s", TEST_SOURCE_DIR, file);
        FILE *f = fopen(path, "r");
        assert_non_null(f);
        while (fgets(line, sizeof(line), f)) {
                uint64_t number;
                if (sscanf(line, "#define %127s %127s", name, value) != 2 || strncmp(value, "0x", 2) != 0 ||
                    kind_of(name) < 0)
                        continue;
                if (!ck_number((enum ck_kind)kind_of(name), name, &number)) {
                        print_error("'%s' has no row of its name\n", name);
                        fail();
                }
                assert_int_equal(number, strtoull(value, NULL, 16));
                compared++;
        }
        fclose(f);
        return compared;
}

static void test_every_number_of_the_headers_has_a_name(void **state)
{
        (void)state;
        assert_true(compare_header("cryptoki_mechanisms.h") > 250);
        assert_true(compare_header("cryptoki_numbers.h") > 250);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows_ascend_and_round_trip),
                cmocka_unit_test(test_known_names),
                cmocka_unit_test(test_unknown_is_refused),
                cmocka_unit_test(test_every_number_of_the_headers_has_a_name),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
