/* A stage takes the place of the present store in one step, or not at all, wherever the process that does it
 * dies. */
#include "test.h"
#include "fake_etcd.h"

#define RECORDS 150 /* more than one transaction, and more than one page */

static struct store *open_over(struct fake *f, uint32_t node, bool stage, struct err *err)
{
        struct store_config config = { .engine = "etcd", .prefix = "/t/", .node = node, .stage = stage };
        void *self = etcd_open_over(&config, fake_wire(f), err);

        return self ? store_over(&store_etcd_engine, self, err) : NULL;
}

static struct store *opened(struct fake *f, uint32_t node)
{
        struct err err = ERR_INIT;
        struct store *s = open_over(f, node, false, &err);

        if (!s)
                fail_msg("%s", err.detail);
        return s;
}

static store_rev put(struct store *s, const char *key, const char *value)
{
        struct store_op op = { STORE_PUT, slice_str(key), slice_str(value) };
        struct store_result result;
        struct err err = ERR_INIT;

        assert_int_equal(store_txn(s, NULL, 0, &op, 1, 300, &result, &err), STORE_OK);
        return result.rev;
}

static bool fill(struct store *s, struct err *err)
{
        for (unsigned i = 0; i < RECORDS; i += 50) {
                struct store_op ops[50];
                char keys[50][16];
                struct store_result result;

                for (unsigned k = 0; k < 50; k++) {
                        snprintf(keys[k], sizeof(keys[k]), "new/%03u", i + k);
                        ops[k] = (struct store_op){ STORE_PUT, slice_str(keys[k]), slice_str("new") };
                }
                if (store_txn(s, NULL, 0, ops, 50, 50, &result, err) != STORE_OK)
                        return false;
        }
        return true;
}

struct seen {
        size_t old, fresh;
        char last[32];
};

static bool see(void *arg, const struct store_event *e)
{
        struct seen *s = arg;

        assert_true(e->key.n < sizeof(s->last));
        assert_true(slice_compare(e->key, slice_str(s->last)) > 0); /* pages and all, in order */
        memcpy(s->last, e->key.p, e->key.n);
        s->last[e->key.n] = '\0';
        s->old += slice_equal(e->value, SLICE_LIT("old"));
        s->fresh += slice_equal(e->value, SLICE_LIT("new"));
        return true;
}

static struct seen look(struct store *s)
{
        struct seen seen = { .last = "" };
        struct err err = ERR_INIT;
        store_rev at;

        if (store_load(s, SLICE_EMPTY, see, &seen, &at, &err) != STORE_OK)
                fail_msg("%s", err.detail);
        return seen;
}

static bool adopt(struct store **stage, store_rev rev, struct err *err)
{
        struct store_guard guard = { rev ? STORE_REV_IS : STORE_ABSENT, SLICE_LIT("state"), rev };

        return store_adopt(stage, &guard, 1, 50, err) == STORE_OK;
}

static bool restore(struct fake *f, store_rev rev)
{
        struct err err = ERR_INIT;
        struct store *stage = open_over(f, 1, true, &err);

        if (!stage)
                return false;
        if (fill(stage, &err))
                return adopt(&stage, rev, &err);
        store_close(&stage);
        return false;
}

/* The process dies at its first call, its second, and so on: what is opened afterwards is the old store or
 * the new one whole, and when the old one, then the same restore works. */
static void killed_at_any_call(void **state)
{
        bool through = false;
        unsigned before = 0, after = 0;

        (void)state;
        for (unsigned calls = 1; !through; calls++) {
                struct fake *f = fake_make();
                struct store *s = opened(f, 1);
                store_rev rev = put(s, "state", "old");
                struct seen seen;
                bool said;

                put(s, "other", "old");
                fake_cut_off(f, calls);
                said = restore(f, rev);
                through = !fake_is_cut_off(f);
                fake_cut_off(f, 0);
                store_close(&s);
                s = opened(f, 2);
                seen = look(s);
                store_close(&s);
                if (said || seen.fresh) {
                        assert_int_equal(seen.fresh, RECORDS);
                        assert_int_equal(seen.old, 0);
                        after++;
                } else {
                        assert_int_equal(seen.old, 2);
                        assert_true(restore(f, rev));
                        s = opened(f, 1);
                        assert_int_equal(look(s).fresh, RECORDS);
                        store_close(&s);
                        before++;
                }
                fake_free(f);
        }
        assert_true(before > 8 && after > 0);
}

static void a_guard_that_fails_changes_nothing(void **state)
{
        struct fake *f = fake_make();
        struct store *s = opened(f, 1);
        store_rev rev = put(s, "state", "old");

        (void)state;
        assert_false(restore(f, rev + 1));
        assert_false(restore(f, 0));
        put(s, "state", "old");
        assert_false(restore(f, rev));
        assert_int_equal(look(s).old, 1);
        assert_int_equal(look(s).fresh, 0);
        store_close(&s);
        fake_free(f);
}

static void whoever_has_the_old_one_open_changes_nothing_more(void **state)
{
        struct fake *f = fake_make();
        struct store *s = opened(f, 1), *waiting = opened(f, 2);
        store_rev rev = put(s, "state", "old");
        struct store_op op = { STORE_PUT, SLICE_LIT("late"), SLICE_LIT("old") };
        struct store_result result;
        struct err err = ERR_INIT;

        (void)state;
        assert_int_equal(look(waiting).old, 1);
        assert_true(restore(f, rev));
        assert_true(store_txn(s, NULL, 0, &op, 1, 300, &result, &err) != STORE_OK);
        assert_non_null(strstr(err.detail, "start the node again"));
        /* A node that waits to join looks again, finds the new one, and goes on there. */
        assert_int_equal(look(waiting).fresh, RECORDS);
        op.value = SLICE_LIT("new");
        err = ERR_INIT;
        assert_int_equal(store_txn(waiting, NULL, 0, &op, 1, 300, &result, &err), STORE_OK);
        store_close(&s);
        s = opened(f, 1);
        assert_int_equal(look(s).fresh, RECORDS + 1);
        assert_int_equal(look(s).old, 0);
        store_close(&s);
        store_close(&waiting);
        fake_free(f);
}

/* Of two that fill a stage at once, only the later one can finish. */
static void two_at_once(void **state)
{
        struct fake *f = fake_make();
        struct store *s = opened(f, 1), *first, *second;
        store_rev rev = put(s, "state", "old");
        struct err err = ERR_INIT;

        (void)state;
        first = open_over(f, 1, true, &err);
        assert_true(first && fill(first, &err));
        second = open_over(f, 2, true, &err);
        assert_true(second && fill(second, &err));
        assert_false(adopt(&first, rev, &err));
        err = ERR_INIT;
        assert_true(adopt(&second, rev, &err));
        store_close(&s);
        s = opened(f, 1);
        assert_int_equal(look(s).fresh, RECORDS);
        rev = put(s, "state", "new");
        /* And once more, over a store that was a stage itself. */
        assert_false(restore(f, rev + 1));
        assert_int_equal(look(s).fresh, RECORDS + 1);
        assert_true(restore(f, rev));
        store_close(&s);
        s = opened(f, 1);
        assert_int_equal(look(s).fresh, RECORDS);
        store_close(&s);
        fake_free(f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(killed_at_any_call),
                cmocka_unit_test(a_guard_that_fails_changes_nothing),
                cmocka_unit_test(whoever_has_the_old_one_open_changes_nothing_more),
                cmocka_unit_test(two_at_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
