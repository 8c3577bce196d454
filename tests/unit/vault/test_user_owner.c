/* Keys that change hands, officers and their names, and what is remarked when officers run out. */
#include "calls.h"

static int begin(void **state)
{
        struct hsm *h = hsm_ready();
        struct caller co = caller_co(h);

        assert_int_equal(caller_create_user(&co, 1, "cu3", "user1234"), 0);
        *state = h;
        return 0;
}

static int end(void **state)
{
        hsm_free(*state);
        return 0;
}

static uint32_t give(struct caller *c, const struct named *key, uint64_t user, const uint8_t *kcv, size_t n)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__ChangeOwnerRequest in = CHSM__CHANGE_OWNER_REQUEST__INIT;

        in.handle = key->ref.handle;
        in.user = user;
        in.check_value = (ProtobufCBinaryData){ n, (uint8_t *)(uintptr_t)kcv };
        r.change_owner = &in;
        r.body_case = CHSM__REQUEST__BODY_CHANGE_OWNER;
        return ask(c, &r)->status;
}

static uint32_t rename_to(struct caller *c, const char *user, const char *name)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__RenameOfficerRequest in = CHSM__RENAME_OFFICER_REQUEST__INIT;

        in.user = (char *)(uintptr_t)user;
        in.name = (char *)(uintptr_t)name;
        r.rename_officer = &in;
        r.body_case = CHSM__REQUEST__BODY_RENAME_OFFICER;
        return ask(c, &r)->status;
}

static uint32_t close_account(struct caller *c, const char *user)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__DisableUserAccessRequest in = CHSM__DISABLE_USER_ACCESS_REQUEST__INIT;

        in.user = (char *)(uintptr_t)user;
        r.disable_user_access = &in;
        r.body_case = CHSM__REQUEST__BODY_DISABLE_USER_ACCESS;
        return ask(c, &r)->status;
}

static uint32_t delete_user(struct caller *c, uint32_t role, const char *user)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__DeleteUserRequest in = CHSM__DELETE_USER_REQUEST__INIT;

        in.role = role;
        in.user = (char *)(uintptr_t)user;
        r.delete_user = &in;
        r.body_case = CHSM__REQUEST__BODY_DELETE_USER;
        return ask(c, &r)->status;
}

static void a_key_changes_hands_with_its_check_value(void **state)
{
        struct caller co = caller_co(*state), cu1 = caller_cu(*state, "cu1"), cu2 = caller_cu(*state, "cu2"),
                      cu3 = caller_cu(*state, "cu3");
        struct named key;
        struct given out;
        uint8_t kcv[8], wrong[3];
        size_t n;

        assert_int_equal(make_aes(&cu1, true, NULL, &key), 0);
        assert_int_equal(share_object(&cu1, &key, cu2.user_id, true), 0);
        assert_int_equal(share_object(&cu1, &key, cu3.user_id, true), 0);
        assert_int_equal(get_attribute(&cu1, &key, CKA_CHECK_VALUE, kcv, sizeof(kcv), &n), 0);
        assert_int_equal(n, 3);
        memcpy(wrong, kcv, 3);
        wrong[2] ^= 1;
        assert_int_equal(give(&co, &key, cu2.user_id, NULL, 0), CKR_ARGUMENTS_BAD);
        assert_int_equal(give(&co, &key, cu2.user_id, wrong, 3), CKR_ARGUMENTS_BAD);
        assert_int_equal(give(&co, &key, cu2.user_id, kcv, 2), CKR_ARGUMENTS_BAD);
        assert_int_equal(give(&co, &key, 1, kcv, 3), CKR_USER_TYPE_INVALID);
        assert_int_equal(give(&co, &key, 99, kcv, 3), CKR_FUNCTION_REJECTED);
        assert_int_equal(give(&co, &key, cu1.user_id, kcv, 3), CKR_ARGUMENTS_BAD);
        assert_int_equal(give(&cu1, &key, cu2.user_id, kcv, 3), CKR_FUNCTION_REJECTED);
        assert_int_equal(use_encrypt(&cu1, &key, &out), 0);

        assert_int_equal(give(&co, &key, cu2.user_id, kcv, 3), 0);
        assert_int_equal(use_encrypt(&cu1, &key, &out), CKR_KEY_HANDLE_INVALID);
        assert_int_equal(use_encrypt(&cu3, &key, &out), 0); /* sharing follows the key */
        hsm_restart(*state);
        assert_int_equal(use_encrypt(&cu2, &key, &out), 0);
        assert_int_equal(use_encrypt(&cu1, &key, &out), CKR_KEY_HANDLE_INVALID);
        assert_int_equal(share_object(&cu2, &key, cu1.user_id, true), 0);
        assert_int_equal(destroy(&cu1, &key), CKR_ACTION_PROHIBITED);
        assert_int_equal(destroy(&cu2, &key), 0);
}

static void keys_without_a_check_value_need_none(void **state)
{
        struct caller co = caller_co(*state), cu1 = caller_cu(*state, "cu1"), cu2 = caller_cu(*state, "cu2");
        struct attributes a = { .n = 0 };
        struct named key;

        add_number(&a, CKA_CLASS, CKO_SECRET_KEY);
        add_number(&a, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
        add_bytes(&a, CKA_VALUE, SLICE_LIT("0123456789abcdef"));
        add_bool(&a, CKA_TOKEN, true);
        assert_int_equal(create_object(&cu1, &a, &key), 0);
        assert_int_equal(give(&co, &key, cu2.user_id, (const uint8_t *)"abc", 3), CKR_ARGUMENTS_BAD);
        assert_int_equal(give(&co, &key, cu2.user_id, NULL, 0), 0);
        assert_int_equal(destroy(&cu2, &key), 0);
}

static void a_closed_account_neither_gives_nor_gets(void **state)
{
        struct caller co = caller_co(*state), cu1 = caller_cu(*state, "cu1"), cu3 = caller_cu(*state, "cu3");
        struct named own, other;
        uint8_t kcv[8];
        size_t n;

        assert_int_equal(make_aes(&cu3, true, NULL, &own), 0);
        assert_int_equal(make_aes(&cu1, true, NULL, &other), 0);
        assert_int_equal(close_account(&cu3, "cu3"), 0);
        assert_int_equal(get_attribute(&cu3, &own, CKA_CHECK_VALUE, kcv, sizeof(kcv), &n), 0);
        assert_int_equal(give(&co, &own, cu1.user_id, kcv, n), CKR_FUNCTION_REJECTED);
        assert_int_equal(get_attribute(&cu1, &other, CKA_CHECK_VALUE, kcv, sizeof(kcv), &n), 0);
        assert_int_equal(give(&co, &other, cu3.user_id, kcv, n), CKR_FUNCTION_REJECTED);
        assert_int_equal(destroy(&cu1, &other), 0);
        assert_int_equal(destroy(&cu3, &own), 0);
}

/* createUser with somebody's name must not be a place to guess his password without end. */
static void making_a_user_again_counts_wrong_passwords(void **state)
{
        struct caller co = caller_co(*state), cu = caller_new(*state);

        assert_int_equal(caller_create_user(&co, 1, "cu6", "user1234"), 0);
        for (int i = 0; i < 4; i++)
                assert_int_equal(caller_create_user(&co, 1, "cu6", "guess1234"), CKR_FUNCTION_REJECTED);
        assert_int_equal(caller_create_user(&co, 1, "CU6", "user1234"), 0); /* the same is done already */
        assert_int_equal(caller_create_user(&co, 2, "cu6", "user1234"), CKR_FUNCTION_REJECTED);
        assert_int_equal(caller_create_user(&co, 1, "cu6", "guess1234"), CKR_FUNCTION_REJECTED);
        assert_int_equal(caller_login(&cu, 1, "cu6", "user1234"), CKR_PIN_LOCKED);
        assert_int_equal(caller_create_user(&co, 1, "cu6", "user1234"), CKR_FUNCTION_REJECTED);
        assert_int_equal(delete_user(&co, 1, "cu6"), 0);
}

static void an_officer_changes_his_name(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), second = caller_new(h), again = caller_new(h);
        uint64_t id = co.user_id;

        assert_int_equal(caller_create_user(&co, 2, "second", "second1234"), 0);
        assert_int_equal(caller_login(&second, 2, "second", "second1234"), 0);
        assert_int_equal(rename_to(&second, "admin", "captain"), CKR_FUNCTION_REJECTED);
        assert_int_equal(rename_to(&co, "admin", "SECOND"), CKR_FUNCTION_REJECTED);
        assert_int_equal(rename_to(&co, "admin", "cu1"), CKR_FUNCTION_REJECTED);
        assert_int_equal(rename_to(&co, "admin", "not a name"), CKR_FUNCTION_REJECTED);
        assert_int_equal(rename_to(&co, "cu1", "captain"), CKR_FUNCTION_REJECTED);
        assert_int_equal(caller_login(&again, 2, "admin", "wrong1234"), CKR_PIN_INCORRECT);

        assert_int_equal(rename_to(&co, "ADMIN", "Captain"), 0);
        assert_int_equal(rename_to(&co, "captain", "admin"), CKR_USER_NOT_LOGGED_IN); /* his logins end */
        assert_int_equal(caller_login(&co, 2, "admin", "admin1234"), CKR_PIN_INCORRECT);
        hsm_restart(h);
        assert_int_equal(caller_login(&co, 2, "captain", "admin1234"), 0);
        assert_int_equal(co.user_id, id);
        assert_int_equal(rename_to(&co, "captain", "CAPTAIN"), 0);
        assert_int_equal(caller_login(&co, 2, "Captain", "admin1234"), 0);
        assert_int_equal(caller_create_user(&co, 1, "cu7", "user1234"), 0);
        assert_int_equal(delete_user(&co, 1, "cu7"), 0);
        assert_int_equal(rename_to(&co, "captain", "admin"), 0);
        co = caller_co(h);
        assert_int_equal(delete_user(&co, 2, "second"), 0);
}

static void it_is_said_when_officers_run_out(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), second = caller_new(h);

        assert_non_null(strstr(h->note, "only one crypto officer can log in"));
        assert_int_equal(caller_create_user(&co, 2, "second", "second1234"), 0);
        assert_string_equal(h->note, "");
        assert_int_equal(caller_login(&second, 2, "second", "second1234"), 0);
        assert_string_equal(h->note, "");
        for (int i = 0; i < 5; i++)
                assert_int_equal(caller_login(&second, 2, "second", "guess1234"), CKR_PIN_INCORRECT);
        assert_non_null(strstr(h->note, "only one crypto officer can log in"));
        co = caller_co(h);
        assert_non_null(strstr(h->note, "only one crypto officer can log in"));
        assert_int_equal(delete_user(&co, 2, "second"), 0);
        assert_non_null(strstr(h->note, "only one crypto officer can log in"));
        for (int i = 0; i < 5; i++)
                assert_int_equal(caller_login(&second, 2, "admin", "guess1234"), CKR_PIN_INCORRECT);
        assert_non_null(strstr(h->note, "no crypto officer can log in"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_key_changes_hands_with_its_check_value),
                cmocka_unit_test(keys_without_a_check_value_need_none),
                cmocka_unit_test(a_closed_account_neither_gives_nor_gets),
                cmocka_unit_test(making_a_user_again_counts_wrong_passwords),
                cmocka_unit_test(an_officer_changes_his_name),
                cmocka_unit_test(it_is_said_when_officers_run_out),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, begin, end);
}
