/* What a node of a cluster does with a clock that is not the others', and with a caller who has seen more
 * than it. */
#include "hsm.h"
#include "vault/clock_watch.h"

#define DAY_MS ((int64_t)24 * 60 * 60 * 1000)

static enum err_id random_reason(struct caller *c)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__RandomRequest in = CHSM__RANDOM_REQUEST__INIT;

        in.length = 8;
        r.random = &in;
        r.body_case = CHSM__REQUEST__BODY_RANDOM;
        return (enum err_id)ask(c, &r)->reason;
}

static bool tells_of_itself(struct hsm *h)
{
        struct caller who = caller_new(h);
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__NodeInfoRequest in = CHSM__NODE_INFO_REQUEST__INIT;

        r.node_info = &in;
        r.body_case = CHSM__REQUEST__BODY_NODE_INFO;
        return ask(&who, &r)->status == 0;
}

static void one_node_believes_its_clock(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1");

        h->wall_ms -= DAY_MS;
        assert_int_equal(random_reason(&cu), ERR_NONE);
        h->wall_ms += DAY_MS;
        assert_int_equal(random_reason(&cu), ERR_NONE);
}

static void a_clock_that_jumps_keeps_the_node_out(void **state)
{
        static const int64_t jumps[] = { DAY_MS, -DAY_MS };
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1");

        for (size_t i = 0; i < 2; i++) {
                struct caller late = caller_new(h);

                vault_clock_heard(h->vault, 2, h->wall_ms);
                h->wall_ms += jumps[i];
                assert_int_equal(random_reason(&cu), ERR_RETRY);
                assert_non_null(strstr(h->detail, jumps[i] > 0 ? "86400 s ahead of" : "s behind"));
                assert_int_equal(caller_login(&late, 1, "cu1", "user1234"), CKR_DEVICE_ERROR);
                assert_true(tells_of_itself(h));
                vault_clock_heard(h->vault, 2, h->wall_ms - jumps[i]);
                assert_int_equal(random_reason(&cu), ERR_RETRY);
                h->wall_ms -= jumps[i];
                assert_int_equal(random_reason(&cu), ERR_NONE);
        }
}

/* All clocks were set: each node hears from another that it has the same time. */
static void a_jump_that_another_node_confirms_is_believed(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1");

        vault_clock_heard(h->vault, 2, h->wall_ms);
        h->wall_ms -= DAY_MS;
        assert_int_equal(random_reason(&cu), ERR_RETRY);
        vault_clock_heard(h->vault, 2, h->wall_ms + 1000);
        assert_int_equal(random_reason(&cu), ERR_NONE);
        h->wall_ms += DAY_MS;
        vault_clock_heard(h->vault, 2, h->wall_ms);
}

static void a_clock_that_was_wrong_from_the_start_needs_two_who_say_so(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1");

        vault_clock_heard(h->vault, 2, h->wall_ms + DAY_MS);
        assert_int_equal(random_reason(&cu), ERR_NONE);
        vault_clock_heard(h->vault, 3, h->wall_ms + DAY_MS);
        assert_int_equal(random_reason(&cu), ERR_RETRY);
        vault_clock_heard(h->vault, 4, h->wall_ms);
        assert_int_equal(random_reason(&cu), ERR_NONE);
}

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

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(one_node_believes_its_clock, begin, end),
                cmocka_unit_test_setup_teardown(a_clock_that_jumps_keeps_the_node_out, begin, end),
                cmocka_unit_test_setup_teardown(a_jump_that_another_node_confirms_is_believed, begin, end),
                cmocka_unit_test_setup_teardown(a_clock_that_was_wrong_from_the_start_needs_two_who_say_so,
                                                begin, end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
