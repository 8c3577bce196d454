#include "test.h"
#include "audit/audit.h"
#include "base/file.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

static struct crypto *engine;
static char *folder;
static char path[200];
static size_t file_max;

static struct audit_writer *open_writer(size_t queue, struct err *err)
{
        struct audit_writer_config config = { .folder = folder,
                                              .node = "hsm1",
                                              .partition_id = SLICE_LIT("0123456789abcdef"),
                                              .crypto = engine,
                                              .clock = clock_system(),
                                              .queue = queue,
                                              .file_max = file_max };

        return audit_writer_open(&config, err);
}

static void write_some(int n, size_t queue)
{
        struct err err = ERR_INIT;
        struct audit_writer *w = open_writer(queue, &err);

        assert_non_null(w);
        for (int i = 0; i < n; i++) {
                struct audit_record r = {
                        .operation = "CN_SIGN", .opcode = 0x42, .user = "cu\"1", .object = 262150
                };
                audit_writer_append(w, &r);
        }
        assert_true(audit_writer_flush(w, &err));
        audit_writer_close(&w);
}

static bool verify(struct slice lines, uint64_t *records, struct err *err)
{
        struct audit_verify v = { .crypto = engine };
        bool ok;

        assert_true(audit_genesis(engine, SLICE_LIT("0123456789abcdef"), "hsm1", "use", v.expected));
        ok = audit_verify_lines(&v, lines, err);
        *records = v.records;
        return ok;
}

static void load(struct buf *text)
{
        struct err err = ERR_INIT;

        assert_true(file_read(path, 1 << 24, text, &err));
}

static int setup(void **state)
{
        (void)state;
        folder = scratch_make();
        file_max = 0;
        snprintf(path, sizeof(path), "%s/use-0.jsonl", folder);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        scratch_remove(folder);
        return 0;
}

static void written_records_verify_and_go_on(void **state)
{
        struct buf text = BUF_INIT;
        struct err err = ERR_INIT;
        uint64_t records;

        (void)state;
        write_some(10, 0);
        write_some(5, 0);
        load(&text);
        assert_true(verify(buf_slice(&text), &records, &err));
        assert_int_equal(records, 15);
        assert_non_null(strstr(buf_text(&text), "\"user\":\"cu\\\"1\""));
        buf_clear(&text);
}

static void every_changed_byte_is_found(void **state)
{
        struct buf text = BUF_INIT;
        struct err err = ERR_INIT;
        struct audit_verify v = { .crypto = engine };
        uint8_t head[AUDIT_HASH_SIZE];

        (void)state;
        write_some(3, 0);
        load(&text);
        assert_true(audit_genesis(engine, SLICE_LIT("0123456789abcdef"), "hsm1", "use", v.expected));
        assert_true(audit_verify_lines(&v, buf_slice(&text), &err));
        memcpy(head, v.expected, sizeof(head));
        for (size_t i = 0; i < text.n; i++) {
                struct audit_verify again = { .crypto = engine };
                bool ok;

                text.p[i] ^= 1;
                assert_true(
                    audit_genesis(engine, SLICE_LIT("0123456789abcdef"), "hsm1", "use", again.expected));
                ok = audit_verify_lines(&again, buf_slice(&text), &err);
                /* a change in the last record shows in the head, which is kept elsewhere */
                assert_false(ok && memcmp(again.expected, head, sizeof(head)) == 0);
                text.p[i] ^= 1;
        }
        buf_clear(&text);
}

static void cuts_and_swaps_are_found(void **state)
{
        struct buf text = BUF_INIT, other = BUF_INIT;
        struct err err = ERR_INIT;
        size_t ends[4] = { 0 };
        uint64_t records;

        (void)state;
        write_some(3, 0);
        load(&text);
        for (size_t i = 0, n = 0; i < text.n; i++) {
                if (text.p[i] == '\n')
                        ends[++n] = i + 1;
        }
        buf_put(&other, text.p, ends[1]);
        buf_put(&other, text.p + ends[2], text.n - ends[2]);
        assert_false(verify(buf_slice(&other), &records, &err));
        assert_non_null(strstr(err.detail, "record 1 is missing"));
        buf_reset(&other);
        buf_put(&other, text.p, ends[1]);
        buf_put(&other, text.p, text.n);
        assert_false(verify(buf_slice(&other), &records, &err));
        buf_reset(&other);
        buf_put(&other, text.p + ends[1], text.n - ends[1]);
        assert_false(verify(buf_slice(&other), &records, &err));
        assert_false(verify(slice_of(text.p, text.n - 1), &records, &err));
        assert_non_null(strstr(err.detail, "cut off"));
        buf_clear(&text);
        buf_clear(&other);
}

static void torn_end_is_cut_and_told(void **state)
{
        struct buf text = BUF_INIT;
        struct err err = ERR_INIT;
        uint64_t records;
        int fd;

        (void)state;
        write_some(2, 0);
        fd = open(path, O_WRONLY | O_APPEND);
        assert_int_equal(write(fd, "{\"v\":1,\"se", 10), 10);
        close(fd);
        write_some(1, 0);
        load(&text);
        assert_true(verify(buf_slice(&text), &records, &err));
        assert_int_equal(records, 4);
        assert_non_null(strstr(buf_text(&text), "CHSM_LOG_RESUMED"));
        buf_clear(&text);
}

static void altered_log_is_not_continued(void **state)
{
        struct err err = ERR_INIT;
        int fd;

        (void)state;
        write_some(3, 0);
        fd = open(path, O_WRONLY);
        assert_int_equal(pwrite(fd, "9", 1, 13), 1);
        close(fd);
        assert_null(open_writer(0, &err));
        assert_int_equal(err.id, ERR_AUDIT);
        assert_non_null(strstr(err.detail, "use-0.jsonl"));
}

static void *append_many(void *arg)
{
        for (int i = 0; i < 500; i++) {
                struct audit_record r = { .operation = "CN_SIGN" };
                audit_writer_append(arg, &r);
        }
        return NULL;
}

static void full_queue_loses_nothing(void **state)
{
        struct err err = ERR_INIT;
        struct audit_writer *w = open_writer(4, &err);
        pthread_t threads[8];
        struct buf text = BUF_INIT;
        uint64_t records;

        (void)state;
        assert_non_null(w);
        for (int i = 0; i < 8; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, append_many, w), 0);
        for (int i = 0; i < 8; i++)
                pthread_join(threads[i], NULL);
        audit_writer_close(&w);
        load(&text);
        assert_true(verify(buf_slice(&text), &records, &err));
        assert_int_equal(records, 4000);
        buf_clear(&text);
}

/* How many records the folder's files hold, all checked; fails the test when they do not verify. */
static uint64_t folder_records(const struct audit_files *files)
{
        struct audit_verify v = { .crypto = engine };
        struct err err = ERR_INIT;
        size_t torn;

        assert_true(audit_verify_files(&v, files, 0, SLICE_LIT("0123456789abcdef"), "hsm1", &torn, &err));
        assert_int_equal(torn, 0);
        return v.records;
}

static void full_files_are_followed_by_new_ones(void **state)
{
        struct audit_verify v = { .crypto = engine };
        struct audit_files files;
        struct err err = ERR_INIT;
        size_t torn;

        (void)state;
        file_max = 1;
        for (int i = 0; i < 5; i++)
                write_some(2, 0);
        assert_true(audit_files_list(folder, &files, &err));
        assert_true(files.n >= 5);
        assert_int_equal(folder_records(&files), 10);
        assert_int_equal(unlink(files.rows[2].path), 0);
        audit_files_free(&files);
        assert_true(audit_files_list(folder, &files, &err));
        assert_false(audit_verify_files(&v, &files, 0, SLICE_LIT("0123456789abcdef"), "hsm1", &torn, &err));
        assert_non_null(strstr(err.detail, "are missing"));
        audit_files_free(&files);
}

static void old_files_may_be_moved_away(void **state)
{
        struct audit_files files;
        struct err err = ERR_INIT;

        (void)state;
        file_max = 1;
        for (int i = 0; i < 4; i++)
                write_some(1, 0);
        assert_true(audit_files_list(folder, &files, &err));
        for (size_t i = 0; i + 1 < files.n; i++)
                assert_int_equal(unlink(files.rows[i].path), 0);
        audit_files_free(&files);
        write_some(3, 0);
        assert_true(audit_files_list(folder, &files, &err));
        assert_true(files.rows[0].first >= 3);
        assert_int_equal(folder_records(&files), 4);
        audit_files_free(&files);
}

/* A file size limit stands for a full disk: what was swallowed is told, the chain goes on unbroken. */
static void a_full_disk_is_told_when_it_is_over(void **state)
{
        struct audit_record r = { .operation = "CN_SIGN" };
        struct rlimit before, little;
        struct buf text = BUF_INIT;
        struct err err = ERR_INIT;
        struct audit_writer *w = open_writer(0, &err);
        uint64_t records;

        (void)state;
        assert_non_null(w);
        audit_writer_append(w, &r);
        assert_true(audit_writer_flush(w, &err));
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        little = before;
        little.rlim_cur = 300;
        (void)signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
        audit_writer_append(w, &r);
        assert_false(audit_writer_flush(w, &err));
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        audit_writer_append(w, &r);
        assert_true(audit_writer_flush(w, &err));
        audit_writer_close(&w);
        load(&text);
        assert_true(verify(buf_slice(&text), &records, &err));
        assert_int_equal(records, 3);
        assert_non_null(strstr(buf_text(&text), "1 records could not be written"));
        buf_clear(&text);
}

static int engine_open(void **state)
{
        struct err err = ERR_INIT;

        (void)state;
        engine = crypto_new(NULL, &err);
        return engine ? 0 : -1;
}

static int engine_close(void **state)
{
        (void)state;
        crypto_free(&engine);
        return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(written_records_verify_and_go_on),
                TEST(every_changed_byte_is_found),
                TEST(cuts_and_swaps_are_found),
                TEST(torn_end_is_cut_and_told),
                TEST(altered_log_is_not_continued),
                TEST(full_queue_loses_nothing),
                TEST(full_files_are_followed_by_new_ones),
                TEST(old_files_may_be_moved_away),
                TEST(a_full_disk_is_told_when_it_is_over),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, engine_open, engine_close);
}
