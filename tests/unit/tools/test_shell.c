/* The shell by itself: widths of text, completion, scripts. What a terminal does is tests/run/shell.sh. */
#include "test.h"

#include "tools/shell.h"

static void text_is_as_wide_as_a_terminal_shows_it(void **state)
{
        (void)state;
        assert_int_equal(shell_width(""), 0);
        assert_int_equal(shell_width("plain"), 5);
        assert_int_equal(shell_width("Schl\xc3\xbcssel"), 9);
        assert_int_equal(shell_width("\xe9\x8d\xb5"), 2);     /* one wide character */
        assert_int_equal(shell_width("e\xcc\x81"), 1);        /* e with a combining accent */
        assert_int_equal(shell_width("\xf0\x9f\x94\x91"), 2); /* a picture of a key */
        assert_int_equal(shell_width("\xff"), 1);
}

static void cells_are_filled_up(void **state)
{
        struct shell_cell cell;
        char long_text[2000];

        (void)state;
        assert_string_equal(shell_pad(&cell, "ab", 4), "ab  ");
        assert_string_equal(shell_pad(&cell, "\xe9\x8d\xb5", 4), "\xe9\x8d\xb5  ");
        assert_string_equal(shell_pad(&cell, "longer", 4), "longer");
        assert_string_equal(shell_pad(&cell, "e\xcc\x81", 2), "e\xcc\x81 ");
        memset(long_text, 'x', sizeof(long_text));
        long_text[sizeof(long_text) - 1] = 0;
        assert_true(strlen(shell_pad(&cell, long_text, 3)) < sizeof(cell.text));
        assert_non_null(strstr(cell.text, "x..."));
}

static void nothing_steers_the_terminal(void **state)
{
        struct shell_cell cell;

        (void)state;
        assert_string_equal(shell_pad(&cell, "a\033[2Jb\n\tc", 0), "a?[2Jb??c");
        assert_string_equal(shell_pad(&cell,
                                      "\xc2\x9b"
                                      "2J",
                                      0),
                            "?2J"); /* the one-character form of ESC [ */
        assert_string_equal(shell_pad(&cell, "\xff\xfe", 0), "??");
}

/* ---- completion ---- */

static uint32_t run(struct shell *sh, int argc, char **argv)
{
        (void)argc;
        return strcmp(argv[0], "fail") == 0 ? shell_fail(sh, ERR_ARGUMENT, "as asked") : 0;
}

static const struct shell_command rows[] = {
        { "help", "[COMMAND]", "", 0, 1, false, run },
        { "createUser", "CO|CU USER PASSWORD|-hpswd", "", 3, 3, false, run, "createUser CU x -hpswd",
          SHELL_ANYWHERE },
        { "genKey", "-t 31|16 -l LABEL [-sess] [-out FILE]", "", 0, 20, false, run },
        { "getCert", "FILE 1|2", "", 2, 2, false, run, NULL, SHELL_ONE_SERVER },
        { "getInfo", "", "", 0, 0, false, run, NULL, SHELL_GLOBAL },
        { "ok", "", "", 0, 9, false, run },
        { "fail", "", "", 0, 9, false, run },
        { 0 },
};
static const struct shell_command *const tables[] = { rows, NULL };

static void some_users(struct shell *sh, void (*add)(void *, const char *), void *arg)
{
        (void)sh;
        add(arg, "admin");
        add(arg, "cu1");
}

static const struct shell_kind kinds[] = { { "USER", some_users }, { 0 } };

static void gather(void *arg, const char *word)
{
        strcat(arg, word);
        strcat(arg, " ");
}

static const char *completed(struct shell *sh, const char *line)
{
        static char out[512];

        out[0] = 0;
        if (!shell_complete(sh, line, "", gather, out))
                strcat(out, "(files)");
        return out;
}

static void words_are_completed_from_what_help_shows(void **state)
{
        struct shell sh = { .program = "test", .tables = tables, .kinds = kinds };

        (void)state;
        assert_string_equal(completed(&sh, ""), "help createUser genKey getInfo ok fail ");
        assert_string_equal(completed(&sh, "help "), "help createUser genKey getInfo ok fail ");
        sh.in_server = true;
        assert_string_equal(completed(&sh, "  "), "help createUser genKey getCert ok fail ");
        assert_string_equal(completed(&sh, "createUser "), "CO CU ");
        assert_string_equal(completed(&sh, "create CU "), "admin cu1 ");
        assert_string_equal(completed(&sh, "createUser CU x "), "-hpswd ");
        assert_string_equal(completed(&sh, "createUser CU x y "), "");
        assert_string_equal(completed(&sh, "genKey "), "-t -l -sess -out ");
        assert_string_equal(completed(&sh, "genKey -t "), "31 16 ");
        assert_string_equal(completed(&sh, "genKey -t 31 -sess "), "-t -l -sess -out ");
        assert_string_equal(completed(&sh, "genKey -t 31 -out "), "(files)");
        assert_string_equal(completed(&sh, "getCert "), "(files)");
        assert_string_equal(completed(&sh, "getCert x "), "1 2 ");
        assert_string_equal(completed(&sh, "fly "), "");
        assert_int_equal(sh.err.id, ERR_NONE);
}

/* ---- scope and scripts ---- */

static void a_command_for_one_server_is_for_one(void **state)
{
        struct shell sh = { .program = "test", .tables = tables };

        (void)state;
        shell_line(&sh, "getCert x 1");
        assert_int_equal(sh.failures, 1);
        assert_non_null(strstr(sh.err.detail, "choose it first"));
        sh.one_server = true;
        shell_line(&sh, "getCert x 1");
        sh.one_server = false;
        sh.in_server = true;
        shell_line(&sh, "getC x 1");
        shell_line(&sh, "getInfo");
        assert_int_equal(sh.failures, 1);
}

static int script(const char *text, bool keep_going, unsigned *failures)
{
        struct shell sh = { .program = "test", .tables = tables, .keep_going = keep_going };
        char *copy = strdup(text);

        sh.script = fmemopen(copy, strlen(copy), "r");
        assert_non_null(sh.script);
        shell_loop(&sh);
        (void)fclose(sh.script);
        free(copy);
        *failures = sh.failures;
        return sh.status;
}

static void a_script_stops_where_it_fails(void **state)
{
        unsigned failures;

        (void)state;
        assert_int_equal(script("ok\n# a remark\n\nok x\n", false, &failures), 0);
        assert_int_equal(script("fail\nfail\nok\n", false, &failures), 1);
        assert_int_equal(failures, 1);
        assert_int_equal(script("fail\nfail\nok", true, &failures), 1);
        assert_int_equal(failures, 2);
        assert_int_equal(script("fly\nok\n", false, &failures), 2);
        assert_int_equal(script("createUser CU\nok\n", false, &failures), 2);
}

static void a_line_that_is_too_long_is_no_command(void **state)
{
        char text[SHELL_LINE_MAX + 64];
        unsigned failures;

        (void)state;
        memset(text, ' ', sizeof(text));
        text[sizeof(text) - 1] = 0;
        memcpy(text, "ok", 2);
        memcpy(text + SHELL_LINE_MAX + 8, "\nok\n", 5);
        assert_int_equal(script(text, true, &failures), 2);
        assert_int_equal(failures, 1);
        memcpy(text + SHELL_LINE_MAX - 2, "\nok\n", 5);
        assert_int_equal(script(text, false, &failures), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(text_is_as_wide_as_a_terminal_shows_it),
                cmocka_unit_test(cells_are_filled_up),
                cmocka_unit_test(nothing_steers_the_terminal),
                cmocka_unit_test(words_are_completed_from_what_help_shows),
                cmocka_unit_test(a_command_for_one_server_is_for_one),
                cmocka_unit_test(a_script_stops_where_it_fails),
                cmocka_unit_test(a_line_that_is_too_long_is_no_command),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
