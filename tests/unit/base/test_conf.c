#include "test.h"
#include "base/conf.h"

struct options {
        char *host, *folder, **trust;
        int64_t port;
        bool demand;
        int level;
};

static const char *const levels[] = { "error", "info", NULL };
static const struct conf_row rows[] = {
        { .name = "host",
          .type = CONF_TEXT,
          .offset = offsetof(struct options, host),
          .preset = "127.0.0.1" },
        { .name = "port",
          .type = CONF_NUMBER,
          .offset = offsetof(struct options, port),
          .preset = "2225",
          .min = 1,
          .max = 65535 },
        { .name = "demand_client",
          .type = CONF_BOOL,
          .offset = offsetof(struct options, demand),
          .preset = "yes" },
        { .name = "log_level",
          .type = CONF_CHOICE,
          .offset = offsetof(struct options, level),
          .choices = levels },
        { .name = "data", .type = CONF_PATH, .offset = offsetof(struct options, folder) },
        { .name = "trust", .type = CONF_LIST, .offset = offsetof(struct options, trust) },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void values_of_every_type(void **state)
{
        struct options o = { 0 };
        struct err err = ERR_INIT;
        const char *text =
            "# a comment\r\nhost = \"::1 # not a comment\" # one\nPORT=0x10\ndemand_client: no\n";

        (void)state;
        assert_true(conf_defaults(rows, ROWS, &o, &err));
        assert_string_equal(o.host, "127.0.0.1");
        assert_int_equal(o.port, 2225);
        assert_true(o.demand);
        assert_false(conf_parse(rows, ROWS, &o, slice_str(text), "/etc/chsm/s.conf", &err));
        assert_non_null(strstr(err.detail, "line 4"));
        assert_true(conf_parse(rows, ROWS, &o,
                               slice_str("log_level = info\ndata = db\ntrust = a\ntrust = b\n"),
                               "/etc/chsm/s.conf", &err));
        assert_string_equal(o.host, "::1 # not a comment");
        assert_int_equal(o.port, 16);
        assert_int_equal(o.level, 1);
        assert_string_equal(o.folder, "/etc/chsm/db");
        assert_string_equal(o.trust[1], "b");
        assert_null(o.trust[2]);
        conf_clear(rows, ROWS, &o);
}

static void mistakes_are_named(void **state)
{
        static const struct {
                const char *text, *words;
        } bad[] = {
                { "\nhots = x", "line 2: unknown option 'hots' (did you mean 'host'?)" },
                { "elephant = 1", "unknown option 'elephant'" },
                { "port = 70000", "takes a number from 1 to 65535, not '70000'" },
                { "port = many", "'many' of option 'port' is not a number" },
                { "demand_client = maybe", "takes yes or no, not 'maybe'" },
                { "log_level = loud", "takes one of error, info, not 'loud'" },
                { "host = a\nhost = b", "was given on line 1 already" },
                { "host", "expected 'option = value', found 'host'" },
                { "= 3", "expected" },
                { "host = \"open", "quotes" },
                { "host = \"a\" b", "quotes" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                struct options o = { 0 };
                struct err err = ERR_INIT;

                assert_false(conf_parse(rows, ROWS, &o, slice_str(bad[i].text), "f.conf", &err));
                assert_int_equal(err.id, ERR_CONFIG);
                assert_non_null(strstr(err.detail, "f.conf"));
                if (!strstr(err.detail, bad[i].words))
                        fail_msg("'%s' does not say '%s'", err.detail, bad[i].words);
                conf_clear(rows, ROWS, &o);
        }
}

static void hostile_files_are_refused(void **state)
{
        struct options o = { 0 };
        struct err err = ERR_INIT;
        char line[5000];

        (void)state;
        memset(line, 'a', sizeof(line));
        assert_false(conf_parse(rows, ROWS, &o, slice_of(line, sizeof(line)), "f", &err));
        assert_non_null(strstr(err.detail, "4096"));
        assert_false(conf_parse(rows, ROWS, &o, slice_of("host = a\0b\n", 11), "f", &err));
        assert_non_null(strstr(err.detail, "NUL"));
        assert_false(conf_read(rows, ROWS, &o, "/nonexistent/f.conf", &err));
        assert_int_equal(err.id, ERR_FILE);
        conf_clear(rows, ROWS, &o);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(values_of_every_type),
                                            cmocka_unit_test(mistakes_are_named),
                                            cmocka_unit_test(hostile_files_are_refused) };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
