/* Ways around a quorum: commands that come to the same as the guarded ones, and keys that change hands or
 * come back from outside. */
#include "mask_calls.h"
#include "people.h"

#define REJECTED CKR_FUNCTION_REJECTED

static const struct approval two[] = { { "admin", 2, 0 }, { "co2", 2, 1 } };

static struct caller officer(struct hsm *h, const char *name)
{
        struct caller c = caller_new(h);

        assert_int_equal(caller_login(&c, 2, name, "admin1234"), 0);
        return c;
}

/* Officers admin and co2, crypto users cu1 and cu2, all with registered keys: persons 0 to 3. */
static int begin(void **state)
{
        struct hsm *h = hsm_ready();
        struct caller co = caller_co(h), second, cu1 = caller_cu(h, "cu1"), cu2 = caller_cu(h, "cu2");

        assert_int_equal(caller_create_user(&co, 2, "co2", "admin1234"), 0);
        second = officer(h, "co2");
        assert_int_equal(register_key(&co, 2, "admin", 0, -1), 0);
        assert_int_equal(register_key(&second, 2, "co2", 1, -1), 0);
        assert_int_equal(register_key(&cu1, 1, "cu1", 2, -1), 0);
        assert_int_equal(register_key(&cu2, 1, "cu2", 3, -1), 0);
        *state = h;
        return 0;
}

static int end(void **state)
{
        hsm_free(*state);
        return 0;
}

static uint32_t give(struct caller *c, const struct named *key, uint64_t user, const uint8_t kcv[3])
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__ChangeOwnerRequest in = CHSM__CHANGE_OWNER_REQUEST__INIT;

        in.handle = key->ref.handle;
        in.user = user;
        in.check_value = (ProtobufCBinaryData){ 3, (uint8_t *)(uintptr_t)kcv };
        r.change_owner = &in;
        r.body_case = CHSM__REQUEST__BODY_CHANGE_OWNER;
        return ask(c, &r)->status;
}

static void an_officer_does_not_choose_approvers(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), c = caller_cu(h, "cu1"), sharer = caller_cu(h, "cu2"), third;
        const struct approval users[] = { { "cu1", 1, 2 }, { "cu2", 1, 3 } };
        struct named key;
        struct given out;
        uint8_t kcv[3];
        size_t n;

        assert_int_equal(caller_create_user(&co, 1, "cu3", "user1234"), 0);
        third = caller_cu(h, "cu3");
        assert_int_equal(register_key(&third, 1, "cu3", 4, -1), 0);
        for (uint32_t quorum = 1; quorum <= 2; quorum++) {
                assert_int_equal(make_quorum_key(&c, quorum, sharer.user_id, NULL, &key), 0);
                assert_int_equal(get_attribute(&c, &key, CKA_CHECK_VALUE, kcv, sizeof(kcv), &n), 0);
                assert_int_equal(give(&co, &key, third.user_id, kcv), CKR_ACTION_PROHIBITED);
                /* With two approvals and two users there would be one too few; with one he gets it. */
                assert_int_equal(give(&co, &key, sharer.user_id, kcv), quorum == 1 ? 0 : CKR_ARGUMENTS_BAD);
        }
        assert_int_equal(approved_token(&c, 1, "cu1", key.ref.handle, users, 2), 0);
        assert_int_equal(use_encrypt(&c, &key, &out), 0);
}

static void giving_keys_away_needs_officers(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), c = caller_cu(h, "cu1");
        struct named key;
        uint8_t kcv[3];
        size_t n;

        assert_int_equal(make_aes(&c, true, NULL, &key), 0);
        assert_int_equal(get_attribute(&c, &key, CKA_CHECK_VALUE, kcv, sizeof(kcv), &n), 0);
        assert_int_equal(set_m(&co, 3, 2), 0);
        assert_int_equal(give(&co, &key, caller_cu(h, "cu2").user_id, kcv), REJECTED);
        assert_int_equal(approved_token(&co, 3, "admin", 0, two, 2), 0);
        assert_int_equal(give(&co, &key, caller_cu(h, "cu2").user_id, kcv), 0);
        assert_int_equal(give(&co, &key, c.user_id, kcv), REJECTED);
}

static void a_masked_user_is_a_user_made(void **state)
{
        struct hsm *h = *state, *clone = hsm_clone(h);
        struct caller co = caller_co(h), there = caller_co(clone);
        struct given masked;

        assert_int_equal(set_m(&there, 3, 2), 0);
        assert_int_equal(caller_create_user(&co, 1, "later", "user1234"), 0);
        {
                struct caller later = caller_new(h);
                assert_int_equal(caller_login(&later, 1, "later", "user1234"), 0);
                assert_int_equal(mask(&co, 0, later.user_id, &masked), 0);
        }
        assert_int_equal(insert(&there, &masked, NULL), ERR_QUORUM);
        assert_int_equal(approved_token(&there, 3, "admin", 0, two, 2), 0);
        assert_int_equal(insert(&there, &masked, NULL), 0);
        assert_int_equal(count_tokens(&there, NULL), 0);
        hsm_free(clone);
}

static void a_masked_key_keeps_its_quorum(void **state)
{
        struct hsm *h = *state, *clone = hsm_clone(h);
        struct caller c = caller_cu(h, "cu1"), there = caller_cu(clone, "cu1"), co = caller_co(h);
        const struct approval users[] = { { "cu1", 1, 2 }, { "cu2", 1, 3 } };
        struct named key, copy;
        struct given masked, out;

        assert_int_equal(make_quorum_key(&c, 2, caller_cu(h, "cu2").user_id, NULL, &key), 0);
        assert_int_equal(mask(&c, key.ref.handle, 0, &masked), ERR_QUORUM);
        assert_int_equal(approved_token(&c, 2, "cu1", key.ref.handle, users, 2), 0);
        assert_int_equal(mask(&c, key.ref.handle, 0, &masked), 0);
        assert_int_equal(mask(&c, key.ref.handle, 0, &masked), ERR_QUORUM);
        assert_int_equal(mask(&co, key.ref.handle, 0, &masked), 0); /* escrow is the officers' */
        assert_int_equal(insert(&there, &masked, &copy), 0);
        assert_int_equal(use_encrypt(&there, &copy, &out), REJECTED);
        assert_int_equal(approved_token(&there, 1, "cu1", copy.ref.handle, users, 2), 0);
        assert_int_equal(use_encrypt(&there, &copy, &out), 0);
        hsm_free(clone);
}

/* What a token of one HSM pays for is nothing in its clone, which knows the same login. */
static void a_token_is_of_one_partition(void **state)
{
        struct hsm *h = *state, *clone;
        struct caller co = caller_co(h), there;

        assert_int_equal(set_m(&co, 3, 2), 0);
        clone = hsm_clone(h);
        assert_int_equal(approved_token(&co, 3, "admin", 0, two, 2), 0);
        there = co;
        there.hsm = clone;
        assert_int_equal(caller_create_user(&there, 1, "cu9", "user1234"), REJECTED);
        assert_int_equal(caller_create_user(&co, 1, "cu9", "user1234"), 0);
        hsm_free(clone);
}

static void numbers_and_logs_are_policy(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h);
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__SetConfigRequest in = CHSM__SET_CONFIG_REQUEST__INIT;

        in.name = (char *)(uintptr_t) "lock_after";
        in.value = 20;
        r.set_config = &in;
        r.body_case = CHSM__REQUEST__BODY_SET_CONFIG;
        assert_int_equal(set_m(&co, 6, 2), 0);
        assert_int_equal(ask(&co, &r)->status, REJECTED);
        assert_int_equal(approved_token(&co, 6, "admin", 0, two, 2), 0);
        assert_int_equal(ask(&co, &r)->status, 0);
}

/* Crypto users cannot fill the store of tokens, and keep officers from theirs. */
static void keys_leave_room_for_officers(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), c;
        struct token_file file;
        struct named key;
        char name[16];

        for (int user = 0; user < 12; user++) {
                snprintf(name, sizeof(name), "many%d", user);
                assert_int_equal(caller_create_user(&co, 1, name, "user1234"), 0);
                c = caller_cu(h, name);
                assert_int_equal(make_quorum_key(&c, 1, 0, NULL, &key), 0);
                for (int i = 0; i < 64; i++) {
                        file.n = 0;
                        assert_int_equal(get_token(&c, 1, name, key.ref.handle, NULL, &file), 0);
                }
        }
        c = caller_cu(h, "cu1");
        assert_int_equal(make_quorum_key(&c, 1, 0, NULL, &key), 0);
        assert_int_equal(get_token(&c, 1, "cu1", key.ref.handle, NULL, &file), CKR_DEVICE_MEMORY);
        assert_int_equal(get_token(&co, 3, "admin", 0, NULL, &file), 0);
        h->wall_ms += 600 * 1000;
        file.n = 0;
        assert_int_equal(get_token(&c, 1, "cu1", key.ref.handle, NULL, &file), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(an_officer_does_not_choose_approvers), TEST(giving_keys_away_needs_officers),
                TEST(a_masked_user_is_a_user_made),         TEST(a_masked_key_keeps_its_quorum),
                TEST(a_token_is_of_one_partition),          TEST(numbers_and_logs_are_policy),
                TEST(keys_leave_room_for_officers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
