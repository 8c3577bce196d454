#include "test.h"
#include "base/sec.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

static void freed_secrets_are_gone(void **state)
{
        struct sec *s = sec_copy(SLICE_LIT("a secret of some length, longer than a list pointer"));
        uint8_t *where = sec_bytes(s);

        (void)state;
        sec_free(&s);
        assert_null(s);
        for (size_t i = sizeof(void *); i < 48; i++)
                assert_int_equal(where[i], 0); /* the cell stays mapped: only its free-list link is there */
}

static void every_size_is_zero_at_first(void **state)
{
        static const size_t sizes[] = { 0, 1, 31, 32, 33, 2047, 2048, 2049, 4096, 100000 };

        (void)state;
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
                struct sec *s = sec_new(sizes[i]);

                assert_non_null(s);
                assert_int_equal(sec_size(s), sizes[i]);
                for (size_t k = 0; k < sizes[i]; k++)
                        assert_int_equal(sec_bytes(s)[k], 0);
                memset(sec_bytes(s), 0xa5, sizes[i]);
                sec_free(&s);
        }
}

static void shrinking_wipes_the_cut_bytes(void **state)
{
        struct sec *s = sec_copy(SLICE_LIT("0123456789"));

        (void)state;
        sec_shrink(s, 4);
        assert_int_equal(sec_size(s), 4);
        for (int i = 4; i < 10; i++)
                assert_int_equal(sec_bytes(s)[i], 0);
        sec_free(&s);
}

static void comparison_is_exact(void **state)
{
        (void)state;
        assert_true(sec_equal(SLICE_LIT("same"), SLICE_LIT("same")));
        assert_false(sec_equal(SLICE_LIT("same"), SLICE_LIT("sane")));
        assert_false(sec_equal(SLICE_LIT("same"), SLICE_LIT("sam")));
        assert_true(sec_equal(SLICE_EMPTY, SLICE_EMPTY));
}

static void a_forked_child_sees_nothing(void **state)
{
        struct sec *s = sec_copy(SLICE_LIT("only the parent's"));
        pid_t pid = fork();
        int status;

        (void)state;
        if (pid == 0) {
                uint8_t sum = 0;
                for (size_t i = 0; i < sec_size(s); i++)
                        sum |= sec_bytes(s)[i];
                _exit(sum ? 1 : 0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(WEXITSTATUS(status), 0);
        assert_true(slice_equal(sec_slice(s), SLICE_LIT("only the parent's")));
        sec_free(&s);
}

/* AddressSanitizer answers mlock itself and locks nothing; its allocator, up to LLVM 16, may be locked in a
 * forked child. */
#ifndef CHSM_SANITIZED
static atomic_bool over;

static void *work(void *arg)
{
        while (!atomic_load(&over)) {
                struct sec *s = sec_new(64);

                sec_free(&s);
        }
        return arg;
}

/* Whatever the parent's other threads held when it forked. */
static void a_forked_child_makes_its_own(void **state)
{
        struct sec *old = sec_new(64);
        pthread_t thread;
        int status;

        (void)state;
        assert_int_equal(pthread_create(&thread, NULL, work, NULL), 0);
        for (int i = 0; i < 300; i++) {
                pid_t pid = fork();

                if (pid == 0) {
                        struct sec *s;

                        (void)alarm(20);
                        sec_free(&old);
                        s = sec_new(64);
                        _exit(s ? 0 : 1);
                }
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_int_equal(status, 0);
        }
        atomic_store(&over, true);
        assert_int_equal(pthread_join(thread, NULL), 0);
        sec_free(&old);
}

static long locked_kib(void)
{
        FILE *f = fopen("/proc/self/status", "r");
        char line[200];
        long locked = 0;

        while (fgets(line, sizeof(line), f))
                (void)sscanf(line, "VmLck: %ld", &locked);
        fclose(f);
        return locked;
}

static void pages_are_locked(void **state)
{
        struct sec *s = sec_new(64);

        (void)state;
        assert_true(locked_kib() >= 256);
        sec_free(&s);
}

static void pages_of_a_forked_child_are_locked(void **state)
{
        struct sec *s = sec_new(64);
        pid_t pid = fork();
        int status;

        (void)state;
        if (pid == 0) {
                sec_free(&s);
                s = sec_new(64);
                _exit(locked_kib() >= 256 ? 0 : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        sec_free(&s);
}
#endif

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(freed_secrets_are_gone),
                cmocka_unit_test(every_size_is_zero_at_first),
                cmocka_unit_test(shrinking_wipes_the_cut_bytes),
                cmocka_unit_test(comparison_is_exact),
                cmocka_unit_test(a_forked_child_sees_nothing),
#ifndef CHSM_SANITIZED
                cmocka_unit_test(a_forked_child_makes_its_own),
                cmocka_unit_test(pages_are_locked),
                cmocka_unit_test(pages_of_a_forked_child_are_locked),
#endif
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
