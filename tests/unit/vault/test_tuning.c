/* setHSMConfig: numbers of the partition, and that they are kept and obeyed. */
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

static uint32_t set_config(struct caller *c, const char *name, uint32_t value)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__SetConfigRequest in = CHSM__SET_CONFIG_REQUEST__INIT;
        const Chsm__Response *response;

        in.name = (char *)(uintptr_t)name;
        in.value = value;
        r.set_config = &in;
        r.body_case = CHSM__REQUEST__BODY_SET_CONFIG;
        response = ask(c, &r);
        for (size_t i = 0; response->status == 0 && i < response->config->n_numbers; i++) {
                if (strcmp(response->config->numbers[i]->name, name) == 0)
                        assert_int_equal(response->config->numbers[i]->value, value);
        }
        return response->status;
}

static uint32_t config_of(struct caller *c, const char *name)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__GetConfigRequest in = CHSM__GET_CONFIG_REQUEST__INIT;
        const Chsm__Response *response;

        r.get_config = &in;
        r.body_case = CHSM__REQUEST__BODY_GET_CONFIG;
        response = ask(c, &r);
        assert_int_equal(response->status, 0);
        for (size_t i = 0; i < response->config->n_numbers; i++) {
                if (strcmp(response->config->numbers[i]->name, name) == 0)
                        return response->config->numbers[i]->value;
        }
        fail();
        return 0;
}

static void numbers_begin_as_the_node_says_and_are_kept(void **state)
{
        struct caller co = caller_co(*state);

        assert_int_equal(config_of(&co, "lock_after"), 5);
        assert_int_equal(config_of(&co, "login_hours"), 24);
        assert_int_equal(set_config(&co, "lock_after", 3), 0);
        assert_int_equal(set_config(&co, "login_hours", 2), 0);
        hsm_restart(*state);
        assert_int_equal(config_of(&co, "lock_after"), 3);
        assert_int_equal(config_of(&co, "login_hours"), 2);
}

static void what_is_out_of_range_changes_nothing(void **state)
{
        struct caller co = caller_co(*state);

        assert_int_equal(set_config(&co, "lock_after", 0), CKR_ARGUMENTS_BAD);
        assert_int_equal(set_config(&co, "lock_after", 21), CKR_ARGUMENTS_BAD);
        assert_int_equal(set_config(&co, "login_hours", 65536 + 2), CKR_ARGUMENTS_BAD);
        assert_int_equal(set_config(&co, "colour", 3), CKR_ARGUMENTS_BAD);
        assert_int_equal(config_of(&co, "lock_after"), 3);
}

static void an_account_locks_where_it_was_said(void **state)
{
        struct caller guess = caller_new(*state);

        for (int i = 0; i < 3; i++)
                assert_int_equal(caller_login(&guess, 1, "cu2", "guess1234"), CKR_PIN_INCORRECT);
        assert_int_equal(caller_login(&guess, 1, "cu2", "user1234"), CKR_PIN_LOCKED);
}

static void a_login_lasts_as_long_as_was_said(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h);

        h->wall_ms += INT64_C(2) * 3600 * 1000 - 1;
        assert_int_equal(config_of(&co, "login_hours"), 2);
        h->wall_ms += 1;
        assert_int_equal(set_config(&co, "login_hours", 3), CKR_USER_NOT_LOGGED_IN);
}

/* A context that was retired stays so for as long as any login of it could last. */
static void a_shorter_life_revives_nothing(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), cu;
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__RetireContextRequest in = CHSM__RETIRE_CONTEXT_REQUEST__INIT;
        Chsm__Request other = CHSM__REQUEST__INIT;
        Chsm__RandomRequest random = CHSM__RANDOM_REQUEST__INIT;

        assert_int_equal(set_config(&co, "login_hours", 100), 0);
        cu = caller_cu(h, "cu1");
        assert_int_equal(set_config(&co, "login_hours", 1), 0);
        r.retire_context = &in;
        r.body_case = CHSM__REQUEST__BODY_RETIRE_CONTEXT;
        assert_int_equal(ask(&cu, &r)->status, 0);
        h->wall_ms += INT64_C(3) * 3600 * 1000;
        for (int i = 0; i < 3; i++) { /* each retirement drops some that are over */
                struct caller next = caller_cu(h, "cu1");

                assert_int_equal(ask(&next, &r)->status, 0);
        }
        random.length = 8;
        other.random = &random;
        other.body_case = CHSM__REQUEST__BODY_RANDOM;
        assert_int_equal(ask(&cu, &other)->status, CKR_USER_NOT_LOGGED_IN);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(numbers_begin_as_the_node_says_and_are_kept),
                cmocka_unit_test(what_is_out_of_range_changes_nothing),
                cmocka_unit_test(an_account_locks_where_it_was_said),
                cmocka_unit_test(a_login_lasts_as_long_as_was_said),
                cmocka_unit_test(a_shorter_life_revives_nothing),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, begin, end);
}
