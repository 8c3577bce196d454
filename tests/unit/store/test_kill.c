/* kill -9 at random moments: everything acknowledged is there afterwards, nothing is there by half.
 *
 * The child writes pairs of keys in one transaction and says each acknowledged number over a pipe; the parent
 * kills it after a random number of them, reopens the store and looks. CHSM_KILL_ROUNDS sets the rounds. */
#include "test.h"
#include "store/store.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>

static _Atomic uint32_t next_number;

struct child {
        struct store *store;
        int out;
};

static void *child_thread(void *arg)
{
        struct child *c = arg;

        for (;;) {
                uint32_t number = atomic_fetch_add(&next_number, 1);
                char a[32], b[32];
                struct store_result result;
                struct err err = ERR_INIT;

                snprintf(a, sizeof(a), "a/%08x", number);
                snprintf(b, sizeof(b), "b/%08x", number);
                struct store_op ops[] = { { STORE_PUT, slice_str(a), slice_str(a) },
                                          { STORE_PUT, slice_str(b), slice_str(a) } };
                if (store_txn(c->store, NULL, 0, ops, 2, 60000, &result, &err) != STORE_OK ||
                    write(c->out, &number, sizeof(number)) != sizeof(number))
                        _exit(1);
        }
}

static void child_main(const char *folder, uint32_t from, int out)
{
        struct store_config config = { .engine = "sqlite", .path = folder };
        struct err err = ERR_INIT;
        struct child c = { store_open(&config, &err), out };
        pthread_t thread;

        if (!c.store)
                _exit(2);
        atomic_store(&next_number, from);
        for (int i = 0; i < 3; i++)
                pthread_create(&thread, NULL, child_thread, &c);
        child_thread(&c);
}

struct found {
        uint8_t *a, *b;
        size_t limit;
        bool wrong;
};

static bool found_visit(void *arg, const struct store_event *e)
{
        struct found *f = arg;
        char text[16] = "";
        size_t number;

        if (e->key.n != 10 || e->value.n != 10) {
                f->wrong = true;
                return true;
        }
        memcpy(text, e->key.p + 2, 8);
        number = strtoul(text, NULL, 16);
        if (number >= f->limit || memcmp(e->key.p + 2, e->value.p + 2, 8) != 0)
                f->wrong = true;
        else if (e->key.p[0] == 'a')
                f->a[number] = 1;
        else
                f->b[number] = 1;
        return true;
}

static void check_store(const char *folder, const uint8_t *acknowledged, uint32_t limit)
{
        struct store_config config = { .engine = "sqlite", .path = folder };
        struct err err = ERR_INIT;
        struct store *store = store_open(&config, &err);
        struct found f = { calloc(limit, 1), calloc(limit, 1), limit, false };
        store_rev at;

        assert_non_null(store);
        assert_int_equal(store_load(store, SLICE_EMPTY, found_visit, &f, &at, &err), STORE_OK);
        assert_false(f.wrong);
        for (uint32_t i = 0; i < limit; i++) {
                assert_int_equal(f.a[i], f.b[i]);
                assert_true(f.a[i] || !acknowledged[i]);
        }
        free(f.a);
        free(f.b);
        store_close(&store);
}

static void killed_at_any_moment(void **state)
{
        const char *text = getenv("CHSM_KILL_ROUNDS");
        int rounds = text ? atoi(text) : 20;
        enum { LIMIT = 1 << 20 };
        uint8_t *acknowledged = calloc(LIMIT, 1);
        uint32_t highest = 0, number;
        char *folder = scratch_make();
        unsigned seed = 20261123;

        (void)state;
        for (int round = 0; round < rounds; round++) {
                unsigned stop_after = (unsigned)rand_r(&seed) % 300;
                int fds[2], status;
                pid_t pid;

                assert_int_equal(pipe(fds), 0);
                pid = fork();
                assert_true(pid >= 0);
                if (pid == 0)
                        child_main(folder, highest + 100, fds[1]);
                close(fds[1]);
                for (unsigned n = 0; read(fds[0], &number, sizeof(number)) == sizeof(number); n++) {
                        assert_true(number < LIMIT);
                        acknowledged[number] = 1;
                        highest = number > highest ? number : highest;
                        if (n == stop_after)
                                kill(pid, SIGKILL);
                }
                close(fds[0]);
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_true(WIFSIGNALED(status));
                check_store(folder, acknowledged, LIMIT);
        }
        assert_true(highest > 0);
        free(acknowledged);
        scratch_remove(folder);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(killed_at_any_moment) };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
