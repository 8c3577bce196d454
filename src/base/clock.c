#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t system_ms(clockid_t id)
{
        struct timespec now;

        (void)clock_gettime(id, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_wall_ms(void *arg)
{
        (void)arg;
        return system_ms(CLOCK_REALTIME);
}

static int64_t system_mono_ms(void *arg)
{
        (void)arg;
        return system_ms(CLOCK_MONOTONIC);
}

struct clock clock_system(void)
{
        return (struct clock){ system_wall_ms, system_mono_ms, NULL };
}

const char *clock_text(int64_t wall_ms, char text[CLOCK_TEXT_SIZE])
{
        time_t seconds = (time_t)(wall_ms / 1000);
        struct tm parts;
        size_t n;

        if (!gmtime_r(&seconds, &parts))
                parts = (struct tm){ .tm_year = 70, .tm_mday = 1 };
        n = strftime(text, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
        (void)snprintf(text + n, CLOCK_TEXT_SIZE - n, ".%03dZ", (int)(wall_ms % 1000));
        return text;
}
