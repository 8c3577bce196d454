/* What any engine must do. Without arguments it runs with SQLite; `test_store FOLDER` with the etcd members
 * of that folder, as scripts/dev-etcd makes it. */
#include "test.h"
#include "store/store.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

static const char *etcd; /* the members' folder; NULL: SQLite */

struct fixture {
        char *folder;
        struct store *store;
        store_rev base; /* the revision before the test's first change: etcd counts for all its tenants */
        struct err err;
};

/* One open of etcd, below a prefix that is the fixture's own. */
static struct store *open_etcd(struct fixture *f)
{
        static char members[1024];
        char ca[200], certificate[200], key[200], prefix[100];
        int fd, n;

        snprintf(ca, sizeof(ca), "%s/members", etcd);
        fd = open(ca, O_RDONLY);
        assert_true(fd >= 0);
        n = (int)read(fd, members, sizeof(members) - 1);
        assert_true(n > 0);
        members[n] = '\0';
        close(fd);
        snprintf(ca, sizeof(ca), "%s/ca.crt", etcd);
        snprintf(certificate, sizeof(certificate), "%s/node1.crt", etcd);
        snprintf(key, sizeof(key), "%s/node1.key", etcd);
        snprintf(prefix, sizeof(prefix), "/chsm/%s/", strrchr(f->folder, '/') + 1);
        struct store_config config = { .engine = "etcd",
                                       .members = members,
                                       .ca = ca,
                                       .certificate = certificate,
                                       .key = key,
                                       .prefix = prefix,
                                       .node = 1 };
        return store_open(&config, &f->err);
}

static struct store *open_at(struct fixture *f)
{
        struct store_config config = { .engine = "sqlite", .path = f->folder };

        return etcd ? open_etcd(f) : store_open(&config, &f->err);
}

static void open_again(struct fixture *f)
{
        struct store_status status;

        f->store = open_at(f);
        if (!f->store)
                print_error("%s\n", f->err.detail);
        assert_non_null(f->store);
        assert_int_equal(store_status(f->store, &status, &f->err), STORE_OK);
        f->base = status.rev;
}

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));

        f->folder = scratch_make();
        open_again(f);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        store_close(&f->store);
        scratch_remove(f->folder);
        free(f);
        return 0;
}

static enum store_rc put(struct fixture *f, const char *key, const char *value, store_rev *rev)
{
        struct store_op op = { STORE_PUT, slice_str(key), slice_str(value) };
        struct store_result result;
        enum store_rc rc = store_txn(f->store, NULL, 0, &op, 1, 10000, &result, &f->err);

        if (rev)
                *rev = result.rev;
        return rc;
}

struct seen {
        char text[4096];
        store_rev at, base;
        unsigned count, stop_after;
};

static bool seen_visit(void *arg, const struct store_event *e)
{
        struct seen *s = arg;
        size_t used = strlen(s->text);

        snprintf(s->text + used, sizeof(s->text) - used, "%.*s=%.*s@%lld ", (int)e->key.n,
                 (const char *)e->key.p, (int)e->value.n, (const char *)e->value.p,
                 (long long)(e->rev - s->base));
        return ++s->count != s->stop_after;
}

static void loads_in_order_at_one_revision(void **state)
{
        struct fixture *f = *state;
        struct seen s = { .base = f->base };

        assert_int_equal(put(f, "b", "2", NULL), STORE_OK);
        assert_int_equal(put(f, "a/2", "y", NULL), STORE_OK);
        assert_int_equal(put(f, "a/1", "x", NULL), STORE_OK);
        assert_int_equal(put(f, "a/2", "z", NULL), STORE_OK);
        assert_int_equal(store_load(f->store, SLICE_EMPTY, seen_visit, &s, &s.at, &f->err), STORE_OK);
        assert_string_equal(s.text, "a/1=x@3 a/2=z@4 b=2@1 ");
        assert_int_equal(s.at, f->base + 4);
        s = (struct seen){ .base = f->base, .stop_after = 1 };
        assert_int_equal(store_load(f->store, SLICE_LIT("a/"), seen_visit, &s, &s.at, &f->err), STORE_OK);
        assert_string_equal(s.text, "a/1=x@3 ");
}

static void guards_of_each_kind(void **state)
{
        struct fixture *f = *state;
        struct store_op op = { STORE_PUT, SLICE_LIT("k2"), SLICE_LIT("v") };
        const struct {
                struct store_guard guard;
                enum store_rc rc;
        } rows[] = {
                { { STORE_ABSENT, SLICE_LIT("none"), 0 }, STORE_OK },
                { { STORE_ABSENT, SLICE_LIT("k"), 0 }, STORE_CONFLICT },
                { { STORE_EXISTS, SLICE_LIT("k"), 0 }, STORE_OK },
                { { STORE_EXISTS, SLICE_LIT("none"), 0 }, STORE_CONFLICT },
                { { STORE_REV_IS, SLICE_LIT("k"), f->base + 1 }, STORE_OK },
                { { STORE_REV_IS, SLICE_LIT("k"), f->base + 2 }, STORE_CONFLICT },
        };
        struct store_result result;

        assert_int_equal(put(f, "k", "v", NULL), STORE_OK);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct store_guard guards[] = { { STORE_EXISTS, SLICE_LIT("k"), 0 }, rows[i].guard };
                assert_int_equal(store_txn(f->store, guards, 2, &op, 1, 10000, &result, &f->err), rows[i].rc);
                if (rows[i].rc == STORE_CONFLICT) {
                        assert_int_equal(result.guard, 1);
                        assert_int_equal(result.guard_rev,
                                         slice_equal(rows[i].guard.key, SLICE_LIT("k")) ? f->base + 1 : 0);
                }
        }
}

static void refused_transaction_changes_nothing(void **state)
{
        struct fixture *f = *state;
        struct store_guard guard = { STORE_EXISTS, SLICE_LIT("none"), 0 };
        struct store_op ops[] = { { STORE_PUT, SLICE_LIT("a"), SLICE_LIT("1") },
                                  { STORE_DELETE, SLICE_LIT("k"), SLICE_EMPTY } };
        struct store_result result;
        struct seen s = { .base = f->base };

        assert_int_equal(put(f, "k", "v", NULL), STORE_OK);
        assert_int_equal(store_txn(f->store, &guard, 1, ops, 2, 10000, &result, &f->err), STORE_CONFLICT);
        assert_int_equal(store_load(f->store, SLICE_EMPTY, seen_visit, &s, &s.at, &f->err), STORE_OK);
        assert_string_equal(s.text, "k=v@1 ");
        assert_int_equal(s.at, f->base + 1);
}

static void limits_hold_at_the_edge(void **state)
{
        struct fixture *f = *state;
        static uint8_t big[STORE_TXN_MAX];
        struct store_op ops[STORE_OPS_MAX + 1];
        uint8_t keys[STORE_OPS_MAX + 1][2];
        struct store_result result;
        struct store_op one = { STORE_PUT, slice_of(big, STORE_KEY_MAX), slice_of(big, STORE_VALUE_MAX) };

        assert_int_equal(store_txn(f->store, NULL, 0, &one, 1, 10000, &result, &f->err), STORE_OK);
        one.value.n++;
        assert_int_equal(store_txn(f->store, NULL, 0, &one, 1, 10000, &result, &f->err), STORE_LIMIT);
        one = (struct store_op){ STORE_PUT, slice_of(big, STORE_KEY_MAX + 1), SLICE_EMPTY };
        assert_int_equal(store_txn(f->store, NULL, 0, &one, 1, 10000, &result, &f->err), STORE_LIMIT);
        for (size_t i = 0; i <= STORE_OPS_MAX; i++) {
                keys[i][0] = 'k';
                keys[i][1] = (uint8_t)i;
                ops[i] = (struct store_op){ STORE_PUT, slice_of(keys[i], 2), SLICE_LIT("v") };
        }
        assert_int_equal(store_txn(f->store, NULL, 0, ops, STORE_OPS_MAX, 10000, &result, &f->err), STORE_OK);
        assert_int_equal(store_txn(f->store, NULL, 0, ops, STORE_OPS_MAX + 1, 10000, &result, &f->err),
                         STORE_LIMIT);
        keys[1][1] = keys[0][1];
        assert_int_equal(store_txn(f->store, NULL, 0, ops, 2, 10000, &result, &f->err), STORE_LIMIT);
        for (size_t i = 0; i < 5; i++)
                ops[i] =
                    (struct store_op){ STORE_PUT, slice_of(keys[i + 1], 2), slice_of(big, STORE_VALUE_MAX) };
        assert_int_equal(store_txn(f->store, NULL, 0, ops, 5, 10000, &result, &f->err), STORE_LIMIT);
}

/* Eight writers and followers: every revision once, in order, without gap. */
struct feed {
        store_rev last;
        size_t events;
        bool wrong;
};

static void feed_events(void *arg, store_rev rev, const struct store_event *events, size_t n)
{
        struct feed *feed = arg;

        feed->wrong = feed->wrong || rev != feed->last + 1;
        for (size_t i = 0; i < n; i++)
                feed->wrong = feed->wrong || events[i].rev != rev;
        feed->last = rev;
        feed->events += n;
}

static void *writer_main(void *arg)
{
        struct fixture *f = arg;
        static _Atomic int next;
        struct store_result result;
        struct err err = ERR_INIT;

        for (int i = 0; i < 100; i++) {
                char key[32];
                snprintf(key, sizeof(key), "w/%d", atomic_fetch_add(&next, 1));
                struct store_op ops[] = { { STORE_PUT, slice_str(key), SLICE_LIT("v") },
                                          { STORE_PUT, SLICE_LIT("shared"), slice_str(key) } };
                if (store_txn(f->store, NULL, 0, ops, 2, 60000, &result, &err) != STORE_OK)
                        return "failed";
        }
        return NULL;
}

static void feed_has_no_gap_and_no_repeat(void **state)
{
        struct fixture *f = *state;
        struct feed early = { .last = f->base }, late = { .last = f->base };
        struct store_follower follower = { .events = feed_events, .arg = &early };
        struct store_watch *a = NULL, *b = NULL;
        pthread_t threads[8];

        assert_int_equal(store_follow(f->store, f->base, &follower, &a, &f->err), STORE_OK);
        for (int i = 0; i < 8; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, writer_main, f), 0);
        follower.arg = &late;
        assert_int_equal(store_follow(f->store, f->base, &follower, &b, &f->err), STORE_OK);
        for (int i = 0; i < 8; i++) {
                void *trouble;
                assert_int_equal(pthread_join(threads[i], &trouble), 0);
                assert_null(trouble);
        }
        store_unfollow(&a);
        store_unfollow(&b);
        assert_false(early.wrong);
        assert_false(late.wrong);
        assert_true(early.last >= f->base + 800);
        assert_true(late.last >= f->base + 800);
        assert_int_equal(early.events, 1600);
        assert_int_equal(late.events, 1600);
}

static void events_come_before_the_answer(void **state)
{
        struct fixture *f = *state;
        struct feed feed = { 0 };
        struct store_follower follower = { .events = feed_events, .arg = &feed };
        struct store_watch *w = NULL;
        store_rev rev;

        assert_int_equal(store_follow(f->store, f->base, &follower, &w, &f->err), STORE_OK);
        for (int i = 0; i < 20; i++) {
                assert_int_equal(put(f, "k", "v", &rev), STORE_OK);
                assert_int_equal(feed.last, rev);
        }
        store_unfollow(&w);
}

static void compaction_ends_history(void **state)
{
        struct fixture *f = *state;
        struct feed feed = { .last = f->base + 7 };
        struct store_follower follower = { .events = feed_events, .arg = &feed };
        struct store_watch *w = NULL;
        struct store_status status;

        for (int i = 0; i < 10; i++)
                assert_int_equal(put(f, "k", "v", NULL), STORE_OK);
        assert_int_equal(store_compact(f->store, f->base + 8, &f->err), STORE_OK);
        assert_int_equal(store_follow(f->store, f->base + 6, &follower, &w, &f->err), STORE_COMPACTED);
        assert_int_equal(store_follow(f->store, f->base + 7, &follower, &w, &f->err), STORE_OK);
        assert_int_equal(feed.events, 3);
        assert_false(feed.wrong);
        store_unfollow(&w);
        assert_int_equal(store_status(f->store, &status, &f->err), STORE_OK);
        assert_int_equal(status.compacted, f->base + 7);
        assert_int_equal(status.keys, 1);
        assert_true(status.rev >= f->base + 10);
        assert_int_equal(status.rev, feed.last);
}

static void survives_reopening(void **state)
{
        struct fixture *f = *state;
        struct seen s = { .base = f->base };
        store_rev rev, now;

        assert_int_equal(put(f, "k", "v", &rev), STORE_OK);
        store_close(&f->store);
        open_again(f);
        assert_int_equal(store_barrier(f->store, 1000, &now, &f->err), STORE_OK);
        assert_true(now >= rev);
        assert_int_equal(store_load(f->store, SLICE_EMPTY, seen_visit, &s, &s.at, &f->err), STORE_OK);
        assert_string_equal(s.text, "k=v@1 ");
}

static void second_opener_is_refused(void **state)
{
        struct fixture *f = *state;

        assert_null(open_at(f));
        assert_int_equal(f->err.id, ERR_STORE);
        assert_non_null(strstr(f->err.detail, "in use by process"));
}

static void damaged_database_is_named(void **state)
{
        struct fixture *f = *state;
        char path[200];
        int fd;

        assert_int_equal(put(f, "k", "v", NULL), STORE_OK);
        store_close(&f->store);
        snprintf(path, sizeof(path), "%s/partition.db", f->folder);
        fd = open(path, O_WRONLY);
        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, "rubbish where the header was, long enough", 40, 0), 40);
        close(fd);
        assert_null(open_at(f));
        assert_int_equal(f->err.id, ERR_STORE_DAMAGED);
        assert_non_null(strstr(f->err.detail, "partition.db"));
}

static void unknown_engine_is_named(void **state)
{
        struct fixture *f = *state;
        struct store_config config = { .engine = "punched-cards", .path = f->folder };

        assert_null(store_open(&config, &f->err));
        assert_int_equal(f->err.id, ERR_CONFIG);
        assert_non_null(strstr(f->err.detail, "punched-cards"));
}

static int backup_file(struct fixture *f, char path[200])
{
        store_rev at;
        int fd;

        snprintf(path, 200, "%s/backup", f->folder);
        fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(store_backup(f->store, fd, &at, &f->err), STORE_OK);
        return fd;
}

/* "a=1@1 b=@2 " becomes "a=1 b= ". */
static void revisions_off(char *text)
{
        char *to = text;

        for (const char *p = text; *p; p++) {
                if (*p == '@')
                        p += strcspn(p, " ");
                *to++ = *p;
        }
        *to = '\0';
}

static void restored_elsewhere_is_equal(void **state)
{
        struct fixture *f = *state, g = { .folder = scratch_make() };
        struct seen a = { .base = f->base }, b = { 0 };
        char path[200];
        int fd;

        assert_int_equal(put(f, "a", "1", NULL), STORE_OK);
        assert_int_equal(put(f, "b", "", NULL), STORE_OK);
        fd = backup_file(f, path);
        open_again(&g);
        b.base = g.base;
        lseek(fd, 0, SEEK_SET);
        assert_int_equal(store_restore(g.store, fd, NULL, NULL, &g.err), STORE_OK);
        assert_int_equal(store_load(f->store, SLICE_EMPTY, seen_visit, &a, &a.at, &f->err), STORE_OK);
        assert_int_equal(store_load(g.store, SLICE_EMPTY, seen_visit, &b, &b.at, &g.err), STORE_OK);
        revisions_off(a.text);
        revisions_off(b.text);
        assert_string_equal(a.text, b.text);
        lseek(fd, 0, SEEK_SET);
        assert_int_equal(store_restore(g.store, fd, NULL, NULL, &g.err), STORE_CONFLICT);
        close(fd);
        store_close(&g.store);
        scratch_remove(g.folder);
}

static void damaged_backup_changes_nothing(void **state)
{
        struct fixture *f = *state, g = { .folder = scratch_make() };
        struct stat st;
        char path[200];
        int fd;

        assert_int_equal(put(f, "a", "1", NULL), STORE_OK);
        assert_int_equal(put(f, "b", "2", NULL), STORE_OK);
        fd = backup_file(f, path);
        open_again(&g);
        fstat(fd, &st);
        for (off_t i = 0; i < st.st_size; i++) {
                struct store_status status;
                uint8_t byte, flipped;

                assert_int_equal(pread(fd, &byte, 1, i), 1);
                flipped = byte ^ 1;
                assert_int_equal(pwrite(fd, &flipped, 1, i), 1);
                lseek(fd, 0, SEEK_SET);
                assert_int_equal(store_restore(g.store, fd, NULL, NULL, &g.err), STORE_DAMAGED);
                assert_int_equal(pwrite(fd, &byte, 1, i), 1);
                store_status(g.store, &status, &g.err);
                assert_int_equal(status.keys, 0);
        }
        for (off_t n = 0; n < st.st_size; n++) {
                assert_int_equal(ftruncate(fd, st.st_size - 1 - n), 0);
                lseek(fd, 0, SEEK_SET);
                assert_int_equal(store_restore(g.store, fd, NULL, NULL, &g.err), STORE_DAMAGED);
        }
        close(fd);
        store_close(&g.store);
        scratch_remove(g.folder);
}

/* What an etcd cluster answers wrongly, and how one is lost, is in test_etcd.c; here is the real one. */
static void newest_opener_of_a_node_writes(void **state)
{
        struct fixture *f = *state, g = { .folder = f->folder };

        open_again(&g);
        assert_int_equal(put(f, "k", "old", NULL), STORE_IO);
        assert_non_null(strstr(f->err.detail, "another process"));
        assert_int_equal(put(f, "k", "old", NULL), STORE_IO);
        assert_int_equal(put(&g, "k", "new", NULL), STORE_OK);
        store_close(&g.store);
}

static void etcd_configuration_is_checked(void **state)
{
        static const struct {
                struct store_config config;
                const char *words;
        } rows[] = {
                { { .engine = "etcd", .prefix = "/chsm/" }, "no etcd member" },
                { { .engine = "etcd", .prefix = "/chsm/", .members = "http://127.0.0.1:1" },
                  "mutual TLS only" },
                { { .engine = "etcd", .prefix = "/chsm/", .members = "https://127.0.0.1:1" }, "CA file" },
                { { .engine = "etcd",
                    .members = "https://127.0.0.1:1",
                    .ca = "x",
                    .certificate = "x",
                    .key = "x" },
                  "prefix" },
                { { .engine = "etcd",
                    .prefix = "/chsm",
                    .members = "https://127.0.0.1:1",
                    .ca = "x",
                    .certificate = "x",
                    .key = "x" },
                  "ends with '/'" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct err err = ERR_INIT;
                assert_null(store_open(&rows[i].config, &err));
                assert_int_equal(err.id, ERR_CONFIG);
                assert_non_null(strstr(err.detail, rows[i].words));
        }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define ANY_ENGINE                                                                                           \
        TEST(loads_in_order_at_one_revision), TEST(guards_of_each_kind),                                     \
            TEST(refused_transaction_changes_nothing), TEST(limits_hold_at_the_edge),                        \
            TEST(feed_has_no_gap_and_no_repeat), TEST(events_come_before_the_answer),                        \
            TEST(compaction_ends_history), TEST(survives_reopening), TEST(restored_elsewhere_is_equal),      \
            TEST(damaged_backup_changes_nothing)

int main(int argc, char **argv)
{
        const struct CMUnitTest sqlite_tests[] = {
                ANY_ENGINE,
                TEST(second_opener_is_refused),
                TEST(damaged_database_is_named),
                TEST(unknown_engine_is_named),
                cmocka_unit_test(etcd_configuration_is_checked),
        };
        const struct CMUnitTest etcd_tests[] = { ANY_ENGINE, TEST(newest_opener_of_a_node_writes) };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        etcd = argc > 1 ? argv[1] : NULL;
        return etcd ? cmocka_run_group_tests(etcd_tests, NULL, NULL)
                    : cmocka_run_group_tests(sqlite_tests, NULL, NULL);
}
