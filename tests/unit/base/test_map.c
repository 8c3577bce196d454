#include "test.h"
#include "base/map.h"

static bool count_visit(void *arg, struct slice key, void *value)
{
        (void)key;
        (void)value;
        ++*(size_t *)arg;
        return true;
}

static void many_keys_come_and_go(void **state)
{
        struct map *m = map_new();
        size_t visited = 0;
        static int values[10000];

        (void)state;
        for (uint32_t i = 0; i < 10000; i++)
                assert_true(map_put(m, slice_of(&i, 4), &values[i], NULL));
        assert_int_equal(map_count(m), 10000);
        for (uint32_t i = 0; i < 10000; i++)
                assert_ptr_equal(map_get(m, slice_of(&i, 4)), &values[i]);
        for (uint32_t i = 0; i < 10000; i += 2)
                assert_ptr_equal(map_remove(m, slice_of(&i, 4)), &values[i]);
        map_each(m, count_visit, &visited);
        assert_int_equal(visited, 5000);
        for (uint32_t i = 0; i < 10000; i++)
                assert_ptr_equal(map_get(m, slice_of(&i, 4)), i % 2 ? &values[i] : NULL);
        map_free(&m);
        assert_null(m);
}

static void replacing_gives_the_old_value(void **state)
{
        struct map *m = map_new();
        int a, b;
        void *old = &a;

        (void)state;
        assert_true(map_put(m, SLICE_EMPTY, &a, &old));
        assert_null(old);
        assert_true(map_put(m, SLICE_EMPTY, &b, &old));
        assert_ptr_equal(old, &a);
        assert_int_equal(map_count(m), 1);
        assert_null(map_remove(m, SLICE_LIT("x")));
        map_free(&m);
}

static size_t freed;

static void count_and_free(void *value)
{
        freed++;
        free(value);
}

static void values_are_freed_with_the_map(void **state)
{
        struct map *m = map_new();

        (void)state;
        assert_non_null(m);
        for (uint8_t i = 0; i < 100; i++)
                assert_true(map_put(m, slice_of(&i, 1), malloc(1), NULL));
        map_free_values(&m, count_and_free);
        assert_null(m);
        assert_int_equal(freed, 100);
        map_free_values(&m, count_and_free);
        assert_int_equal(freed, 100);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(values_are_freed_with_the_map),
                                            cmocka_unit_test(many_keys_come_and_go),
                                            cmocka_unit_test(replacing_gives_the_old_value) };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
