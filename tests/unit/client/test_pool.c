/* A pool and its nodes: who is given a request, and what becomes of it when the node is silent, killed or
 * back. */
#include "nodes.h"

#include "client/pool_choose.h"

#define SIGN     CHSM__REQUEST__BODY_SIGN
#define GENERATE CHSM__REQUEST__BODY_GENERATE_KEY

static struct nodes all;

static int up(void **state)
{
        (void)state;
        nodes_init(&all, 3);
        return 0;
}

static int down(void **state)
{
        (void)state;
        nodes_clear(&all);
        return 0;
}

static struct node *other_than(const struct node *n)
{
        return &all.list[n == &all.list[0] ? 1 : 0];
}

/* Everything that is under way is answered. */
static void answer_all(void)
{
        for (int turn = 0; turn < 3; turn++) {
                for (size_t i = 0; i < all.n; i++) {
                        if (!all.list[i].stopped && all.list[i].conn)
                                node_answer(&all.list[i]);
                }
                nodes_step(&all);
        }
}

static void requests_spread(void **state)
{
        (void)state;
        nodes_pool(&all, 3, NULL);
        for (int i = 0; i < 60; i++)
                assert_non_null(nodes_sign(&all));
        for (int i = 0; i < 3; i++)
                assert_in_range(all.list[i].got, 15, 25);
        answer_all();
        assert_int_equal(all.answered, 60);
        assert_int_equal(client_pool_in_flight(all.pool), 0);
}

static void a_slow_node_is_given_less_at_once(void **state)
{
        size_t before;

        (void)state;
        nodes_pool(&all, 3, NULL);
        for (int i = 0; i < 6; i++)
                (void)nodes_sign(&all);
        nodes_pass(&all, 1);
        node_answer(&all.list[0]);
        node_answer(&all.list[2]);
        nodes_pass(&all, 40);
        answer_all();
        before = all.list[1].got;
        assert_true(before > 0);
        for (int i = 0; i < 30; i++) {
                (void)nodes_sign(&all);
                (void)nodes_sign(&all);
                nodes_pass(&all, 1);
                answer_all();
        }
        assert_int_equal(all.list[1].got, before);
        assert_int_equal(all.failed, 0);
}

/* A request at a time goes where the last one went, and now and then elsewhere, to know how quick that is. */
static void one_at_a_time_stays(void **state)
{
        struct node *last = NULL;
        size_t moves = 0;

        (void)state;
        nodes_pool(&all, 3, NULL);
        for (int i = 0; i < 6; i++)
                (void)nodes_sign(&all);
        nodes_pass(&all, 1);
        answer_all();
        for (int i = 0; i < 10000; i++) {
                struct node *n = nodes_sign(&all);

                moves += last && n != last;
                last = n;
                nodes_pass(&all, 1);
                answer_all();
        }
        assert_in_range(moves, 3, 40);
        for (int i = 0; i < 3; i++)
                assert_true(all.list[i].got > 1000);
}

static void the_zone_s_nodes_come_first(void **state)
{
        (void)state;
        strcpy(all.list[1].zone, "b");
        nodes_pool(&all, 3, "b");
        for (int i = 0; i < 20; i++)
                assert_ptr_equal(nodes_sign(&all), &all.list[1]);
        node_kill(&all.list[1]);
        nodes_pass(&all, 1);
        assert_int_equal(all.list[0].got + all.list[2].got, 20);
        answer_all();
        assert_int_equal(all.answered, 20);
        assert_int_equal(all.failed, 0);
}

static void no_node_stands_in_the_zone(void **state)
{
        (void)state;
        nodes_pool(&all, 3, "elsewhere");
        for (int i = 0; i < 30; i++)
                assert_non_null(nodes_sign(&all));
        for (int i = 0; i < 3; i++)
                assert_true(all.list[i].got > 0);
}

static void what_a_killed_node_had_is_done_at_once_by_others(void **state)
{
        struct node *n;

        (void)state;
        nodes_pool(&all, 3, NULL);
        n = nodes_ask(&all, GENERATE, 0);
        node_kill(n);
        nodes_step(&all);
        assert_true(all.lost > 0);
        assert_int_equal(all.list[0].got + all.list[1].got + all.list[2].got, 2);
        answer_all();
        assert_int_equal(all.answered, 1);
}

/* How many of the requests the node gets; three at a time, answered after a millisecond. */
static size_t share_of(const struct node *n, int requests)
{
        size_t before = n->got;

        for (int i = 0; i < requests; i += 3) {
                for (int k = 0; k < 3; k++)
                        (void)nodes_sign(&all);
                nodes_pass(&all, 1);
                answer_all();
        }
        return n->got - before;
}

static void a_node_that_is_back_is_given_little_at_first(void **state)
{
        (void)state;
        nodes_pool(&all, 3, NULL);
        assert_in_range(share_of(&all.list[2], 300), 60, 140);
        node_kill(&all.list[2]);
        (void)share_of(&all.list[2], 100);
        all.list[2].down = false;
        while (all.back == 0) /* its address is tried again, because something is asked */
                (void)share_of(&all.list[2], 1);
        assert_in_range(share_of(&all.list[2], 300), 1, 40);
        nodes_pass(&all, POOL_RAMP_US / 1000);
        assert_in_range(share_of(&all.list[2], 300), 60, 140);
        assert_int_equal(all.failed, 0);
        assert_int_equal(client_pool_in_flight(all.pool), 0);
}

static void uses_of_a_stopped_node_are_done_by_another_soon(void **state)
{
        struct node *n;

        (void)state;
        nodes_pool(&all, 3, NULL);
        n = nodes_sign(&all);
        n->stopped = true;
        nodes_pass(&all, 199);
        assert_int_equal(all.answered, 0);
        nodes_pass(&all, 2);
        answer_all();
        assert_int_equal(all.answered, 1); /* by another, after 0.2 s */
        assert_int_equal(all.lost, 0);     /* the node is not given up for that */
        for (int i = 0; i < 20; i++)       /* but is given nothing meanwhile */
                assert_ptr_not_equal(nodes_sign(&all), n);
        answer_all();
        node_continue(n);
        node_answer(n);
        nodes_pass(&all, 2);
        assert_int_equal(all.answered, 21); /* its answer comes too late and is nobody's */
        assert_int_equal(client_pool_in_flight(all.pool), 0);
        assert_int_equal(all.lost, 0);
}

static void the_first_answer_counts(void **state)
{
        struct node *n;

        (void)state;
        nodes_pool(&all, 2, NULL);
        n = nodes_sign(&all);
        n->stopped = true;
        nodes_pass(&all, 202);
        assert_int_equal(other_than(n)->held_n, 1); /* it has it as well */
        node_continue(n);
        node_answer(n);
        nodes_step(&all);
        assert_int_equal(all.answered, 1);
        node_answer(other_than(n));
        nodes_step(&all);
        assert_int_equal(all.answered, 1);
        assert_int_equal(all.failed, 0);
}

static void changes_wait_until_the_node_is_given_up(void **state)
{
        struct node *n;

        (void)state;
        nodes_pool(&all, 3, NULL);
        n = nodes_ask(&all, GENERATE, 0);
        n->stopped = true;
        nodes_pass(&all, 1099);
        assert_int_equal(other_than(n)->got + all.list[2].got + all.list[1].got + all.list[0].got, 1);
        nodes_pass(&all, 3);
        assert_int_equal(all.lost, 1);
        answer_all();
        assert_int_equal(all.answered, 1);
}

static void a_busy_node_is_not_given_up(void **state)
{
        struct node *n;

        (void)state;
        nodes_pool(&all, 3, NULL);
        n = nodes_sign(&all);
        nodes_pass(&all, 3000); /* it answers hellos, and works */
        assert_true(n->hellos > 1);
        assert_int_equal(all.lost, 0);
        assert_int_equal(all.list[0].got + all.list[1].got + all.list[2].got, 1);
        answer_all();
        assert_int_equal(all.answered, 1);
}

/* Parts of a stream are done where the stream is, and nowhere else. */
static void a_stream_stays_where_it_is(void **state)
{
        (void)state;
        nodes_pool(&all, 3, NULL);
        for (int i = 0; i < 10; i++)
                assert_ptr_equal(nodes_ask(&all, CHSM__REQUEST__BODY_STREAM_PART, (uint64_t)3 << 56 | 9),
                                 &all.list[2]);
        all.list[2].stopped = true;
        nodes_pass(&all, 1000);
        assert_int_equal(all.list[0].got + all.list[1].got, 0);
}

static void one_that_is_put_off_goes_to_another(void **state)
{
        struct node *n;

        (void)state;
        nodes_pool(&all, 2, NULL);
        n = nodes_sign(&all);
        node_put_off(n, ERR_DRAINING);
        nodes_step(&all);
        assert_int_equal(other_than(n)->got, 1);
        for (int i = 0; i < 20; i++)
                assert_ptr_equal(nodes_sign(&all), other_than(n));
        answer_all();
        assert_int_equal(all.answered, 21);
}

static void nobody_can_serve(void **state)
{
        (void)state;
        nodes_pool(&all, 2, NULL);
        node_kill(&all.list[0]);
        node_kill(&all.list[1]);
        (void)nodes_sign(&all);
        nodes_pass(&all, 4990);
        assert_int_equal(all.failed, 0);
        nodes_pass(&all, 20);
        assert_int_equal(all.failed, 1);
        assert_int_equal(all.last.id, ERR_CONNECT);
        assert_non_null(strstr(all.last.detail, "10.0.0.2"));
}

static void those_that_are_there_cannot(void **state)
{
        (void)state;
        nodes_pool(&all, 2, NULL);
        (void)nodes_ask(&all, GENERATE, 0);
        for (int i = 0; i < 5010; i++) {
                node_put_off(&all.list[0], ERR_RETRY);
                node_put_off(&all.list[1], ERR_RETRY);
                nodes_pass(&all, 1);
        }
        assert_int_equal(all.failed, 1);
        assert_int_equal(all.last.id, ERR_DEADLINE);
        assert_non_null(strstr(all.last.detail, err_row(ERR_RETRY)->text));
        assert_in_range(all.list[0].got + all.list[1].got, 8, 40); /* with longer and longer waits between */
}

static void the_one_that_has_it_is_named(void **state)
{
        struct node *n;

        (void)state;
        nodes_pool(&all, 3, NULL);
        n = nodes_ask(&all, GENERATE, 0);
        nodes_pass(&all, 5001);
        assert_int_equal(all.failed, 1);
        assert_int_equal(all.last.id, ERR_DEADLINE);
        assert_non_null(strstr(all.last.detail, n->host));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
                TEST(requests_spread),
                TEST(a_slow_node_is_given_less_at_once),
                TEST(one_at_a_time_stays),
                TEST(the_zone_s_nodes_come_first),
                TEST(no_node_stands_in_the_zone),
                TEST(what_a_killed_node_had_is_done_at_once_by_others),
                TEST(a_node_that_is_back_is_given_little_at_first),
                TEST(uses_of_a_stopped_node_are_done_by_another_soon),
                TEST(the_first_answer_counts),
                TEST(changes_wait_until_the_node_is_given_up),
                TEST(a_busy_node_is_not_given_up),
                TEST(a_stream_stays_where_it_is),
                TEST(one_that_is_put_off_goes_to_another),
                TEST(nobody_can_serve),
                TEST(those_that_are_there_cannot),
                TEST(the_one_that_has_it_is_named),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
