/* What a node notes of its store: an older copy of all of it, a copy in another etcd cluster, records that
 * went while it did not run. Each is refused and named, and accepted only when the operator says so. */
#include "stored.h"

/* The node's second goes by: it notes what there is. */
static void note(struct fixture *f)
{
        struct buf out = BUF_INIT;
        bool whole = f->hsm->noted.n == 0;

        assert_true(vault_noted_put(f->hsm->vault, &whole, &out, &f->hsm->err));
        if (whole)
                buf_reset(&f->hsm->noted);
        buf_put_slice(&f->hsm->noted, buf_slice(&out));
        buf_clear(&out);
        buf_reset(&f->seen);
        assert_true(vault_seen_put(f->hsm->vault, &f->seen, &f->hsm->err));
}

/* With words, unless NULL: then it is as it should be. */
static void checked(struct fixture *f, struct hsm *h, const char *words)
{
        struct err err = ERR_INIT;
        bool ok = vault_seen_check(h->vault, buf_slice(&f->seen), &err);

        if (ok != !words || (words && !strstr(err.detail, words)))
                fail_msg("%d: '%s' does not say '%s'", ok, err.detail, words ? words : "");
}

static void accept(struct fixture *f, struct hsm *h)
{
        struct vault_acceptance a;

        assert_true(vault_acceptance_ask(h->vault, buf_slice(&f->seen), &a, &h->err));
        assert_true(vault_accept(h->vault, &a, "test", &h->err));
}

static uint32_t new_key(struct hsm *h, struct named *key)
{
        struct caller cu = caller_cu(h, "cu1");

        return make_aes(&cu, true, NULL, key);
}

static void as_it_was(void **state)
{
        struct fixture *f = *state;
        struct vault_differences d;
        struct named key;

        note(f);
        assert_int_equal(new_key(f->hsm, &key), 0);
        note(f);
        checked(f, f->hsm, NULL);
        assert_true(hsm_reopen(f->hsm, false));
        checked(f, f->hsm, NULL);
        assert_true(vault_noted_compare(f->hsm->vault, buf_slice(&f->hsm->noted), &d, NULL, NULL));
        assert_int_equal(d.noted, d.found);
        for (int i = 0; i < VAULT_DIFFERENCES; i++)
                assert_int_equal(d.of[i], 0);
        assert_true(d.noted > 5);
}

/* An older copy of all of it: made before a key, a password, and the end of a key. */
static void rolled_back(void **state)
{
        struct fixture *f = *state;
        struct caller co = caller_co(f->hsm), cu = caller_cu(f->hsm, "cu1");
        struct named gone, made;
        struct vault_differences d;
        struct hsm *old;

        assert_int_equal(make_aes(&cu, true, NULL, &gone), 0);
        note(f);
        old = hsm_clone(f->hsm);
        assert_int_equal(new_key(f->hsm, &made), 0);
        assert_int_equal(change_password(&co, 1, "cu2", "newer1234"), 0);
        assert_int_equal(destroy(&cu, &gone), 0);
        note(f);
        checked(f, f->hsm, NULL);
        buf_put_slice(&old->noted, buf_slice(&f->hsm->noted));
        checked(f, old, "the store went back: it has");
        checked(f, old, "'chsm-server recover'");
        checked(f, old, "removed: 'o/");
        assert_true(vault_noted_compare(old->vault, buf_slice(&old->noted), &d, NULL, NULL));
        assert_true(d.of[VAULT_IS_REMOVED] > 0);
        assert_true(d.of[VAULT_IS_OLDER] > 0);
        assert_true(d.of[VAULT_IS_BACK] > 0);
        assert_true(d.noted_rev > 0);

        /* Said so: it holds, and what was before it was said is older from there on. */
        accept(f, old);
        checked(f, old, NULL);
        assert_int_equal(new_key(old, &made), 0);
        assert_true(hsm_reopen(old, false));
        checked(f, old, NULL);
        hsm_free(old);
}

static void accepted_is_newer(void **state)
{
        struct fixture *f = *state;
        struct hsm *old, *before;
        struct named made;

        note(f);
        old = hsm_clone(f->hsm);
        before = hsm_clone(f->hsm);
        assert_int_equal(new_key(f->hsm, &made), 0);
        note(f);
        accept(f, old);
        buf_reset(&f->seen);
        assert_true(vault_seen_put(old->vault, &f->seen, &old->err));
        checked(f, old, NULL);
        checked(f, before, "the store went back");
        hsm_free(old);
        hsm_free(before);
}

static void a_spoilt_note(void **state)
{
        struct fixture *f = *state;
        struct vault_differences d;

        note(f);
        f->seen.p[20] ^= 1;
        checked(f, f->hsm, "was changed");
        f->seen.p[20] ^= 1;
        f->seen.n--;
        checked(f, f->hsm, "cannot be read");
        f->hsm->noted.p[0] ^= 1;
        assert_false(vault_noted_compare(f->hsm->vault, buf_slice(&f->hsm->noted), &d, NULL, NULL));
        f->hsm->noted.p[0] ^= 1;
        f->hsm->noted.n -= 3; /* torn */
        assert_true(vault_noted_compare(f->hsm->vault, buf_slice(&f->hsm->noted), &d, NULL, NULL));
}

static bool pick_object(void *arg, const struct store_event *e)
{
        struct buf *key = arg;

        if (e->key.n < 2 || memcmp(e->key.p, "o/", 2) != 0)
                return true;
        buf_put_slice(key, e->key);
        return false;
}

/* Removed while the node does not run. */
static void removed_meanwhile(void **state)
{
        struct fixture *f = *state;
        struct buf key = BUF_INIT;
        struct store_result result;
        struct store_op op = { .kind = STORE_DELETE };
        struct named made;
        store_rev at;

        assert_int_equal(new_key(f->hsm, &made), 0);
        note(f);
        assert_int_equal(store_load(f->hsm->store, SLICE_EMPTY, pick_object, &key, &at, &f->hsm->err),
                         STORE_OK);
        op.key = buf_slice(&key);
        assert_int_equal(store_txn(f->hsm->store, NULL, 0, &op, 1, 3000, &result, &f->hsm->err), STORE_OK);
        assert_false(hsm_reopen(f->hsm, false));
        if (!strstr(f->hsm->err.detail, "removed: 'o/"))
                fail_msg("'%s' does not name the record", f->hsm->err.detail);
        assert_non_null(strstr(f->hsm->err.detail, "(key "));
        /* As chsm-server recover has it. */
        assert_true(hsm_reopen(f->hsm, true));
        accept(f, f->hsm);
        assert_true(hsm_reopen(f->hsm, false));
        checked(f, f->hsm, NULL);
        buf_clear(&key);
}

/* A copy of the store in another etcd cluster. */
static void another_cluster(void **state)
{
        struct fixture *f = *state;

        note(f);
        checked(f, f->hsm, NULL);
        vault_close(&f->hsm->vault);
        store_close(&f->hsm->store);
        fake_replace(f->fake);
        f->hsm->store = fake_store(f->fake);
        assert_true(hsm_reopen(f->hsm, false));
        checked(f, f->hsm, "another etcd cluster");
        accept(f, f->hsm);
        checked(f, f->hsm, "another etcd cluster"); /* each node is asked by itself */
        note(f);
        checked(f, f->hsm, NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(as_it_was, on_sqlite, end),
                cmocka_unit_test_setup_teardown(as_it_was, on_etcd, end),
                cmocka_unit_test_setup_teardown(rolled_back, on_sqlite, end),
                cmocka_unit_test_setup_teardown(accepted_is_newer, on_sqlite, end),
                cmocka_unit_test_setup_teardown(a_spoilt_note, on_sqlite, end),
                cmocka_unit_test_setup_teardown(removed_meanwhile, on_sqlite, end),
                cmocka_unit_test_setup_teardown(removed_meanwhile, on_etcd, end),
                cmocka_unit_test_setup_teardown(another_cluster, on_etcd, end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
