#include "base/clock.h"

#include <string.h>
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

static int64_t system_mono_us(void *arg)
{
        struct timespec now;

        (void)arg;
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

struct clock clock_system(void)
{
        return (struct clock){ system_wall_ms, system_mono_ms, NULL, system_mono_us };
}

static char *digits(char *at, int n, int value)
{
        for (int i = n - 1; i >= 0; i--, value /= 10)
                at[i] = (char)('0' + value % 10);
        return at + n;
}

/* YYYY-MM-DDTHH:MM:SS, 19 characters. */
static void seconds_text(int64_t second, char *at)
{
        time_t seconds = (time_t)second;
        struct tm parts;

        if (!gmtime_r(&seconds, &parts) || parts.tm_year < 0 || parts.tm_year > 9999 - 1900)
                parts = (struct tm){ .tm_year = 70, .tm_mday = 1 };
        at = digits(at, 4, parts.tm_year + 1900);
        *at++ = '-';
        at = digits(at, 2, parts.tm_mon + 1);
        *at++ = '-';
        at = digits(at, 2, parts.tm_mday);
        *at++ = 'T';
        at = digits(at, 2, parts.tm_hour);
        *at++ = ':';
        at = digits(at, 2, parts.tm_min);
        *at++ = ':';
        (void)digits(at, 2, parts.tm_sec);
}

/* By hand, and each thread keeps its last second, because each record of a log has it. */
const char *clock_text(int64_t wall_ms, char text[CLOCK_TEXT_SIZE])
{
        static _Thread_local int64_t last = INT64_MIN;
        static _Thread_local char last_text[20];
        int64_t second = wall_ms / 1000;

        if (second != last) {
                seconds_text(second, last_text);
                last = second;
        }
        memcpy(text, last_text, 19);
        text[19] = '.';
        (void)digits(text + 20, 3, wall_ms < 0 ? 0 : (int)(wall_ms % 1000));
        text[23] = 'Z';
        text[CLOCK_TEXT_LENGTH] = '\0';
        return text;
}
