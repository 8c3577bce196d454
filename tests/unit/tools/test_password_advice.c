/* Which passwords are remarked on, and that the remark does not tell them. */
#include "test.h"
#include "tools/password_advice.h"

static const struct {
        const char *password, *user, *words; /* words NULL: nothing is said */
} samples[] = {
        { "password1234", "anna", "guessing begins with" },
        { "P@ssw0rd!2024", "anna", "guessing begins with" },
        { "__Welcome123", "anna", "guessing begins with" },
        { "user1234", "anna", "guessing begins with" },
        { "tenantadmin", "admin", "guessing begins with" },
        { "1111111111111", "anna", "pattern" },
        { "abababababab", "anna", "pattern" },
        { "987654321", "anna", "pattern" },
        { "klmnopqrs", "anna", "pattern" },
        { "xq7-Anna-vv2", "anna", "name" },
        { "Kx7!qq2w", "anna", "short" },
        { "correcthorsebatterystaple", "anna", "few kinds" },
        { "correct-horse-battery-9", "anna", NULL },
        { "vR7!mmQ2x_b9", "al", NULL },
};

static void weak_passwords_are_remarked_on(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
                char said[PASSWORD_ADVICE_MAX] = "";
                bool any = password_advice(slice_str(samples[i].password), samples[i].user, said);

                assert_int_equal(any, samples[i].words != NULL);
                if (any) {
                        assert_non_null(strstr(said, samples[i].words));
                        assert_null(strstr(said, samples[i].password));
                }
        }
}

static void the_list_is_lower_case_letters(void **state)
{
        const char *word;
        size_t n = 0;

        (void)state;
        for (; (word = password_common(n)); n++)
                assert_int_equal(strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789"), strlen(word));
        assert_true(n > 200);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(weak_passwords_are_remarked_on),
                cmocka_unit_test(the_list_is_lower_case_letters),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
