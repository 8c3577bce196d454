/* A pool that is stopped while others go on giving it jobs: what it took has run once, what it refused has
 * not. */
#include "server/pool.h"
#include "test.h"

#include <pthread.h>
#include <stdatomic.h>

enum { GIVERS = 4, JOBS = 2000 };

struct counted {
        struct job job;
        atomic_int runs;
        bool taken;
};

struct giver {
        struct pool *pool;
        struct counted jobs[JOBS];
};

static struct giver givers[GIVERS];

static void count(struct job *job)
{
        atomic_fetch_add(&((struct counted *)(void *)job)->runs, 1);
}

static void *give(void *arg)
{
        struct giver *g = arg;

        for (int i = 0; i < JOBS; i++) {
                g->jobs[i].job.run = count;
                g->jobs[i].taken = pool_submit(g->pool, &g->jobs[i].job);
        }
        return NULL;
}

static void a_stopped_pool_has_run_what_it_took(void **state)
{
        struct err err = ERR_INIT;
        struct pool *pool = pool_new("test", 3, &err);
        pthread_t threads[GIVERS];
        struct counted late = { .job = { .run = count } };

        (void)state;
        assert_non_null(pool);
        for (int i = 0; i < GIVERS; i++) {
                givers[i].pool = pool;
                assert_int_equal(pthread_create(&threads[i], NULL, give, &givers[i]), 0);
        }
        pool_stop(pool); /* in the middle of it */
        assert_false(pool_submit(pool, &late.job));
        for (int i = 0; i < GIVERS; i++)
                assert_int_equal(pthread_join(threads[i], NULL), 0);
        for (int i = 0; i < GIVERS; i++) {
                for (int k = 0; k < JOBS; k++)
                        assert_int_equal(atomic_load(&givers[i].jobs[k].runs), givers[i].jobs[k].taken);
        }
        assert_int_equal(atomic_load(&late.runs), 0);
        pool_stop(pool); /* once more does nothing */
        pool_free(&pool);
        assert_null(pool);
        pool_free(&pool);
        pool_stop(NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_stopped_pool_has_run_what_it_took),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
