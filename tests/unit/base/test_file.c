#include "test.h"
#include "base/file.h"

#include <sys/stat.h>

static void files_are_replaced_whole(void **state)
{
        char *folder = scratch_make(), *path = file_join(folder, "f");
        struct buf text = BUF_INIT;
        struct err err = ERR_INIT;
        struct stat st;

        (void)state;
        assert_true(file_write(path, SLICE_LIT("one"), 0640, &err));
        assert_true(file_write(path, SLICE_LIT("two"), 0600, &err));
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_true(file_read(path, 3, &text, &err));
        assert_string_equal(buf_text(&text), "two");
        assert_false(file_read(path, 2, &text, &err));
        assert_non_null(strstr(err.detail, "larger than 2"));
        assert_false(file_read(folder, 100, &text, &err));
        assert_false(file_write("/nonexistent/f", SLICE_LIT("x"), 0600, &err));
        assert_int_equal(err.id, ERR_FILE);
        buf_clear(&text);
        free(path);
        scratch_remove(folder);
}

static void secrets_open_to_others_are_refused(void **state)
{
        char *folder = scratch_make(), *path = file_join(folder, "key");
        struct err err = ERR_INIT;
        struct sec *s;

        (void)state;
        assert_true(file_write(path, SLICE_LIT("secret"), 0640, &err));
        assert_null(file_read_secret(path, 100, false, &err));
        assert_non_null(strstr(err.detail, "chmod 600"));
        chmod(path, 0600);
        s = file_read_secret(path, 6, false, &err);
        assert_true(slice_equal(sec_slice(s), SLICE_LIT("secret")));
        sec_free(&s);
        assert_null(file_read_secret(path, 5, false, &err));
        free(path);
        scratch_remove(folder);
}

static void folders_others_may_write_to_are_refused(void **state)
{
        char *folder = scratch_make(), *path = file_join(folder, "d");
        struct err err = ERR_INIT;

        (void)state;
        assert_true(file_make_dir(path, 0700, &err));
        assert_true(file_make_dir(path, 0700, &err));
        chmod(path, 0777);
        assert_false(file_make_dir(path, 0700, &err));
        assert_non_null(strstr(err.detail, "chmod go-w"));
        assert_false(file_make_dir("/nonexistent/a/b", 0700, &err));
        free(path);
        scratch_remove(folder);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(files_are_replaced_whole),
                                            cmocka_unit_test(secrets_open_to_others_are_refused),
                                            cmocka_unit_test(folders_others_may_write_to_are_refused) };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
