/* The operation event log without its network: order and number of records, rotation, disks that are full. */
#include "test.h"
#include "base/file.h"
#include "events/events.h"
#include "events/internal.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

static char *folder;
static char log_path[200];

static int setup(void **state)
{
        (void)state;
        folder = scratch_make();
        snprintf(log_path, sizeof(log_path), "%s/events.log", folder);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        scratch_remove(folder);
        return 0;
}

static struct events_config config_of(void)
{
        return (struct events_config){ .node = "hsm1",
                                       .folder = folder,
                                       .file = log_path,
                                       .file_max = 1 << 30,
                                       .file_keep = 2,
                                       .syslog = "",
                                       .journal = "",
                                       .url = "",
                                       .ca = "",
                                       .certificate = "",
                                       .key = "",
                                       .authorization = "",
                                       .tenant = "t",
                                       .resource = "r",
                                       .batch = 10,
                                       .retry_max_s = 1,
                                       .spool_max = 1 << 20 };
}

static const struct events_event signature = { .operation = "CN_SIGN",
                                               .opcode = 0x132,
                                               .address = "[::1]:36306 CN=host",
                                               .client = "chsm-client/0.1.0",
                                               .duration_us = 21,
                                               .user = "cu1",
                                               .object = 262150,
                                               .session = 0xabc };

static struct events *open_log(const struct events_config *c)
{
        struct err err = ERR_INIT;
        struct events *e = events_open(c, &err);

        if (!e)
                fail_msg("%s", err.detail);
        return e;
}

/* How many lines of the file hold the words. */
static size_t count(const char *path, const char *words, struct buf *text)
{
        struct err err = ERR_INIT;
        size_t n = 0, left;

        buf_reset(text);
        if (!file_read(path, 1 << 26, text, &err))
                fail_msg("%s", err.detail);
        left = text->n;
        for (const uint8_t *at = text->p, *end; left && (end = memchr(at, '\n', left)); at = end + 1) {
                n += memmem(at, (size_t)(end - at) + 1, words, strlen(words)) != NULL;
                left = (size_t)(text->p + text->n - end) - 1;
        }
        return n;
}

static void no_destination_is_no_log(void **state)
{
        struct events_config c = config_of();
        struct err err = ERR_INIT;

        (void)state;
        c.file = "";
        assert_null(events_open(&c, &err));
        assert_int_equal(err.id, ERR_NONE);
}

static void a_record_is_as_documented(void **state)
{
        static const char expected[] =
            "\"OperationName\":\"CN_SIGN\",\"CallerIpAddress\":\"::1\",\"ResultType\":\"Failure\","
            "\"ResultSignature\":\"key-handle\",\"ResultDescription\":\"";
        struct events_config c = config_of();
        struct events_event failed = signature;
        struct events *e = open_log(&c);
        struct buf text = BUF_INIT;

        (void)state;
        failed.reason = ERR_KEY_HANDLE;
        failed.client = "a\"b/1";
        events_add(e, &failed);
        events_close(&e);
        assert_int_equal(count(log_path, expected, &text), 1);
        assert_int_equal(count(log_path, "\"DurationMs\":0.021,\"Opcode\":\"132\",", &text), 1);
        assert_int_equal(count(log_path, "\"ClientInfo\":\"\"", &text), 1);
        assert_int_equal(count(log_path, "cu1", &text), 0);
        c.names = true;
        e = open_log(&c);
        events_add(e, &signature);
        events_close(&e);
        assert_int_equal(
            count(log_path, "\"UserName\":\"cu1\",\"KeyHandle\":262150,\"SessionHandle\":\"0xabc\",", &text),
            1);
        assert_int_equal(count(log_path, "\"ClientInfo\":\"chsm-client / 0.1.0\"", &text), 1);
        buf_clear(&text);
}

#define THREADS    4
#define EACH       20000
#define THREAD_MAX 8

static void *add_many(void *arg)
{
        struct events_event event = signature;

        for (int i = 0; i < EACH; i++) {
                event.duration_us = (uint64_t)i;
                events_add(arg, &event);
        }
        return NULL;
}

static void many_threads_lose_nothing_where_nothing_may_be_lost(void **state)
{
        struct events_config c = config_of();
        struct events_counts counts;
        struct events *e;
        pthread_t threads[THREAD_MAX];
        struct buf text = BUF_INIT;

        (void)state;
        c.refuse = true;
        e = open_log(&c);
        for (int i = 0; i < THREADS; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, add_many, e), 0);
        for (int i = 0; i < THREADS; i++)
                pthread_join(threads[i], NULL);
        events_close(&e);
        assert_int_equal(count(log_path, "\n", &text), THREADS * EACH);
        assert_int_equal(count(log_path, "\"DurationMs\":0.007,", &text), THREADS);
        e = open_log(&c);
        events_counts(e, &counts);
        assert_int_equal(counts.lost, 0);
        events_close(&e);
        buf_clear(&text);
}

/* Nobody's time is taken; whatever did not fit is counted and told. */
static void many_threads_and_a_full_ring_add_up(void **state)
{
        struct events_config c = config_of();
        struct events *e = open_log(&c);
        pthread_t threads[THREAD_MAX];
        struct buf text = BUF_INIT;
        uint64_t kept, told = 0;

        (void)state;
        for (int i = 0; i < THREADS; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, add_many, e), 0);
        for (int i = 0; i < THREADS; i++)
                pthread_join(threads[i], NULL);
        events_close(&e);
        kept = count(log_path, "\"CN_SIGN\"", &text);
        for (const char *at = buf_text(&text); (at = strstr(at, "\"Lost\":")); at++)
                told += strtoull(at + 7, NULL, 10);
        assert_int_equal(kept + told, THREADS * EACH);
        buf_clear(&text);
}

static void full_files_are_rotated_and_the_oldest_go(void **state)
{
        struct events_file *f;
        struct err err = ERR_INIT;
        char path[220];
        struct buf text = BUF_INIT;

        (void)state;
        f = events_file_open(log_path, 10, 2, &err);
        assert_non_null(f);
        for (int i = 0; i < 5; i++) {
                char line[] = "line 0\n";

                line[5] = (char)('0' + i);
                assert_true(events_file_put(f, slice_str(line), &err));
        }
        assert_int_equal(count(log_path, "line 4", &text), 1);
        for (int i = 1; i <= 3; i++) {
                char words[] = "line 0";

                snprintf(path, sizeof(path), "%s.%d", log_path, i);
                words[5] = (char)('4' - i);
                assert_int_equal(file_exists(path), i < 3);
                if (i < 3)
                        assert_int_equal(count(path, words, &text), 1);
        }
        snprintf(path, sizeof(path), "%s.away", log_path);
        assert_int_equal(rename(log_path, path), 0);
        events_file_reopen(f);
        assert_true(events_file_put(f, SLICE_LIT("line 5\n"), &err));
        assert_int_equal(count(log_path, "line 5", &text), 1);
        events_file_close(&f);
        buf_clear(&text);
}

static void limit_files(rlim_t bytes, struct rlimit *before)
{
        struct rlimit little;

        (void)signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, before), 0);
        little = *before;
        little.rlim_cur = bytes;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
}

static void wait_lost(struct events *e, uint64_t n)
{
        struct events_counts counts = { .lost = 0 };

        for (int i = 0; i < 3000 && counts.lost < n; i++) {
                (void)usleep(1000);
                events_counts(e, &counts);
        }
        assert_int_equal(counts.lost, n);
}

/* A file size limit stands for a full disk. */
static void a_full_disk_is_counted_and_told(void **state)
{
        struct events_config c = config_of();
        struct events *e = open_log(&c);
        struct rlimit before;
        struct buf text = BUF_INIT;

        (void)state;
        limit_files(100, &before);
        events_add(e, &signature);
        events_add(e, &signature);
        wait_lost(e, 2);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        events_add(e, &signature);
        events_close(&e);
        assert_int_equal(count(log_path, "\n", &text), 2);
        assert_int_equal(count(log_path, "\"CHSM_EVENTS_LOST\"", &text), 1);
        assert_int_equal(count(log_path, "\"2 records could not be kept\",\"Lost\":2", &text), 1);
        buf_clear(&text);
}

static void a_full_disk_stops_commands_where_that_is_wanted(void **state)
{
        struct events_config c = config_of();
        struct err err = ERR_INIT;
        struct rlimit before;
        struct buf text = BUF_INIT;
        struct events *e;

        (void)state;
        c.refuse = true;
        e = open_log(&c);
        assert_true(events_may(e, &err));
        limit_files(100, &before);
        events_add(e, &signature);
        for (int i = 0; i < 3000 && events_may(e, &err); i++)
                (void)usleep(1000);
        assert_false(events_may(e, &err));
        assert_int_equal(err.id, ERR_AUDIT);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        for (int i = 0; i < 3000 && !events_may(e, &err); i++)
                (void)usleep(1000);
        assert_true(events_may(e, &err));
        events_close(&e);
        assert_int_equal(count(log_path, "\n", &text), 1);
        assert_int_equal(count(log_path, "\"CN_SIGN\"", &text), 1);
        buf_clear(&text);
}

/* ---- the spool ---- */

static struct events_spool *open_spool(uint64_t max, size_t readers, bool *torn)
{
        static const char *const names[] = { "one", "two" };
        struct err err = ERR_INIT;
        struct events_spool *s = events_spool_open(folder, max, names, readers, torn, &err);

        if (!s)
                fail_msg("%s", err.detail);
        return s;
}

/* Reads everything up to the line with that number; the count of lines. */
static int spool_drain(struct events_spool *s, size_t reader, int from, int last)
{
        struct buf lines = BUF_INIT;
        struct err err = ERR_INIT;
        int n = from;

        while (n <= last) {
                buf_reset(&lines);
                assert_true(events_spool_read(s, reader, 1000, &lines, &err));
                for (char *at = (char *)(uintptr_t)buf_text(&lines), *end; (end = strchr(at, '\n'));
                     at = end + 1)
                        assert_int_equal(strtol(at + 5, NULL, 10), n++);
                events_spool_done(s, reader, lines.n);
        }
        buf_clear(&lines);
        return n;
}

static void spool_fill(struct events_spool *s, int from, int last)
{
        struct err err = ERR_INIT;

        for (int i = from; i <= last; i++) {
                char line[100];

                snprintf(line, sizeof(line), "line %-90d\n", i);
                assert_true(events_spool_put(s, slice_str(line), &err));
        }
}

static void the_spool_gives_every_line_once_to_each_reader(void **state)
{
        bool torn;
        struct events_spool *s = open_spool(80000, 2, &torn);
        struct err err = ERR_INIT;

        (void)state;
        assert_false(torn);
        spool_fill(s, 0, 499);
        assert_int_equal(spool_drain(s, 0, 0, 299), 300);
        assert_true(events_spool_bytes(s) > 40000); /* the other reader has none yet */
        events_spool_close(&s);
        s = open_spool(80000, 2, &torn);
        assert_int_equal(spool_drain(s, 0, 300, 499), 500);
        assert_int_equal(spool_drain(s, 1, 0, 499), 500);
        spool_fill(s, 500, 999); /* does not fit if nothing went */
        assert_int_equal(spool_drain(s, 0, 500, 999), 1000);
        assert_int_equal(spool_drain(s, 1, 500, 999), 1000);
        events_spool_stop(s);
        {
                struct buf lines = BUF_INIT;

                assert_false(events_spool_read(s, 0, 1000, &lines, &err));
                assert_true(events_spool_closing(s));
                buf_clear(&lines);
        }
        events_spool_close(&s);
}

static void a_full_spool_says_so_and_takes_again(void **state)
{
        bool torn;
        struct events_spool *s = open_spool(20000, 1, &torn);
        struct err err = ERR_INIT;
        int n = 0;

        (void)state;
        for (char line[100]; err.id == ERR_NONE; n++) {
                snprintf(line, sizeof(line), "line %-90d\n", n);
                (void)events_spool_put(s, slice_str(line), &err);
        }
        n--;
        assert_int_equal(err.id, ERR_LIMIT);
        assert_true(n > 190);
        assert_int_equal(spool_drain(s, 0, 0, n - 1), n);
        spool_fill(s, n, n);
        assert_int_equal(spool_drain(s, 0, n, n), n + 1);
        events_spool_close(&s);
}

static void a_torn_line_is_cut_off_and_told(void **state)
{
        bool torn;
        struct events_spool *s = open_spool(20000, 1, &torn);
        char path[220];
        FILE *f;

        (void)state;
        spool_fill(s, 0, 2);
        events_spool_close(&s);
        snprintf(path, sizeof(path), "%s/0.jsonl", folder);
        f = fopen(path, "a");
        fputs("line 3 is to", f);
        fclose(f);
        s = open_spool(20000, 1, &torn);
        assert_true(torn);
        spool_fill(s, 3, 3);
        assert_int_equal(spool_drain(s, 0, 0, 3), 4);
        events_spool_close(&s);
        s = open_spool(20000, 1, &torn);
        assert_false(torn);
        events_spool_close(&s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(no_destination_is_no_log),
                TEST(a_record_is_as_documented),
                TEST(many_threads_lose_nothing_where_nothing_may_be_lost),
                TEST(many_threads_and_a_full_ring_add_up),
                TEST(full_files_are_rotated_and_the_oldest_go),
                TEST(a_full_disk_is_counted_and_told),
                TEST(a_full_disk_stops_commands_where_that_is_wanted),
                TEST(the_spool_gives_every_line_once_to_each_reader),
                TEST(a_full_spool_says_so_and_takes_again),
                TEST(a_torn_line_is_cut_off_and_told),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
