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

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(officers_manage_users_together),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, begin, end);
}
