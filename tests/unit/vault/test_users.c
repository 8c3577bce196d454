/* Users, passwords, lockout and tickets. */
#include "hsm.h"

static int begin(void **state)
{
        *state = hsm_ready();
        return 0;
}

static int end(void **state)
{
        hsm_free(*state);
        return 0;
}

static uint32_t change_password(struct caller *c, uint32_t role, const char *user, const char *password,
                                const char *old)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__ChangePasswordRequest in = CHSM__CHANGE_PASSWORD_REQUEST__INIT;

        in.role = role;
        in.user = (char *)(uintptr_t)user;
        in.password.data = (uint8_t *)(uintptr_t)password;
        in.password.len = strlen(password);
        in.old_password.data = (uint8_t *)(uintptr_t)old;
        in.old_password.len = old ? strlen(old) : 0;
        r.change_password = &in;
        r.body_case = CHSM__REQUEST__BODY_CHANGE_PASSWORD;
        return ask(c, &r)->status;
}

static uint32_t by_name(struct caller *c, bool unlock, const char *user)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__DeleteUserRequest delete = CHSM__DELETE_USER_REQUEST__INIT;
        Chsm__UnlockUserRequest open = CHSM__UNLOCK_USER_REQUEST__INIT;

        delete.role = 1;
        delete.user = open.user = (char *)(uintptr_t)user;
        if (unlock) {
                r.unlock_user = &open;
                r.body_case = CHSM__REQUEST__BODY_UNLOCK_USER;
        } else {
                r.delete_user = &delete;
                r.body_case = CHSM__REQUEST__BODY_DELETE_USER;
        }
        return ask(c, &r)->status;
}

static void names_and_passwords_have_rules(void **state)
{
        struct caller co = caller_co(*state);

        assert_int_not_equal(caller_create_user(&co, 1, "cu9", "short12"), 0);
        assert_int_not_equal(caller_create_user(&co, 1, "cu9", "123456789012345678901234567890123"), 0);
        assert_int_not_equal(caller_create_user(&co, 1, "", "user1234"), 0);
        assert_int_not_equal(caller_create_user(&co, 1, "with space", "user1234"), 0);
        assert_int_not_equal(caller_create_user(&co, 6, "cu9", "user1234"), 0);
        assert_int_not_equal(caller_create_user(&co, 1, "ADMIN", "user1234"), 0); /* one name, one person */
        assert_int_equal(caller_create_user(&co, 1, "CU1", "user1234"), 0);       /* the same user again */
        assert_int_not_equal(caller_create_user(&co, 1, "cu1", "other1234"), 0);
}

static void only_an_officer_makes_users(void **state)
{
        struct caller cu = caller_cu(*state, "cu1"), nobody = caller_new(*state);

        assert_int_equal(caller_create_user(&cu, 1, "cu9", "user1234"), CKR_FUNCTION_REJECTED);
        assert_int_equal(caller_create_user(&nobody, 1, "cu9", "user1234"), CKR_USER_NOT_LOGGED_IN);
        assert_int_equal(by_name(&cu, false, "cu2"), CKR_FUNCTION_REJECTED);
}

static void five_failures_lock_and_an_officer_opens(void **state)
{
        struct caller co = caller_co(*state), cu = caller_cu(*state, "cu1"), guess = caller_new(*state);
        struct attributes wanted = { .n = 0 };

        for (int i = 0; i < 5; i++)
                assert_int_equal(caller_login(&guess, 1, "cu1", "guess1234"), CKR_PIN_INCORRECT);
        assert_int_equal(caller_login(&guess, 1, "cu1", "user1234"), CKR_PIN_LOCKED);
        hsm_restart(*state);
        assert_int_equal(caller_login(&guess, 1, "cu1", "user1234"), CKR_PIN_LOCKED);
        {
                Chsm__Request r = CHSM__REQUEST__INIT;
                Chsm__FindObjectsRequest in = CHSM__FIND_OBJECTS_REQUEST__INIT;

                r.find_objects = &in;
                r.body_case = CHSM__REQUEST__BODY_FIND_OBJECTS;
                assert_int_equal(ask(&cu, &r)->status, CKR_USER_NOT_LOGGED_IN); /* locking ends his logins */
        }
        assert_int_equal(by_name(&co, true, "cu1"), 0);
        assert_int_equal(caller_login(&guess, 1, "cu1", "user1234"), 0);
        assert_int_equal(count_objects(&guess, &wanted), 0);
}

/* The same request once more, as a client sends it whose answer got lost. */
static uint32_t login_with_key(struct caller *c, uint64_t key, const char *password)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__LoginRequest login = CHSM__LOGIN_REQUEST__INIT;
        uint8_t once[16] = { 0 };

        memcpy(once, &key, sizeof(key));
        login.role = 1;
        login.user = (char *)(uintptr_t) "cu1";
        login.password.data = (uint8_t *)(uintptr_t)password;
        login.password.len = strlen(password);
        r.login = &login;
        r.body_case = CHSM__REQUEST__BODY_LOGIN;
        return ask_again(c, &r, once)->status;
}

static void a_failure_whose_answer_got_lost_counts_once(void **state)
{
        struct caller co = caller_co(*state), guess = caller_new(*state);

        for (uint64_t key = 1; key <= 4; key++) {
                for (int i = 0; i < 3; i++)
                        assert_int_equal(login_with_key(&guess, key, "guess1234"), CKR_PIN_INCORRECT);
        }
        hsm_restart(*state);
        assert_int_equal(login_with_key(&guess, 4, "guess1234"), CKR_PIN_INCORRECT);
        /* Nor is it a way to guess: the first answer comes again, whatever the password. */
        assert_int_equal(login_with_key(&guess, 4, "user1234"), CKR_PIN_INCORRECT);
        assert_int_equal(login_with_key(&guess, 5, "guess1234"), CKR_PIN_INCORRECT);
        assert_int_equal(login_with_key(&guess, 6, "user1234"), CKR_PIN_LOCKED);
        assert_int_equal(by_name(&co, true, "cu1"), 0);
        assert_int_equal(login_with_key(&guess, 5, "user1234"), 0);
}

static void a_success_starts_the_count_anew(void **state)
{
        struct caller guess = caller_new(*state);

        for (int round = 0; round < 3; round++) {
                for (int i = 0; i < 4; i++)
                        assert_int_equal(caller_login(&guess, 1, "cu2", "guess1234"), CKR_PIN_INCORRECT);
                assert_int_equal(caller_login(&guess, 1, "cu2", "user1234"), 0);
        }
}

static void unknown_users_look_like_wrong_passwords(void **state)
{
        struct caller c = caller_new(*state);

        for (int i = 0; i < 7; i++)
                assert_int_equal(caller_login(&c, 1, "nobody", "user1234"), CKR_PIN_INCORRECT);
        assert_int_equal(caller_login(&c, 2, "cu1", "user1234"), CKR_PIN_INCORRECT);
        assert_int_equal(caller_login(&c, 9, "cu1", "user1234"), CKR_USER_TYPE_INVALID);
}

static void a_new_password_ends_old_logins(void **state)
{
        struct caller cu = caller_cu(*state, "cu2"), other = caller_cu(*state, "cu1");
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__RandomRequest in = CHSM__RANDOM_REQUEST__INIT;

        assert_int_equal(change_password(&other, 1, "cu2", "stolen12", NULL), CKR_FUNCTION_REJECTED);
        assert_int_equal(change_password(&cu, 1, "cu2", "new12345", "not the old"), CKR_PIN_INCORRECT);
        assert_int_equal(change_password(&cu, 1, "cu2", "new12345", "user1234"), 0);
        r.random = &in;
        r.body_case = CHSM__REQUEST__BODY_RANDOM;
        in.length = 8;
        assert_int_equal(ask(&cu, &r)->status, CKR_USER_NOT_LOGGED_IN);
        assert_int_equal(caller_login(&cu, 1, "cu2", "user1234"), CKR_PIN_INCORRECT);
        assert_int_equal(caller_login(&cu, 1, "cu2", "new12345"), 0);
        assert_int_equal(change_password(&cu, 1, "cu2", "user1234", "new12345"), 0);
}

/* The answer to a new password got lost: the second try comes with a ticket that the first has ended. */
static void a_lost_answer_to_a_new_password_comes_again(void **state)
{
        static const uint8_t once[16] = { 1, 2, 3 }, other[16] = { 4 };
        struct caller cu = caller_cu(*state, "cu2"), stranger = caller_cu(*state, "cu1"), elsewhere = cu;
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__ChangePasswordRequest in = CHSM__CHANGE_PASSWORD_REQUEST__INIT;

        in.role = 1;
        in.user = (char *)(uintptr_t) "cu2";
        in.password = (ProtobufCBinaryData){ 8, (uint8_t *)(uintptr_t) "new12345" };
        in.old_password = (ProtobufCBinaryData){ 8, (uint8_t *)(uintptr_t) "user1234" };
        r.change_password = &in;
        r.body_case = CHSM__REQUEST__BODY_CHANGE_PASSWORD;
        assert_int_equal(ask_again(&cu, &r, once)->status, 0);
        assert_int_equal(ask_again(&cu, &r, once)->status, 0);
        assert_int_equal(ask_again(&cu, &r, other)->status, CKR_USER_NOT_LOGGED_IN);
        assert_int_not_equal(ask_again(&stranger, &r, once)->status, 0);
        elsewhere.context[0] ^= 1;
        assert_int_equal(ask_again(&elsewhere, &r, once)->status, CKR_USER_NOT_LOGGED_IN);
        assert_int_equal(caller_login(&cu, 1, "cu2", "new12345"), 0);
        assert_int_equal(change_password(&cu, 1, "cu2", "user1234", "new12345"), 0);
}

static void tickets_are_bound(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1"), thief;
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__RandomRequest in = CHSM__RANDOM_REQUEST__INIT;

        in.length = 8;
        r.random = &in;
        r.body_case = CHSM__REQUEST__BODY_RANDOM;
        assert_int_equal(ask(&cu, &r)->status, 0);
        thief = cu;
        thief.context[3] ^= 1;
        assert_int_equal(ask(&thief, &r)->status, CKR_USER_NOT_LOGGED_IN);
        for (size_t i = 0; i < cu.ticket_n; i++) {
                thief = cu;
                thief.ticket[i] ^= 0x40;
                assert_int_equal(ask(&thief, &r)->status, CKR_USER_NOT_LOGGED_IN);
        }
        h->peer.has_certificate = true;
        assert_int_equal(ask(&cu, &r)->status, CKR_USER_NOT_LOGGED_IN);
        h->peer.has_certificate = false;
        assert_int_equal(ask(&cu, &r)->status, 0);
        h->wall_ms += INT64_C(25) * 3600 * 1000;
        assert_int_equal(ask(&cu, &r)->status, CKR_USER_NOT_LOGGED_IN);
}

static void users_with_keys_stay(void **state)
{
        struct caller co = caller_co(*state), cu = caller_cu(*state, "cu2");
        struct named key;

        assert_int_equal(make_aes(&cu, true, NULL, &key), 0);
        assert_int_not_equal(by_name(&co, false, "cu2"), 0);
        assert_int_equal(destroy(&cu, &key), 0);
        assert_int_equal(by_name(&co, false, "cu2"), 0);
        assert_int_equal(destroy(&cu, &key), CKR_USER_NOT_LOGGED_IN);
        assert_int_equal(caller_create_user(&co, 1, "cu2", "user1234"), 0);
        assert_int_equal(destroy(&cu, &key), CKR_USER_NOT_LOGGED_IN); /* a new user of that name is another */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(names_and_passwords_have_rules),
                cmocka_unit_test(only_an_officer_makes_users),
                cmocka_unit_test(a_failure_whose_answer_got_lost_counts_once),
                cmocka_unit_test(five_failures_lock_and_an_officer_opens),
                cmocka_unit_test(a_success_starts_the_count_anew),
                cmocka_unit_test(unknown_users_look_like_wrong_passwords),
                cmocka_unit_test(a_new_password_ends_old_logins),
                cmocka_unit_test(a_lost_answer_to_a_new_password_comes_again),
                cmocka_unit_test(users_with_keys_stay),
                cmocka_unit_test(tickets_are_bound),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, begin, end);
}
