#include "test.h"
#include "base/err.h"

static void every_reason_has_its_words(void **state)
{
        (void)state;
        for (int i = ERR_NONE; i < ERR_COUNT; i++) {
                const struct err_row *row = err_row((enum err_id)i);

                assert_non_null(row->name);
                assert_non_null(row->text);
                assert_true(i == ERR_NONE || (row->ckr != 0 && (row->exit_code == 1 || row->exit_code == 2)));
                for (int k = 0; k < i; k++)
                        assert_string_not_equal(row->name, err_row((enum err_id)k)->name);
        }
        assert_ptr_equal(err_row((enum err_id)9999), err_row(ERR_INTERNAL));
}

static void words_are_added_and_cut_but_never_overflow(void **state)
{
        struct err err = ERR_INIT;
        char longest[2000];

        (void)state;
        assert_int_equal(err_ckr(&err), 0);
        assert_false(err_set(&err, ERR_KEY_HANDLE, "key %d is absent", 7));
        assert_false(err_prefix(&err, "command '%s'", "sign"));
        assert_string_equal(err.detail, "command 'sign': key 7 is absent");
        assert_int_equal(err_ckr(&err), 0x60);
        memset(longest, 'x', sizeof(longest) - 1);
        longest[sizeof(longest) - 1] = '\0';
        err_set(&err, ERR_DATA, "%s", longest);
        assert_int_equal(strlen(err.detail), ERR_DETAIL_MAX - 1);
        err_prefix(&err, "%s", longest);
        assert_int_equal(strlen(err.detail), ERR_DETAIL_MAX - 1);
        assert_false(err_set(NULL, ERR_DATA, "nobody listens"));
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(every_reason_has_its_words),
                                            cmocka_unit_test(words_are_added_and_cut_but_never_overflow) };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
