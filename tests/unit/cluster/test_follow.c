/* A second region follows: in order, exactly once, read-only, through cuts on both sides. */
#include "regions.h"
#include "operator.h"

static void a_region_follows(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1");
        struct named before, after;
        struct given sealed, back;

        assert_int_equal(make_aes(&cu, true, NULL, &before), 0);
        begin();
        assert_same();
        assert_int_equal(make_aes(at(&cu, &one), true, NULL, &after), 0);
        assert_int_equal(use_encrypt(&cu, &after, &sealed), 0);
        assert_int_equal(destroy(&cu, &before), 0);
        catch_up();
        assert_same();
        /* The primary's login and key are good here, and the deleted one is gone. */
        assert_int_equal(use_decrypt(at(&cu, &two), &after, &sealed), 0);
        (void)back;
        assert_int_equal(use_encrypt(at(&cu, &two), &before, &sealed), CKR_KEY_HANDLE_INVALID);
}

static void it_is_read_only(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1"), other = caller_new(h);
        struct named key, unused;
        struct given out;

        assert_int_equal(make_aes(&cu, true, NULL, &key), 0);
        assert_int_equal(make_aes(&cu, true, NULL, &unused), 0);
        assert_int_equal(use_encrypt(&cu, &key, &out), 0);
        begin();
        /* What a key's first use leaves behind is the primary's to write. */
        refused(&cu, use_encrypt(at(&cu, &two), &unused, &out), "remembered with the key");
        assert_int_equal(use_encrypt(at(&cu, &two), &key, &out), 0);
        refused(&cu, make_aes(at(&cu, &two), true, NULL, &key), "for the primary at region1:1");
        refused(&other, caller_login(at(&other, &two), 1, "cu2", "user1234"), "read-only");
        refused(&other, caller_login(at(&other, &two), 1, "cu2", "wrong password"), "read-only");
        refused(&cu, destroy(at(&cu, &two), &key), "promoteRegion");
        assert_same();
        /* Long without the primary it serves no keys either: who was deleted there must not live on here. */
        assert_int_equal(count_objects(at(&cu, &two), NULL), 2);
        h->wall_ms += 61000;
        two_restart();
        refused(&cu, use_encrypt(at(&cu, &two), &key, &out), "stale_limit_s");
        catch_up();
        if (use_encrypt(at(&cu, &two), &key, &out) != 0)
                fail_msg("%s", h->detail);
}

static void it_resumes_after_cuts(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1");
        struct named keys[40];

        two.lose_question = 4;
        begin();
        for (unsigned i = 0; i < 40; i++) {
                two.lose_question = i % 3 ? 2 : 0;
                two.lose_answer = i % 3 == 1 ? 3 : 0;
                assert_int_equal(make_aes(at(&cu, &one), true, NULL, &keys[i]), 0);
                if (i % 4 == 3)
                        assert_int_equal(destroy(&cu, &keys[i - 2]), 0);
                if (i % 8 == 5)
                        catch_up();
                if (i % 16 == 9)
                        two_restart();
                if (i % 16 == 12) { /* the primary's process too */
                        one_restart(h);
                }
        }
        catch_up();
        two.lose_question = two.lose_answer = 0;
        catch_up();
        assert_same();
        assert_int_equal(count_objects(at(&cu, &two), NULL), 30);
}

static void history_that_is_gone_is_a_snapshot(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1");
        struct named key, other;

        assert_int_equal(make_aes(&cu, true, NULL, &other), 0);
        begin();
        catch_up();
        assert_int_equal(make_aes(at(&cu, &one), true, NULL, &key), 0);
        assert_int_equal(destroy(&cu, &other), 0);
        one_restart(h); /* what it kept for the follower is gone with it */
        assert_int_equal(store_compact(one.store, atomic_load(&one.vault->revision), &h->err), STORE_OK);
        catch_up();
        assert_true(two.follow.filled);
        /* Until it is filled it serves nothing. */
        refused(&cu, use_encrypt(at(&cu, &two), &other, &(struct given){ .n = 0 }), "filled from a snapshot");
        two_restart();
        catch_up();
        assert_same();
        assert_int_equal(count_objects(at(&cu, &two), NULL), 1);
}

static void who_may_not_follow(void **state)
{
        struct hsm *h = *state;
        struct err err = ERR_INIT;
        struct operator stranger;
        struct crypto_identity *good = two.identity;

        /* Of another operator. */
        operator_make(h, &stranger);
        two.identity = identity_make(h, &stranger, &stranger, "hsm11", h->wall_ms);
        cluster_follow_end(&two.follow);
        side_join(&two);
        assert_false(follow_ask_join(&two.follow, &err));
        assert_non_null(strstr(err.detail, "not of this cluster's operator"));
        crypto_identity_free(&two.identity);
        operator_free(&stranger);
        two.identity = good;
        cluster_follow_end(&two.follow);
        side_join(&two);
        /* Over another's connection. */
        err = ERR_INIT;
        two.peer.certificate[0] ^= 1;
        assert_false(follow_ask_join(&two.follow, &err));
        assert_non_null(strstr(err.detail, "another certificate than its own"));
        err = ERR_INIT;
        assert_false(follow_ask_snapshot(&two.follow, &err));
        assert_non_null(strstr(err.detail, "nodes of the other region that were let in"));
        two.peer.certificate[0] ^= 1;
        /* With a number that gives handles there. */
        err = ERR_INIT;
        two.join.number = 1;
        assert_false(follow_ask_join(&two.follow, &err));
        two.join.number = 11;
        /* Without the owner's permit, where the policy asks for it. */
        {
                struct caller co = caller_co(h);

                assert_int_equal(caller_set_policy(at(&co, &one), "join_requires_owner", "1"), 0);
        }
        err = ERR_INIT;
        assert_false(follow_ask_join(&two.follow, &err));
        assert_non_null(strstr(err.detail, "join_requires_owner"));
        /* And nobody got anything. */
        two.waits = 38;
        err = ERR_INIT;
        assert_false(cluster_follow_prepare(&two.follow, &err));
        two_vault();
        assert_int_equal(vault_state(two.vault), VAULT_UNOWNED);
}

static void what_is_no_batch(void **state)
{
        static const uint8_t bad[][16] = {
                { 2 },                                     /* another version */
                { 1, 0 },                                  /* cut off */
                { 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, /* a revision that is not after the last one */
        };
        struct err err;
        struct vault_region_record before, after;
        store_rev rev;

        (void)state;
        begin();
        vault_region_now(two.vault, &before, &rev);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                err = ERR_INIT;
                assert_false(vault_region_apply(two.vault,
                                                slice_of(bad[i], i == 0   ? 1
                                                                 : i == 1 ? 2
                                                                          : 13),
                                                before.source + 5, &err));
                assert_int_equal(err.id, ERR_FRAME);
        }
        vault_region_now(two.vault, &after, &rev);
        assert_int_equal(before.source, after.source);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_region_follows, regions_setup, regions_teardown),
                cmocka_unit_test_setup_teardown(it_is_read_only, regions_setup, regions_teardown),
                cmocka_unit_test_setup_teardown(it_resumes_after_cuts, regions_setup, regions_teardown),
                cmocka_unit_test_setup_teardown(history_that_is_gone_is_a_snapshot, regions_setup,
                                                regions_teardown),
                cmocka_unit_test_setup_teardown(who_may_not_follow, regions_setup, regions_teardown),
                cmocka_unit_test_setup_teardown(what_is_no_batch, regions_setup, regions_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
