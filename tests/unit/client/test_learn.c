/* One node tells of all: what a pool makes of it, and of what it must not believe. */
#include "nodes.h"

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

static void answer_all(void)
{
        for (size_t i = 0; i < all.n; i++) {
                if (all.list[i].conn)
                        node_answer(&all.list[i]);
        }
        nodes_step(&all);
}

/* Work for so long, three requests each 10 ms. */
static void work(int64_t ms)
{
        for (int64_t i = 0; i < ms / 10; i++) {
                for (int k = 0; k < 3; k++)
                        (void)nodes_sign(&all);
                nodes_pass(&all, 10);
                answer_all();
        }
}

static void all_are_learned_from_one(void **state)
{
        (void)state;
        nodes_pool_learning(&all, 1);
        for (int i = 0; i < 3; i++)
                assert_non_null(all.list[i].conn); /* before anything is asked */
        work(1000);
        for (int i = 0; i < 3; i++) {
                assert_int_equal(all.list[i].dialled, 1);
                assert_true(all.list[i].got > 0);
        }
        node_kill(&all.list[0]); /* the one that is configured */
        work(1000);
        assert_int_equal(all.failed, 0);
}

static void nothing_is_learned_unless_told(void **state)
{
        (void)state;
        nodes_pool(&all, 1, NULL);
        work(20000);
        assert_int_equal(all.list[1].dialled + all.list[2].dialled, 0);
}

static void a_node_that_joins_later_is_learned(void **state)
{
        (void)state;
        all.list[2].hidden = true;
        nodes_pool_learning(&all, 1);
        work(1000);
        assert_int_equal(all.list[2].dialled, 0);
        all.list[2].hidden = false;
        work(16000);
        assert_non_null(all.list[2].conn);
        assert_true(all.list[2].got > 0);
}

static void a_node_that_is_told_of_no_more_goes_gently(void **state)
{
        struct node *gone = &all.list[2];
        size_t got, asked;

        (void)state;
        nodes_pool_learning(&all, 1);
        work(1000);
        gone->hidden = true;
        work(40000);
        assert_non_null(gone->conn); /* it may be a node that is behind which does not know it */
        asked = all.answered;
        got = all.list[0].got + all.list[1].got + gone->got;
        while (gone->conn) { /* it has requests whenever time passes, and answers them before it is closed */
                for (int i = 0; i < 6; i++, asked++)
                        (void)nodes_sign(&all);
                nodes_pass(&all, 10);
                for (size_t i = 0; i < all.n; i++)
                        node_answer(&all.list[i]);
                got += 6;
        }
        nodes_step(&all);
        assert_int_equal(all.answered, asked);
        assert_int_equal(all.list[0].got + all.list[1].got + gone->got, got); /* each was sent once */
        assert_int_equal(all.failed, 0);
        got = gone->dialled;
        work(20000);
        assert_int_equal(gone->dialled, got);
        gone->hidden = false; /* and again, in the place that became free */
        work(16000);
        assert_non_null(gone->conn);
}

static void a_configured_node_stays(void **state)
{
        (void)state;
        nodes_pool_learning(&all, 3);
        all.list[2].hidden = true;
        work(100000);
        assert_non_null(all.list[2].conn);
        assert_true(all.list[2].got > 0);
        assert_int_equal(all.list[2].dialled, 1);
}

static void a_node_that_moved_is_found_at_its_new_address(void **state)
{
        (void)state;
        nodes_pool_learning(&all, 1);
        work(100);
        node_kill(&all.list[1]);
        strcpy(all.list[1].host, "10.0.0.99");
        all.list[1].down = false;
        work(17000);
        assert_non_null(all.list[1].conn);
        assert_int_equal(all.failed, 0);
}

/* What is configured by another name than the node advertises is not connected twice. */
static void a_name_and_its_address_are_one_node(void **state)
{
        (void)state;
        all.list[0].alias = "hsm1.example.org";
        all.list[1].alias = "hsm2.example.org";
        nodes_pool_learning(&all, 2);
        work(20000);
        for (int i = 0; i < 3; i++) {
                assert_int_equal(all.list[i].dialled, 1);
                assert_non_null(all.list[i].conn);
        }
}

/* One that was down when it was told of, by another name. */
static void a_twin_goes_when_it_is_found_out(void **state)
{
        (void)state;
        all.list[1].alias = "hsm2.example.org";
        all.list[1].down = true;
        nodes_pool_learning(&all, 2);
        work(2000);
        all.list[1].down = false;
        work(20000);
        assert_non_null(all.list[1].conn);
        assert_true(all.list[1].got > 100);
        assert_int_equal(all.failed, 0);
}

static void a_node_of_another_partition_is_refused(void **state)
{
        (void)state;
        all.list[1].partition = 9;
        nodes_pool_learning(&all, 1);
        work(5000);
        assert_int_equal(all.list[1].got, 0);
        assert_true(all.lost > 0);
        assert_int_equal(all.failed, 0);
}

static void a_node_that_is_another_one_is_refused(void **state)
{
        (void)state;
        all.list[1].claims = 7;
        nodes_pool_learning(&all, 1);
        work(5000);
        assert_int_equal(all.list[1].got, 0);
        assert_true(all.lost > 0);
}

static void addresses_that_are_none_are_passed_over(void **state)
{
        static const char *const bad[] = { "0.0.0.0", "::", "127.0.0.1", "::1", "localhost", "" };

        (void)state;
        nodes_clear(&all);
        nodes_init(&all, 9);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                strcpy(all.list[i + 1].host, bad[i]);
        memset(all.list[7].host, 'x', 256);
        all.list[7].host[256] = '\0';
        all.list[8].port = 0;
        nodes_pool_learning(&all, 1);
        work(5000);
        for (size_t i = 1; i < all.n; i++)
                assert_int_equal(all.list[i].dialled, 0);
        assert_int_equal(all.failed, 0);
}

/* On one machine, where the cluster is for trying it, they are addresses. */
static void loopback_is_good_on_loopback(void **state)
{
        (void)state;
        for (uint16_t i = 0; i < 3; i++) {
                strcpy(all.list[i].host, "127.0.0.1");
                all.list[i].port = (uint16_t)(2225 + i);
        }
        nodes_pool_learning(&all, 1);
        for (int i = 0; i < 3; i++)
                assert_non_null(all.list[i].conn);
}

static void a_list_that_is_too_long_is_not_used(void **state)
{
        (void)state;
        nodes_clear(&all);
        nodes_init(&all, 65);
        nodes_pool_learning(&all, 1);
        work(1000);
        assert_int_equal(all.list[1].dialled, 0);
        all.n = 64;
        work(16000);
        assert_non_null(all.list[63].conn);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
                TEST(all_are_learned_from_one),
                TEST(nothing_is_learned_unless_told),
                TEST(a_node_that_joins_later_is_learned),
                TEST(a_node_that_is_told_of_no_more_goes_gently),
                TEST(a_configured_node_stays),
                TEST(a_node_that_moved_is_found_at_its_new_address),
                TEST(a_name_and_its_address_are_one_node),
                TEST(a_twin_goes_when_it_is_found_out),
                TEST(a_node_of_another_partition_is_refused),
                TEST(a_node_that_is_another_one_is_refused),
                TEST(addresses_that_are_none_are_passed_over),
                TEST(loopback_is_good_on_loopback),
                TEST(a_list_that_is_too_long_is_not_used),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
