/* The store's operator edits, swaps, removes and puts back records: each is noticed, named and not used. And
 * the store that forgets to tell: what was missed is taken in. */
#include "stored.h"

/* ---- the operator ---- */

struct record {
        uint8_t key[64], value[8192];
        size_t key_n, value_n;
};

struct wanted {
        const char *prefix;
        unsigned skip;
        struct record *out;
        bool found;
};

static bool pick(void *arg, const struct store_event *e)
{
        struct wanted *w = arg;
        size_t n = strlen(w->prefix);

        if (e->key.n < n || memcmp(e->key.p, w->prefix, n) != 0 || w->skip-- > 0)
                return true;
        assert_true(e->key.n <= sizeof(w->out->key) && e->value.n <= sizeof(w->out->value));
        memcpy(w->out->key, e->key.p, w->out->key_n = e->key.n);
        memcpy(w->out->value, e->value.p, w->out->value_n = e->value.n);
        w->found = true;
        return false;
}

static struct record record_of(struct fixture *f, const char *prefix, unsigned skip)
{
        struct record r;
        struct wanted w = { prefix, skip, &r, false };
        store_rev at;

        assert_int_equal(store_load(f->hsm->store, SLICE_EMPTY, pick, &w, &at, &f->hsm->err), STORE_OK);
        assert_true(w.found);
        return r;
}

/* Into the place of `at`, the value of `what`; NULL: removed. */
static void edit(struct fixture *f, const struct record *at, const struct record *what)
{
        struct store_op op = { what ? STORE_PUT : STORE_DELETE, slice_of(at->key, at->key_n), SLICE_EMPTY };
        struct store_result result;

        if (what)
                op.value = slice_of(what->value, what->value_n);
        assert_int_equal(store_txn(f->hsm->store, NULL, 0, &op, 1, 3000, &result, &f->hsm->err), STORE_OK);
}

static struct vault_metrics metrics(struct fixture *f)
{
        struct vault_metrics m;

        vault_metrics(f->hsm->vault, &m);
        return m;
}

static uint32_t login_reason(struct fixture *f, const char *user)
{
        struct caller c = caller_new(f->hsm);

        return caller_login(&c, 1, user, "user1234");
}

/* The sweeper's turn; what it found, in words. */
static const char *swept(struct fixture *f)
{
        f->hsm->mono_more += 61000;
        f->hsm->err = ERR_INIT;
        return vault_sweep(f->hsm->vault, &f->hsm->err) ? "" : f->hsm->err.detail;
}

/* Out of service, with an alarm, and not to be opened again: words name the record when it is known. */
static void is_noticed(struct fixture *f, const char *words, const char *words_at_start)
{
        struct caller c = caller_new(f->hsm);

        assert_int_not_equal(caller_login(&c, 1, "cu1", "user1234"), 0);
        if (metrics(f).store_alarms == 0) {
                const char *said = swept(f);

                if (!strstr(said, words))
                        fail_msg("'%s' does not say '%s'", said, words);
        }
        assert_true(metrics(f).store_alarms >= 1);
        assert_int_not_equal(caller_login(&c, 1, "cu1", "user1234"), 0);
        assert_false(hsm_reopen(f->hsm, false));
        if (!strstr(f->hsm->err.detail, words_at_start))
                fail_msg("'%s' does not say '%s'", f->hsm->err.detail, words_at_start);
}

static void a_flipped_bit(void **state)
{
        struct fixture *f = *state;
        struct record r = record_of(f, "u/cu1", 0), bad = r;

        bad.value[r.value_n / 2] ^= 1;
        edit(f, &r, &bad);
        is_noticed(f, "u/cu1", "u/cu1");
}

static void two_values_swapped(void **state)
{
        struct fixture *f = *state;
        struct record one = record_of(f, "u/cu1", 0), other = record_of(f, "u/cu2", 0);

        edit(f, &one, &other);
        edit(f, &other, &one);
        is_noticed(f, "u/cu1", "u/cu1");
}

static uint32_t new_password(struct fixture *f, const char *user)
{
        struct caller co = caller_co(f->hsm);

        return change_password(&co, 1, user, "newer1234");
}

/* The old password, which somebody knows, put back. */
static void an_older_value(void **state)
{
        struct fixture *f = *state;
        struct record old = record_of(f, "u/cu1", 0);

        assert_int_equal(login_reason(f, "cu1"), 0);
        assert_int_equal(new_password(f, "cu1"), 0);
        assert_int_not_equal(login_reason(f, "cu1"), 0);
        edit(f, &old, &old);
        assert_int_not_equal(login_reason(f, "cu1"), 0);
        is_noticed(f, "u/cu1", "removed or put back");
}

static void a_record_removed(void **state)
{
        struct fixture *f = *state;
        struct caller cu = caller_cu(f->hsm, "cu1");
        struct named key;
        struct record r;

        assert_int_equal(make_aes(&cu, true, NULL, &key), 0);
        r = record_of(f, "o/", 0);
        edit(f, &r, NULL);
        is_noticed(f, "'o/", "removed or put back");
}

/* A lockout taken back. */
static void a_failure_counter_removed(void **state)
{
        struct fixture *f = *state;
        struct caller c = caller_new(f->hsm);
        struct record r;

        for (int i = 0; i < 5; i++)
                assert_int_not_equal(caller_login(&c, 1, "cu1", "wrong1234"), 0);
        r = record_of(f, "f/cu1", 0);
        edit(f, &r, NULL);
        is_noticed(f, "f/cu1", "removed or put back");
}

/* A page of the books put back with the record that it counted. */
static void a_page_put_back_too(void **state)
{
        struct fixture *f = *state;
        struct record old = record_of(f, "u/cu1", 0), page = record_of(f, "k/", 0);

        assert_int_equal(new_password(f, "cu1"), 0);
        edit(f, &page, &page);
        edit(f, &old, &old);
        is_noticed(f, "", "");
}

static void honest_work(void **state)
{
        struct fixture *f = *state;
        struct caller cu = caller_cu(f->hsm, "cu1");

        for (int i = 0; i < 20; i++) {
                struct named key;

                assert_int_equal(make_aes(&cu, i % 2 == 0, NULL, &key), 0);
                if (i % 3 == 0)
                        assert_int_equal(destroy(&cu, &key), 0);
                if (i % 5 == 0)
                        assert_string_equal(swept(f), "");
        }
        assert_int_equal(new_password(f, "cu1"), 0);
        assert_string_equal(swept(f), "");
        assert_int_equal(metrics(f).store_alarms, 0);
        assert_int_equal(metrics(f).store_repairs, 0);
        assert_true(metrics(f).store_sweeps >= 5);
        assert_true(hsm_reopen(f->hsm, false));
        assert_string_equal(swept(f), "");
}

/* The owner knows why: the books are made anew, and hold from there on. */
static void accepting(void **state)
{
        struct fixture *f = *state;
        struct caller c = caller_new(f->hsm);
        struct record r;

        assert_int_not_equal(caller_login(&c, 1, "cu1", "wrong1234"), 0);
        r = record_of(f, "f/cu1", 0);
        edit(f, &r, NULL);
        assert_false(hsm_reopen(f->hsm, false));
        assert_true(hsm_reopen(f->hsm, true));
        assert_int_equal(login_reason(f, "cu1"), 0);
        assert_int_equal(new_password(f, "cu2"), 0);
        assert_string_equal(swept(f), "");
        assert_true(hsm_reopen(f->hsm, false));
        edit(f, &r, &r);
        is_noticed(f, "", "removed or put back");
}

/* ---- etcd forgets to tell ---- */

/* A key that another node deleted, and one that it made. */
static void swallowed(void **state)
{
        struct fixture *f = *state;
        struct caller cu = caller_cu(f->hsm, "cu1");
        struct named key;

        assert_int_equal(make_aes(&cu, true, NULL, &key), 0);
        assert_string_equal(swept(f), "");
        fake_swallow(f->fake, 1);
        /* The node's own answer waits for the feed, which says nothing: the change is made all the same. */
        (void)destroy(&cu, &key);
        assert_string_equal(swept(f), "");
        assert_true(metrics(f).store_repairs > 0);
        assert_int_equal(metrics(f).store_alarms, 0);
        assert_int_equal(make_aes(&cu, true, NULL, &key), 0);
        assert_string_equal(swept(f), "");
        assert_int_equal(login_reason(f, "cu2"), 0);
        assert_true(hsm_reopen(f->hsm, false));
}

/* History is compacted while the node listens to nobody: it reads everything again, and goes on. */
static void compacted(void **state)
{
        struct fixture *f = *state;
        struct caller cu = caller_cu(f->hsm, "cu1");
        struct named key;
        uint64_t rereads = metrics(f).store_rereads;

        fake_forget(f->fake);
        for (int i = 0; i < 200 && metrics(f).store_rereads == rereads; i++) {
                fake_compact(f->fake);
                (void)make_aes(&cu, true, NULL, &key);
                fake_compact(f->fake);
                f->hsm->err = ERR_INIT;
                (void)vault_sweep(f->hsm->vault, &f->hsm->err);
                fake_cut_streams(f->fake, 1);
        }
        fake_cut_streams(f->fake, 0);
        assert_true(metrics(f).store_rereads > rereads);
        for (int i = 0; i < 50 && make_aes(&cu, true, NULL, &key) != 0; i++) {
                f->hsm->err = ERR_INIT;
                (void)vault_sweep(f->hsm->vault, &f->hsm->err);
        }
        assert_int_equal(make_aes(&cu, true, NULL, &key), 0);
        assert_string_equal(swept(f), "");
        assert_int_equal(metrics(f).store_alarms, 0);
}

/* The feed of etcd is what differs; the rest of it is the same on both. */
#define ON(engine, test)                                                                                     \
        {                                                                                                    \
#test " " #engine, test, engine, end, NULL                                                   \
        }

int main(void)
{
        const struct CMUnitTest tests[] = {
                ON(on_sqlite, a_flipped_bit),
                ON(on_sqlite, two_values_swapped),
                ON(on_sqlite, an_older_value),
                ON(on_etcd, an_older_value),
                ON(on_sqlite, a_record_removed),
                ON(on_etcd, a_record_removed),
                ON(on_sqlite, a_failure_counter_removed),
                ON(on_sqlite, a_page_put_back_too),
                ON(on_sqlite, honest_work),
                ON(on_etcd, honest_work),
                ON(on_sqlite, accepting),
                cmocka_unit_test_setup_teardown(swallowed, on_etcd, end),
                cmocka_unit_test_setup_teardown(compacted, on_etcd, end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
