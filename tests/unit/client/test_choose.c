/* Which node a request goes to: the table of what is known, and who is chosen of it. */
#include "test.h"

#include "client/pool_choose.h"

#define NOW   1000000000
#define DRAWS 4000

/* How often each is chosen, of DRAWS chances that are spread evenly over all bits. */
static void shares(const struct pool_gauge *g, size_t n, size_t *out)
{
        memset(out, 0, (n + 1) * sizeof(*out));
        for (uint32_t i = 0; i < DRAWS; i++)
                out[pool_choose(g, n, n, NOW, i * 2654435761u)]++;
}

static struct pool_gauge gauge(int64_t latency_us, size_t in_flight)
{
        return (struct pool_gauge){ .ready = true,
                                    .near = true,
                                    .in_flight = in_flight,
                                    .heard_us = NOW,
                                    .latency_us = latency_us,
                                    .measured_us = NOW };
}

static void nobody_is_ready(void **state)
{
        struct pool_gauge g[2] = { gauge(100, 0), gauge(100, 0) };

        (void)state;
        g[0].ready = g[1].ready = false;
        assert_int_equal(pool_choose(g, 2, 2, NOW, 12345), 2);
        assert_int_equal(pool_choose(g, 0, 0, NOW, 12345), 0);
        g[1].ready = true;
        assert_int_equal(pool_choose(g, 2, 2, NOW, 12345), 1);
}

static void equals_share_alike(void **state)
{
        struct pool_gauge g[3] = { gauge(300, 2), gauge(300, 2), gauge(300, 2) };
        size_t n[4];

        (void)state;
        shares(g, 3, n);
        for (int i = 0; i < 3; i++)
                assert_in_range(n[i], DRAWS / 3 - DRAWS / 20, DRAWS / 3 + DRAWS / 20);
}

static void of_two_the_quicker_and_emptier(void **state)
{
        static const struct {
                struct pool_gauge a, b;
        } better[] = {
                { { .latency_us = 300, .in_flight = 2 }, { .latency_us = 300, .in_flight = 3 } },
                { { .latency_us = 300, .in_flight = 2 }, { .latency_us = 500, .in_flight = 2 } },
                { { .latency_us = 300, .in_flight = 5 }, { .latency_us = 2000, .in_flight = 1 } },
                { { .latency_us = 2000, .in_flight = 0 }, { .latency_us = 300, .in_flight = 9 } },
                /* of one nothing was measured: it is taken to be as quick as the other */
                { { .latency_us = 0, .in_flight = 1 }, { .latency_us = 300, .in_flight = 2 } },
                { { .latency_us = 300, .in_flight = 1 }, { .latency_us = 0, .in_flight = 2 } },
                { { .latency_us = 0, .in_flight = 1 }, { .latency_us = 0, .in_flight = 2 } },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(better) / sizeof(better[0]); i++) {
                struct pool_gauge g[2] = { gauge(better[i].a.latency_us, better[i].a.in_flight),
                                           gauge(better[i].b.latency_us, better[i].b.in_flight) };
                struct pool_gauge turned[2] = { g[1], g[0] };

                for (uint32_t chance = 0; chance < 100; chance++) {
                        assert_int_equal(pool_choose(g, 2, 2, NOW, chance * 2654435761u), 0);
                        assert_int_equal(pool_choose(turned, 2, 2, NOW, chance * 2654435761u), 1);
                }
        }
}

static void a_slow_answer_counts_at_once_and_is_forgotten(void **state)
{
        struct pool_gauge g = gauge(0, 0);
        int64_t now = NOW, slow;

        (void)state;
        for (int i = 0; i < 100; i++)
                pool_gauge_answered(&g, now += 1000, 300);
        assert_int_equal(pool_gauge_latency(&g, now), 300);
        pool_gauge_answered(&g, now, 90000);
        assert_int_equal(pool_gauge_latency(&g, now), 90000);
        pool_gauge_answered(&g, now + 1, 300); /* one quick answer is no cure */
        assert_in_range(pool_gauge_latency(&g, now + 1), 85000, 90000);
        slow = pool_gauge_latency(&g, now);
        for (int i = 0; i < 300; i++) /* 300 ms of them are */
                pool_gauge_answered(&g, now += 1000, 300);
        assert_in_range(pool_gauge_latency(&g, now), 300, slow / 2);
        for (int i = 0; i < 3000; i++)
                pool_gauge_answered(&g, now += 1000, 300);
        assert_in_range(pool_gauge_latency(&g, now), 300, 320);
        pool_gauge_answered(&g, now, 64000); /* or that nobody asked for a while */
        assert_int_equal(pool_gauge_latency(&g, now + 6 * POOL_FORGET_US), 1000);
        assert_int_equal(pool_gauge_latency(&g, now + 400 * (int64_t)POOL_FORGET_US), 0);
}

static void silence_is_latency(void **state)
{
        struct pool_gauge g[2] = { gauge(300, 1), gauge(300, 4) };

        (void)state;
        g[0].heard_us = NOW - 50000;
        assert_int_equal(pool_gauge_latency(&g[0], NOW), 50000);
        assert_int_equal(pool_choose(g, 2, 2, NOW, 1), 1);
        g[0].in_flight = 0; /* it has nothing to say */
        assert_int_equal(pool_gauge_latency(&g[0], NOW), 300);
        assert_int_equal(pool_choose(g, 2, 2, NOW, 1), 0);
}

static void those_that_rest_leave_or_are_silent_are_last(void **state)
{
        struct pool_gauge g[3] = { gauge(100, 0), gauge(100, 0), gauge(90000, 9) };
        size_t n[4];

        (void)state;
        g[0].rest_until_us = NOW + 1;
        g[1].leaving = true;
        shares(g, 3, n);
        assert_int_equal(n[2], DRAWS);
        g[2].ready = false;
        shares(g, 3, n);
        assert_int_equal(n[0] + n[1], DRAWS);
        g[0].rest_until_us = NOW; /* rested */
        shares(g, 3, n);
        assert_int_equal(n[0], DRAWS);
        g[0].silent = true;
        g[1].leaving = false;
        shares(g, 3, n);
        assert_int_equal(n[1], DRAWS);
}

static void a_node_that_came_back_has_its_share_little_by_little(void **state)
{
        struct pool_gauge g[3] = { gauge(300, 0), gauge(300, 0), gauge(300, 0) };
        size_t n[4], before = 0;

        (void)state;
        g[0].back_us = 0; /* never away */
        assert_int_equal(pool_gauge_weight(&g[0], NOW), 1000);
        for (int64_t part = 0; part <= 4; part++) {
                g[2].back_us = NOW - part * POOL_RAMP_US / 4;
                assert_int_equal(pool_gauge_weight(&g[2], NOW), 100 + part * 225);
                shares(g, 3, n);
                assert_in_range(n[2], DRAWS / 3 * (100 + (size_t)part * 225) / 1000 - DRAWS / 50,
                                DRAWS / 3 * (100 + (size_t)part * 225) / 1000 + DRAWS / 50);
                assert_true(n[2] > before);
                before = n[2];
        }
        g[0].ready = g[1].ready = false; /* alone it has all */
        g[2].back_us = NOW;
        shares(g, 3, n);
        assert_int_equal(n[2], DRAWS);
}

static void the_zone_is_preferred_until_it_is_out_or_crowded(void **state)
{
        struct pool_gauge g[4] = { gauge(900, 30), gauge(800, 30), gauge(300, 0), gauge(300, 0) };
        size_t n[5];

        (void)state;
        g[2].near = g[3].near = false;
        shares(g, 4, n);
        assert_int_equal(n[1], DRAWS); /* the better one of the zone, though others are quicker */
        g[0].latency_us = g[1].latency_us = POOL_CROWDED_US + 1;
        shares(g, 4, n);
        assert_int_equal(n[2] + n[3], DRAWS);
        g[2].latency_us = g[3].latency_us = POOL_CROWDED_US / 2; /* there it is not much better */
        shares(g, 4, n);
        assert_int_equal(n[0] + n[1], DRAWS);
        g[0].ready = false;
        g[1].leaving = true;
        shares(g, 4, n);
        assert_int_equal(n[2] + n[3], DRAWS);
        g[2].ready = g[3].ready = false;
        shares(g, 4, n);
        assert_int_equal(n[1], DRAWS); /* better than nobody */
}

static void an_idle_one_that_has_just_worked_is_kept(void **state)
{
        struct pool_gauge g[3] = { gauge(300, 0), gauge(300, 0), gauge(300, 0) };

        (void)state;
        for (uint32_t i = 0; i < 100; i++) {
                uint32_t chance = i * 2654435761u;

                g[1].latency_us = 390; /* a little slower */
                g[1].in_flight = 0;
                g[1].leaving = false;
                assert_int_equal(pool_choose(g, 3, 1, NOW, chance), 1);
                g[1].in_flight = 1; /* it has something to do */
                assert_int_not_equal(pool_choose(g, 3, 1, NOW, chance), 1);
                g[1].in_flight = 0;
                g[1].latency_us = 410; /* clearly slower */
                assert_int_not_equal(pool_choose(g, 3, 1, NOW, chance), 1);
                g[1].latency_us = 300;
                g[1].leaving = true;
                assert_int_not_equal(pool_choose(g, 3, 1, NOW, chance), 1);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nobody_is_ready),
                cmocka_unit_test(equals_share_alike),
                cmocka_unit_test(of_two_the_quicker_and_emptier),
                cmocka_unit_test(a_slow_answer_counts_at_once_and_is_forgotten),
                cmocka_unit_test(an_idle_one_that_has_just_worked_is_kept),
                cmocka_unit_test(silence_is_latency),
                cmocka_unit_test(those_that_rest_leave_or_are_silent_are_last),
                cmocka_unit_test(a_node_that_came_back_has_its_share_little_by_little),
                cmocka_unit_test(the_zone_is_preferred_until_it_is_out_or_crowded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
