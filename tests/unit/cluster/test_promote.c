/* A second region takes over, the first is fenced, shows what only it has, and follows in turn. */
#include "regions.h"

#include "crypto/mechanism.h"

static void a_follower_takes_over(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1"), anybody = caller_new(h), late = caller_cu(h, "cu2");
        struct named key, lost, made;

        assert_int_equal(make_aes(&cu, true, NULL, &key), 0);
        begin();
        catch_up();
        /* While the primary is there, only when forced; and with the owner's key alone. */
        refused(&anybody, promote(&anybody, &two, h->owner_key, false), "demoteRegion there first");
        {
                struct crypto_key *other, *pub;
                struct crypto_key_spec spec = { .key_type = CKK_RSA, .bits = 2048 };

                assert_true(crypto_key_pair_generate(h->crypto, &spec, &other, &pub, &h->err));
                refused(&anybody, promote(&anybody, &two, other, true), "not the owner's signature");
                crypto_key_unref(&other);
                crypto_key_unref(&pub);
        }
        two.cut = true;
        assert_int_equal(make_aes(at(&late, &one), true, NULL, &lost), 0); /* the region never sees it */
        assert_int_equal(promote(&anybody, &two, h->owner_key, true), 0);
        refused(&anybody, promote(&anybody, &two, h->owner_key, true), "primary already");
        /* Logins of before have ended; new ones are good, and so are changes. */
        assert_int_equal(use_encrypt(at(&cu, &two), &key, &(struct given){ .n = 0 }), CKR_USER_NOT_LOGGED_IN);
        assert_int_equal(caller_login(at(&cu, &two), 1, "cu1", "user1234"), 0);
        assert_int_equal(make_aes(at(&cu, &two), true, NULL, &made), 0);
        assert_int_equal(made.ref.handle >> 18, 11);
        assert_int_equal(count_objects(at(&cu, &two), NULL), 2);
        /* They meet: the old primary is fenced. */
        two.cut = false;
        step(&two);
        refused(&late, make_aes(at(&late, &one), true, NULL, &made), "superseded by epoch 1 at region11:1");
        refused(&late, use_encrypt(at(&late, &one), &lost, &(struct given){ .n = 0 }), "superseded");
}

static void a_client_tells_the_old_primary(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1"), anybody = caller_new(h);
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__FindObjectsRequest in = CHSM__FIND_OBJECTS_REQUEST__INIT;
        int64_t seen;

        begin();
        catch_up();
        two.cut = true;
        assert_int_equal(promote(&anybody, &two, h->owner_key, true), 0);
        seen = vault_region_revision(two.vault, 0);
        assert_int_equal(seen >> VAULT_REGION_REV_BITS, 1);
        r.find_objects = &in;
        r.body_case = CHSM__REQUEST__BODY_FIND_OBJECTS;
        r.min_revision = seen;
        refused(&cu, ask(at(&cu, &one), &r)->status, "another region has taken over (epoch 1)");
        /* And what it saw of the old one is nothing to wait for in the new one. */
        assert_int_equal(caller_login(at(&cu, &two), 1, "cu1", "user1234"), 0);
        r.min_revision = atomic_load(&one.vault->revision) + 1000;
        assert_int_equal(ask(at(&cu, &two), &r)->status, 0);
}

static void the_old_primary_follows(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1"), anybody = caller_new(h), co = caller_co(h);
        struct named key, lost, made;
        struct vault_region_unseen u = { .limit = 100, .bytes = 65536 };
        struct err err = ERR_INIT;
        char path[256];

        assert_int_equal(make_aes(&cu, true, NULL, &key), 0);
        begin();
        catch_up();
        two.cut = true;
        assert_int_equal(make_aes(at(&cu, &one), true, NULL, &lost), 0);
        assert_int_equal(promote(&anybody, &two, h->owner_key, true), 0);
        assert_int_equal(caller_login(at(&cu, &two), 1, "cu1", "user1234"), 0);
        assert_int_equal(make_aes(at(&cu, &two), true, NULL, &made), 0);
        assert_int_equal(destroy(&cu, &key), 0);
        /* It comes back, hears of it, and shows what only it has. */
        step(&one);
        assert_true(vault_region_role(one.vault) == VAULT_FENCED);
        assert_true(vault_region_unseen(one.vault, &u, &err));
        assert_int_equal(u.count, 1);
        assert_non_null(strstr(buf_text(&u.lines), "CN_GENERATE_KEY"));
        buf_clear(&u.lines);
        /* An officer takes that out while it stands, and then lets the region follow. */
        assert_int_equal(caller_login(at(&co, &one), 2, "admin", "admin1234"), 0);
        one.asks_nobody = true;
        side_attach(&one, 0);
        refused(&co, demote(&co, &one), "set region_peer to region11:1");
        one.asks_nobody = false;
        side_attach(&one, 0);
        assert_int_equal(demote(&co, &one), 0);
        refused(&co, demote(&co, &one), "on its way");
        step(&one);
        assert_true(one.follow.filled);
        snprintf(path, sizeof(path), "%s/unseen-epoch-1.jsonl", one.data);
        assert_int_equal(access(path, R_OK), 0);
        /* It starts anew, and is filled before its vault is opened. */
        h->vault = NULL;
        vault_close(&one.vault);
        if (!cluster_follow_prepare(&one.follow, &err))
                fail_msg("%s", err.detail);
        hsm_restart(h);
        one_is(h);
        assert_true(vault_region_role(one.vault) == VAULT_FOLLOWER);
        /* Now it follows, and has what the other has. */
        assert_int_equal(make_aes(at(&cu, &two), true, NULL, &key), 0);
        for (int i = 0; i < 5; i++)
                step(&one);
        assert_int_equal(count_objects(at(&cu, &one), NULL), 2);
}

/* An orderly change: nothing is lost, as the primary stands down first. */
static void a_region_stands_down(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1"), anybody = caller_new(h), co = caller_co(h);
        struct named key;

        refused(&co, demote(&co, &one), "no other region follows");
        begin();
        catch_up();
        refused(&co, demote(&co, &two), "follows another one already");
        assert_int_equal(make_aes(at(&cu, &one), true, NULL, &key), 0);
        assert_int_equal(demote(&co, &one), 0);
        refused(&cu, make_aes(at(&cu, &one), true, NULL, &key), "stands down");
        two.follow.met_ms = 0;
        catch_up();
        two.follow.met_ms = 0;
        catch_up();
        assert_int_equal(promote(&anybody, &two, h->owner_key, false), 0);
        assert_int_equal(caller_login(at(&cu, &two), 1, "cu1", "user1234"), 0);
        assert_int_equal(count_objects(at(&cu, &two), NULL), 1);
}

static void a_primary_without_its_follower_takes_no_changes(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1");
        struct named key;

        side_attach(&one, 300);
        assert_int_equal(make_aes(&cu, true, NULL, &key), 0); /* nobody follows yet */
        begin();
        catch_up();
        assert_int_equal(make_aes(at(&cu, &one), true, NULL, &key), 0);
        usleep(400000);
        refused(&cu, make_aes(at(&cu, &one), true, NULL, &key), "region_lease_s");
        assert_int_equal(use_encrypt(&cu, &key, &(struct given){ .n = 0 }), 0);
        catch_up();
        step(&two);
        assert_int_equal(make_aes(at(&cu, &one), true, NULL, &key), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_follower_takes_over, regions_setup, regions_teardown),
                cmocka_unit_test_setup_teardown(a_client_tells_the_old_primary, regions_setup,
                                                regions_teardown),
                cmocka_unit_test_setup_teardown(the_old_primary_follows, regions_setup, regions_teardown),
                cmocka_unit_test_setup_teardown(a_region_stands_down, regions_setup, regions_teardown),
                cmocka_unit_test_setup_teardown(a_primary_without_its_follower_takes_no_changes,
                                                regions_setup, regions_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
