/* The etcd engine against members that lose, delay, repeat, cut and forge their answers. Real members are met
 * by test_store with a folder, which tests/run/etcd.sh runs. */
#include "test.h"
#include "fake_etcd.h"

#include <stdatomic.h>

struct fixture {
        struct fake *fake;
        struct store *store;
        struct err err;
};

static struct store *open_over(struct fixture *f)
{
        struct store_config config = { .engine = "etcd", .prefix = "/t/", .node = 1 };
        void *self = etcd_open_over(&config, fake_wire(f->fake), &f->err);

        return self ? store_over(&store_etcd_engine, self, &f->err) : NULL;
}

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));

        f->fake = fake_make();
        f->store = open_over(f);
        assert_non_null(f->store);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        store_close(&f->store);
        fake_free(f->fake);
        free(f);
        return 0;
}

static enum store_rc put(struct fixture *f, const char *key, const char *value, store_rev *rev)
{
        struct store_op op = { STORE_PUT, slice_str(key), slice_str(value) };
        struct store_guard absent = { STORE_ABSENT, slice_str(key), 0 };
        struct store_result result;
        enum store_rc rc = store_txn(f->store, &absent, 1, &op, 1, 300, &result, &f->err);

        if (rev)
                *rev = result.rev;
        return rc;
}

static bool is_there(struct fixture *f, const char *key)
{
        char value[FAKE_VALUE_MAX];
        store_rev rev;

        return fake_value(f->fake, key, value, &rev);
}

/* Each fault once: what the caller hears is what is there. */
static void each_fault_is_settled(void **state)
{
        struct fixture *f = *state;
        static const enum fake_fault faults[] = { FAKE_UNSENT, FAKE_LOSE_REQUEST, FAKE_LOSE_ANSWER,
                                                  FAKE_DELAY,  FAKE_REPEAT,       FAKE_TRUNCATE,
                                                  FAKE_GARBLE, FAKE_NO_HEADER };

        for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
                char key[16], value[FAKE_VALUE_MAX];
                store_rev rev = 0, there = 0;

                snprintf(key, sizeof(key), "k%zu", i);
                fake_next(f->fake, faults[i], 1, 0, NULL);
                f->err = ERR_INIT;
                assert_int_equal(put(f, key, "v", &rev), STORE_OK);
                assert_int_equal(f->err.id, 0); /* nothing is left of the try that failed */
                assert_true(fake_value(f->fake, key, value, &there));
                assert_string_equal(value, "v");
                assert_int_equal(rev, there);
        }
}

/* 0 is no status; 4, 14 and their like leave it open; the rest say that nothing was done. */
static void each_status_is_settled(void **state)
{
        struct fixture *f = *state;

        for (int status = 1; status <= 17; status++) {
                for (int done = 0; done <= 1; done++) {
                        char key[16];
                        enum store_rc rc;

                        snprintf(key, sizeof(key), "s%d.%d", status, done);
                        if (done && etcd_status_outcome(status) == ETCD_REFUSED)
                                continue; /* etcd does not say so of what it did */
                        fake_next(f->fake, done ? FAKE_STATUS_DONE : FAKE_STATUS, 1, status, "words");
                        rc = put(f, key, "v", NULL);
                        assert_int_equal(rc,
                                         etcd_status_outcome(status) == ETCD_REFUSED ? STORE_IO : STORE_OK);
                        assert_true(is_there(f, key) == (rc == STORE_OK));
                }
        }
}

static void refusals_have_their_code_and_cure(void **state)
{
        struct fixture *f = *state;
        static const struct {
                int status;
                const char *words;
                enum store_rc rc;
                const char *cure;
        } rows[] = {
                { 7, "etcdserver: permission denied", STORE_IO, "role" },
                { 3, "etcdserver: request is too large", STORE_LIMIT, "--max-request-bytes" },
                { 8, "etcdserver: too many requests", STORE_OK, NULL }, /* tried again */
                /* Last, as its lane is settled before it is used again. */
                { 8, "etcdserver: mvcc: database space exceeded", STORE_FULL, "defragment" },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                char key[16];

                snprintf(key, sizeof(key), "r%zu", i);
                fake_next(f->fake, FAKE_STATUS, 1, rows[i].status, rows[i].words);
                assert_int_equal(put(f, key, "v", NULL), rows[i].rc);
                if (rows[i].cure)
                        assert_non_null(strstr(f->err.detail, rows[i].cure));
                assert_true(is_there(f, key) == (rows[i].rc == STORE_OK));
        }
}

/* The transaction that fills etcd up is made and refused in one; it must not look like another process's. */
static void the_write_that_fills_etcd_is_told_as_it_is(void **state)
{
        struct fixture *f = *state;
        store_rev rev = 0;

        fake_fill(f->fake, true);
        assert_int_equal(put(f, "last", "v", &rev), STORE_OK);
        assert_true(is_there(f, "last"));
        for (int i = 0; i < 5; i++) {
                char key[16];

                snprintf(key, sizeof(key), "more%d", i);
                assert_int_equal(put(f, key, "v", NULL), STORE_FULL);
                assert_false(is_there(f, key));
                assert_non_null(strstr(f->err.detail, "defragment"));
        }
        fake_fill(f->fake, false);
        for (int i = 0; i < 5; i++) {
                char key[16];

                snprintf(key, sizeof(key), "after%d", i);
                assert_int_equal(put(f, key, "v", NULL), STORE_OK);
        }
}

/* The answer to the write that fills etcd up is lost as well: it is there, and that is said. */
static void lost_answers_of_a_full_etcd_are_settled(void **state)
{
        struct fixture *f = *state;

        fake_next(f->fake, FAKE_LOSE_ANSWER, 1, 0, NULL);
        fake_fill(f->fake, true);
        assert_int_equal(put(f, "first", "v", NULL), STORE_OK);
        fake_fill(f->fake, false);
        assert_int_equal(put(f, "second", "v", NULL), STORE_OK);
}

static void nobody_answers(void **state)
{
        struct fixture *f = *state;

        fake_next(f->fake, FAKE_UNSENT, 10000, 0, NULL);
        assert_int_equal(put(f, "k", "v", NULL), STORE_UNAVAIL);
        assert_int_equal(f->err.id, ERR_RETRY);
        /* Nothing comes back at all, and nothing can settle it: the caller is told so. The lane that it used
         * is settled before anything else uses it. */
        fake_next(f->fake, FAKE_LOSE_ANSWER, 10000, 0, NULL);
        assert_int_equal(put(f, "k", "v", NULL), STORE_UNKNOWN);
        fake_next(f->fake, FAKE_NONE, 0, 0, NULL);
        assert_int_equal(put(f, "k2", "v", NULL), STORE_OK);
        assert_true(is_there(f, "k"));
}

static void conflict_tells_which_guard(void **state)
{
        struct fixture *f = *state;
        struct store_op op = { STORE_PUT, SLICE_LIT("b"), SLICE_LIT("1") };
        struct store_guard guards[] = { { STORE_EXISTS, SLICE_LIT("a"), 0 },
                                        { STORE_ABSENT, SLICE_LIT("a"), 0 } };
        struct store_result result;
        store_rev rev;

        assert_int_equal(put(f, "a", "1", &rev), STORE_OK);
        assert_int_equal(store_txn(f->store, guards, 2, &op, 1, 300, &result, &f->err), STORE_CONFLICT);
        assert_int_equal(result.guard, 1);
        assert_int_equal(result.guard_rev, rev);
}

static void older_or_foreign_cluster_ends_it(void **state)
{
        struct fixture *f = *state;

        for (int foreign = 0; foreign <= 1; foreign++) {
                assert_int_equal(put(f, foreign ? "a2" : "a1", "v", NULL), STORE_OK);
                if (!foreign) { /* a few older answers are stray ones */
                        fake_next(f->fake, FAKE_OLDER, 5, 0, NULL);
                        assert_int_equal(put(f, "a3", "v", NULL), STORE_OK);
                }
                fake_next(f->fake, foreign ? FAKE_FOREIGN : FAKE_OLDER, foreign ? 1 : 6, 0, NULL);
                assert_int_equal(put(f, "b", "v", NULL), STORE_DAMAGED);
                assert_int_equal(f->err.id, ERR_STORE_DAMAGED);
                assert_int_equal(put(f, "c", "v", NULL), STORE_DAMAGED);
                store_close(&f->store);
                f->store = open_over(f);
                assert_non_null(f->store);
        }
}

static void older_process_of_the_node_is_out(void **state)
{
        struct fixture *f = *state, g = { .fake = f->fake };

        g.store = open_over(&g);
        assert_non_null(g.store);
        assert_int_equal(put(&g, "new", "v", NULL), STORE_OK);
        assert_int_equal(put(f, "old", "v", NULL), STORE_IO);
        assert_false(is_there(f, "old"));
        assert_non_null(strstr(f->err.detail, "another process"));
        assert_int_equal(put(&g, "newer", "v", NULL), STORE_OK);
        store_close(&g.store);
}

/* Eight threads, each try with one chance in five of trouble: what was acknowledged is there, once, at its
 * revision; what was refused is not. */
struct storm {
        struct fixture *f;
        unsigned number, acknowledged, refused, unknown;
        bool wrong;
        char trouble[400];
};

static void *storm_main(void *arg)
{
        struct storm *s = arg;
        struct fixture f = *s->f;

        f.err.id = ERR_NONE;
        for (unsigned i = 0; i < 150; i++) {
                char key[32];
                store_rev rev = 0, there = 0;
                char value[FAKE_VALUE_MAX];
                bool found;
                enum store_rc rc;

                snprintf(key, sizeof(key), "w%u/%u", s->number, i);
                rc = put(&f, key, "v", &rev);
                found = fake_value(f.fake, key, value, &there);
                s->acknowledged += rc == STORE_OK;
                s->refused += rc == STORE_UNAVAIL;
                s->unknown += rc == STORE_UNKNOWN;
                s->wrong = s->wrong ||
                           (rc == STORE_OK ? !found || there != rev : rc == STORE_UNAVAIL && found) ||
                           (rc != STORE_OK && rc != STORE_UNAVAIL && rc != STORE_UNKNOWN);
                if (s->wrong) {
                        snprintf(s->trouble, sizeof(s->trouble),
                                 "%s: rc %d, rev %lld, found %d at %lld: %.200s", key, (int)rc,
                                 (long long)rev, found, (long long)there, f.err.detail);
                        break;
                }
        }
        return NULL;
}

static void storm_leaves_no_doubt(void **state)
{
        struct fixture *f = *state;
        struct storm storms[8];
        pthread_t threads[8];
        unsigned acknowledged = 0;

        fake_storm(f->fake,
                   1u << FAKE_UNSENT | 1u << FAKE_LOSE_REQUEST | 1u << FAKE_LOSE_ANSWER | 1u << FAKE_DELAY |
                       1u << FAKE_TRUNCATE | 1u << FAKE_GARBLE | 1u << FAKE_REPEAT | 1u << FAKE_NO_HEADER |
                       1u << FAKE_OLDER,
                   200, 20261124);
        for (unsigned i = 0; i < 8; i++) {
                storms[i] = (struct storm){ .f = f, .number = i };
                assert_int_equal(pthread_create(&threads[i], NULL, storm_main, &storms[i]), 0);
        }
        for (unsigned i = 0; i < 8; i++) {
                pthread_join(threads[i], NULL);
                if (storms[i].wrong)
                        print_error("%s\n", storms[i].trouble);
                assert_false(storms[i].wrong);
                assert_int_equal(storms[i].unknown, 0);
                acknowledged += storms[i].acknowledged;
        }
        assert_true(acknowledged > 1000);
        assert_true(fake_calls(f->fake) > 1200 + 200);
}

/* ---- followers ---- */
struct feed {
        _Atomic store_rev last;
        _Atomic unsigned events, resets, ups, downs;
        _Atomic bool wrong;
};

static void feed_events(void *arg, store_rev rev, const struct store_event *events, size_t n)
{
        struct feed *feed = arg;

        if (rev <= feed->last)
                feed->wrong = true;
        for (size_t i = 0; i < n; i++) {
                if (events[i].rev != rev)
                        feed->wrong = true;
        }
        feed->last = rev;
        feed->events += (unsigned)n;
}

static void feed_reset(void *arg)
{
        ((struct feed *)arg)->resets++;
}

static void feed_link(void *arg, bool up)
{
        if (up)
                ((struct feed *)arg)->ups++;
        else
                ((struct feed *)arg)->downs++;
}

static struct store_watch *follow(struct fixture *f, struct feed *feed)
{
        struct store_follower follower = { feed_events, feed_reset, feed_link, feed };
        struct store_watch *w = NULL;

        assert_int_equal(store_follow(f->store, 0, &follower, &w, &f->err), STORE_OK);
        return w;
}

/* Waits for what another thread does; the test's time limit ends it when it never comes. */
#define WAIT_FOR(condition)                                                                                  \
        while (!(condition))                                                                                 \
        nanosleep(&(struct timespec){ .tv_nsec = 1000000L }, NULL)

static void cut_and_doubled_streams_lose_nothing(void **state)
{
        struct fixture *f = *state;
        struct feed feed = { 0 };
        struct store_watch *w;
        char key[16];

        fake_cut_streams(f->fake, 3);
        fake_double_streams(f->fake, true);
        w = follow(f, &feed);
        for (int i = 0; i < 12; i++) {
                snprintf(key, sizeof(key), "k%d", i);
                assert_int_equal(put(f, key, "v", NULL), STORE_OK);
        }
        WAIT_FOR(feed.events == 12);
        store_unfollow(&w);
        assert_false(feed.wrong);
        assert_true(fake_streams(f->fake) > 3);
        assert_true(feed.ups > 1 && feed.downs > 1);
        assert_int_equal(feed.resets, 0);
}

static void silent_stream_is_given_up(void **state)
{
        struct fixture *f = *state;
        struct feed feed = { 0 };
        struct store_watch *w = follow(f, &feed);
        unsigned before;

        fake_silence(f->fake, true);
        before = fake_streams(f->fake);
        assert_int_equal(put(f, "k", "v", NULL),
                         STORE_OK); /* committed; memory follows when the feed is back */
        WAIT_FOR(feed.downs == 1);
        WAIT_FOR(fake_streams(f->fake) > before);
        assert_int_equal(feed.events, 0);
        fake_silence(f->fake, false);
        WAIT_FOR(feed.events == 1 && feed.ups == 2);
        store_unfollow(&w);
        assert_false(feed.wrong);
}

static void quiet_stream_is_asked_and_stays(void **state)
{
        struct fixture *f = *state;
        struct feed feed = { 0 };
        struct store_watch *w = follow(f, &feed);
        unsigned streams = fake_streams(f->fake);
        int64_t until = etcd_now_ms() + 2 * ETCD_SILENCE_MS;

        WAIT_FOR(etcd_now_ms() > until);
        assert_int_equal(fake_streams(f->fake), streams);
        assert_int_equal(feed.downs, 0);
        store_unfollow(&w);
}

static void lost_history_and_other_clusters_reset(void **state)
{
        struct fixture *f = *state;
        struct feed feed = { 0 }, second = { 0 };
        struct store_watch *w = follow(f, &feed);

        fake_cut_streams(f->fake, 1);
        assert_int_equal(put(f, "a", "v", NULL), STORE_OK);
        WAIT_FOR(feed.downs > 0);
        fake_silence(f->fake, true);
        for (int i = 0; i < 3; i++) {
                char key[16];
                snprintf(key, sizeof(key), "b%d", i);
                assert_int_equal(put(f, key, "v", NULL), STORE_OK);
        }
        fake_compact(f->fake);
        fake_silence(f->fake, false);
        WAIT_FOR(feed.resets == 1);
        store_unfollow(&w);
        fake_cut_streams(f->fake, 0);

        struct store_follower follower = { feed_events, feed_reset, feed_link, &second };
        store_rev now;
        assert_int_equal(store_barrier(f->store, 300, &now, &f->err), STORE_OK);
        assert_int_equal(store_follow(f->store, now, &follower, &w, &f->err), STORE_OK);
        fake_replace(f->fake);
        assert_int_not_equal(put(f, "c", "v", NULL), STORE_OK);
        WAIT_FOR(second.resets == 1);
        store_unfollow(&w);
}

/* ---- framing ---- */
static void frames_are_whole_or_nothing(void **state)
{
        const struct {
                struct slice bytes;
                int found;
        } rows[] = {
                { SLICE_LIT(""), 0 },
                { SLICE_LIT("\0\0\0\0"), 0 },
                { SLICE_LIT("\0\0\0\0\0"), 1 },
                { SLICE_LIT("\0\0\0\0\2a"), 0 },
                { SLICE_LIT("\0\0\0\0\2ab"), 1 },
                { SLICE_LIT("\0\0\0\0\1ab"), 1 },
                { SLICE_LIT("\1\0\0\0\1a"), -1 }, /* compressed */
                { SLICE_LIT("\1"), -1 },
                { SLICE_LIT("\0\xff\xff\xff\xff"), -1 },
        };
        char words[8];

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct slice message;
                size_t consumed = 0;

                assert_int_equal(etcd_frame_next(rows[i].bytes, &message, &consumed), rows[i].found);
                assert_int_equal(etcd_frame_one(rows[i].bytes, &message),
                                 rows[i].found == 1 && consumed == rows[i].bytes.n);
        }
        etcd_status_words(SLICE_LIT("a%20b%zz%0"), words, sizeof(words));
        assert_string_equal(words, "a b%zz%");
        etcd_status_words(SLICE_LIT("\n\x80"), words, sizeof(words));
        assert_string_equal(words, "??");
}

static struct store_health health_of(struct fixture *f)
{
        struct store_health health;

        assert_int_equal(store_health(f->store, &health, &f->err), STORE_OK);
        assert_string_equal(health.engine, "etcd");
        assert_int_equal(health.members, 3);
        return health;
}

/* Changes are possible when most members answer and one of them has a leader. */
static void members_say_how_they_are(void **state)
{
        struct fixture *f = *state;
        struct store_health health;
        store_rev rev;

        assert_int_equal(put(f, "a", "1", &rev), STORE_OK);
        health = health_of(f);
        assert_int_equal(health.answering, 3);
        assert_true(health.changes_possible);
        assert_true(health.rev >= rev);
        assert_int_not_equal(health.identity, 0);
        fake_next(f->fake, FAKE_UNSENT, 1, 0, NULL);
        health = health_of(f);
        assert_int_equal(health.answering, 2);
        assert_true(health.changes_possible);
        fake_next(f->fake, FAKE_LOSE_ANSWER, 2, 0, NULL);
        health = health_of(f);
        assert_int_equal(health.answering, 1);
        assert_false(health.changes_possible);
        /* All answer, none has a leader. */
        fake_next(f->fake, FAKE_STATUS, 3, 14, "etcdserver: no leader");
        health = health_of(f);
        assert_int_equal(health.answering, 3);
        assert_false(health.changes_possible);
        fake_next(f->fake, FAKE_GARBLE, 1, 0, NULL);
        assert_int_equal(health_of(f).answering, 2);
        fake_next(f->fake, FAKE_NO_HEADER, 3, 0, NULL);
        health = health_of(f);
        assert_int_equal(health.answering, 0);
        assert_int_equal(health.rev, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(each_fault_is_settled),
                TEST(each_status_is_settled),
                TEST(refusals_have_their_code_and_cure),
                TEST(the_write_that_fills_etcd_is_told_as_it_is),
                TEST(lost_answers_of_a_full_etcd_are_settled),
                TEST(nobody_answers),
                TEST(conflict_tells_which_guard),
                TEST(older_or_foreign_cluster_ends_it),
                TEST(older_process_of_the_node_is_out),
                TEST(storm_leaves_no_doubt),
                TEST(cut_and_doubled_streams_lose_nothing),
                TEST(silent_stream_is_given_up),
                TEST(quiet_stream_is_asked_and_stays),
                TEST(lost_history_and_other_clusters_reset),
                TEST(members_say_how_they_are),
                cmocka_unit_test(frames_are_whole_or_nothing),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
