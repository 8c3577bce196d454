/* A ticker goes on while the time of day jumps, and stops at once. The time of day is this program's own: it
 * is a day further at every look, which for a wait until a time of day is a wait of a day. */
#include "server/ticker.h"
#include "test.h"

#include "base/clock.h"

#include <semaphore.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static _Atomic int64_t days;

int clock_gettime(clockid_t id, struct timespec *t)
{
        long rc = syscall(SYS_clock_gettime, id, t);

        if (id == CLOCK_REALTIME)
                t->tv_sec += ++days * 86400;
        return (int)rc;
}

static void post(void *arg)
{
        struct clock clock = clock_system();

        assert_true(clock_wall_ms(&clock) > 0); /* another day */
        (void)sem_post(arg);
}

static void it_goes_on_whatever_the_time_of_day(void **state)
{
        struct err err = ERR_INIT;
        sem_t ticked;
        struct ticker *t;

        (void)state;
        (void)sem_init(&ticked, 0, 0);
        t = ticker_start("of a test", 1, post, &ticked, &err);
        assert_non_null(t);
        for (int i = 0; i < 20; i++)
                assert_int_equal(sem_wait(&ticked), 0);
        ticker_stop(&t);
        assert_null(t);
        (void)sem_destroy(&ticked);
}

/* The pause of an hour is not waited for; the first call came before it. */
static void it_stops_in_its_pause(void **state)
{
        struct err err = ERR_INIT;
        sem_t ticked;
        struct ticker *t;

        (void)state;
        (void)sem_init(&ticked, 0, 0);
        t = ticker_start("of a test", 3600 * 1000, post, &ticked, &err);
        assert_non_null(t);
        assert_int_equal(sem_wait(&ticked), 0);
        ticker_stop(&t);
        ticker_stop(&t);
        assert_int_equal(sem_trywait(&ticked), -1);
        (void)sem_destroy(&ticked);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(it_goes_on_whatever_the_time_of_day),
                cmocka_unit_test(it_stops_in_its_pause),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
