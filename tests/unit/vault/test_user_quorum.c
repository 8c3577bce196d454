/* Where officers decide together, one alone takes no rights either. */
#include "people.h"

static const struct approval two[] = { { "admin", 2, 0 }, { "co2", 2, 1 } };

static int begin(void **state)
{
        struct hsm *h = hsm_ready();
        struct caller co = caller_co(h), second = caller_new(h);

        assert_int_equal(caller_create_user(&co, 2, "co2", "admin1234"), 0);
        assert_int_equal(caller_create_user(&co, 1, "cu3", "user1234"), 0);
        assert_int_equal(caller_login(&second, 2, "co2", "admin1234"), 0);
        assert_int_equal(register_key(&co, 2, "admin", 0, -1), 0);
        assert_int_equal(register_key(&second, 2, "co2", 1, -1), 0);
        *state = h;
        return 0;
}

static int end(void **state)
{
        hsm_free(*state);
        return 0;
}

static uint32_t set_rights(struct caller *c, const char *user, uint32_t mask, uint32_t rights)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__SetUserRightsRequest in = CHSM__SET_USER_RIGHTS_REQUEST__INIT;

        in.user = (char *)(uintptr_t)user;
        in.mask = mask;
        in.rights = rights;
        r.set_user_rights = &in;
        r.body_case = CHSM__REQUEST__BODY_SET_USER_RIGHTS;
        return ask(c, &r)->status;
}

static void officers_manage_users_together(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h);

        assert_int_equal(set_m(&co, 3, 2), 0);
        assert_int_equal(set_rights(&co, "cu1", 1, 0), CKR_FUNCTION_REJECTED);
        assert_non_null(strstr(h->detail, "RET_MXN_AUTH_FAILED"));
        assert_int_equal(approved_token(&co, 3, "admin", 0, two, 2), 0);
        assert_int_equal(set_rights(&co, "cu1", 1, 0), 0);
        assert_int_equal(set_rights(&co, "cu1", 1, 1), CKR_FUNCTION_REJECTED);
}

/* Who lost his password may have lost his key; a thief of it would go on approving. */
static void an_officer_let_in_by_the_owner_registers_a_new_key(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), let_in = caller_new(h), again = caller_new(h);
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__UnlockOfficerRequest in = CHSM__UNLOCK_OFFICER_REQUEST__INIT;
        const Chsm__Response *response;
        struct token_file token = { .n = 0 };
        uint8_t proof[256];

        in.user = (char *)(uintptr_t) "co2";
        in.signature = (ProtobufCBinaryData){ hsm_owner_signs(&let_in, "co2", proof), proof };
        r.unlock_officer = &in;
        r.body_case = CHSM__REQUEST__BODY_UNLOCK_OFFICER;
        response = ask(&let_in, &r);
        assert_int_equal(response->status, 0);
        let_in.ticket_n = response->login->ticket.len;
        memcpy(let_in.ticket, response->login->ticket.data, let_in.ticket_n);
        assert_int_equal(change_password(&let_in, 2, "co2", "another1234"), 0);
        assert_int_equal(get_token(&co, 3, "admin", 0, NULL, &token), 0);
        assert_int_equal(approve(&co, &token, two, 2), CKR_FUNCTION_REJECTED);
        assert_non_null(strstr(h->detail, "has no key to approve with"));
        assert_int_equal(caller_login(&again, 2, "co2", "another1234"), 0);
        assert_int_equal(register_key(&again, 2, "co2", 2, -1), 0);
        assert_int_equal(
            approve(&co, &token, (const struct approval[]){ { "admin", 2, 0 }, { "co2", 2, 2 } }, 2), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(officers_manage_users_together),
                cmocka_unit_test(an_officer_let_in_by_the_owner_registers_a_new_key),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, begin, end);
}
