#include "tools/key_life.h"
#include "base/clock.h"
#include "ck/cryptoki.h"

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

static const char *state_name(uint32_t state)
{
        return state == CHSM_KEY_RETIRED      ? "retired"
               : state == CHSM_KEY_SUPERSEDED ? "superseded"
                                              : "current";
}

static void say_versions(struct shell *sh, const Chsm__ObjectInfoResponse *r)
{
        json_t *list = json_array();

        if (r->n_versions)
                shell_say(sh, "\n\tVersion %u, %s. Versions of this key:\n", r->version,
                          state_name(r->state));
        for (size_t i = 0; i < r->n_versions; i++) {
                const Chsm__KeyVersion *v = r->versions[i];
                char made[CLOCK_TEXT_SIZE];

                shell_say(sh, "\t%u  handle %llu  %s  made %s\n", v->version, (unsigned long long)v->handle,
                          state_name(v->state), when(v->made_ms, "not known", made));
                (void)json_array_append_new(list, json_pack("{s:i, s:I, s:s, s:o}", "version",
                                                            (int)v->version, "handle", (json_int_t)v->handle,
                                                            "state", state_name(v->state), "made",
                                                            time_or_null(v->made_ms)));
        }
        shell_set(sh, "version", json_integer(r->version ? r->version : 1));
        shell_set(sh, "state", json_string(state_name(r->state)));
        shell_set(sh, "versions", list);
}

void tool_key_life(struct shell *sh, const Chsm__ObjectInfoResponse *r)
{
        char made[CLOCK_TEXT_SIZE], last[CLOCK_TEXT_SIZE];

        if (r->token)
                say_versions(sh, r);
        if (!r->life)
                return;
        shell_say(sh, "\n\tMade: %s\n", when(r->made_ms, "not known", made));
        shell_say(sh, "\tUsed: %llu times, last: %s\n", (unsigned long long)r->uses,
                  when(r->last_used_ms, "never", last));
        shell_set(sh, "made", time_or_null(r->made_ms));
        shell_set(sh, "uses", json_integer((json_int_t)r->uses));
        shell_set(sh, "last_used", time_or_null(r->last_used_ms));
}
