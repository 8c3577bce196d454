/* Time as an argument, so that the core can be run with a clock of the test's. */
#ifndef CHSM_BASE_CLOCK_H
#define CHSM_BASE_CLOCK_H

#include <stdint.h>

struct clock {
        int64_t (*wall_ms)(void *arg); /* milliseconds since 1970-01-01 UTC */
        int64_t (*mono_ms)(void *arg); /* milliseconds, never goes back */
        void *arg;
        int64_t (*mono_us)(void *arg); /* the same finer; NULL: it is no finer */
};

/* The system's clocks. */
struct clock clock_system(void);
static inline int64_t clock_wall_ms(const struct clock *c)
{
        return c->wall_ms(c->arg);
}
static inline int64_t clock_mono_ms(const struct clock *c)
{
        return c->mono_ms(c->arg);
}
static inline int64_t clock_mono_us(const struct clock *c)
{
        return c->mono_us ? c->mono_us(c->arg) : 1000 * c->mono_ms(c->arg);
}

#define CLOCK_TEXT_SIZE   32
#define CLOCK_TEXT_LENGTH 24
/* "2026-11-23T20:34:41.123Z" into text (CLOCK_TEXT_SIZE bytes); returns text. */
const char *clock_text(int64_t wall_ms, char text[CLOCK_TEXT_SIZE]);

#endif
