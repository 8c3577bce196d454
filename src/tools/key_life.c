#include "tools/key_life.h"
#include "base/clock.h"

/* "2026-11-24T11:45:12.000Z", or what stands for none. */
static const char *when(int64_t ms, const char *none, char text[CLOCK_TEXT_SIZE])
{
        return ms ? clock_text(ms, text) : none;
}

static json_t *time_or_null(int64_t ms)
{
        char text[CLOCK_TEXT_SIZE];

        return ms ? json_string(clock_text(ms, text)) : json_null();
}

void tool_key_life(struct shell *sh, const Chsm__ObjectInfoResponse *r)
{
        char made[CLOCK_TEXT_SIZE], last[CLOCK_TEXT_SIZE];

        if (!r->life)
                return;
        shell_say(sh, "\n\tMade: %s\n", when(r->made_ms, "not known", made));
        shell_say(sh, "\tUsed: %llu times, last: %s\n", (unsigned long long)r->uses,
                  when(r->last_used_ms, "never", last));
        shell_set(sh, "made", time_or_null(r->made_ms));
        shell_set(sh, "uses", json_integer((json_int_t)r->uses));
        shell_set(sh, "last_used", time_or_null(r->last_used_ms));
}
