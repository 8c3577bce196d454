#include "vault/key_advice.h"
#include "vault/policy.h"
#include "vault/users.h"
#include "vault/uses.h"
#include "vault/version.h"

#define DAY_MS INT64_C(86400000)

struct vault_advice_limits vault_advice_limits_of(const Chsm__AuditKeysRequest *in)
{
        return (struct vault_advice_limits){ .unused_days = in->unused_days ? in->unused_days : 90,
                                             .expiring_days = in->expiring_days ? in->expiring_days : 30,
                                             .old_days = in->old_days ? in->old_days : 365 };
}

/* Days from 1970-01-01 to a CK_DATE, by the proleptic Gregorian calendar (years from March). */
static int64_t day_of(struct slice date)
{
        int64_t n[3] = { 0, 0, 0 };
        static const size_t ends[] = { 4, 6, 8 };
        int64_t era, of_era;

        for (size_t i = 0, part = 0; i < date.n && part < 3; i++) {
                n[part] = n[part] * 10 + (date.p[i] - '0');
                part += i + 1 == ends[part];
        }
        n[0] -= n[1] <= 2;
        era = n[0] / 400;
        of_era = n[0] % 400;
        return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
               (153 * (n[1] + (n[1] > 2 ? -3 : 9)) + 2) / 5 + n[2] - 1 - 719468;
}

struct vault_advice_facts vault_advice_facts_of(struct vault *v, const struct vault_object *o,
                                                const struct vault_advice_limits *limits)
{
        int64_t now = clock_wall_ms(&v->deps.clock), since;
        struct slice until = vault_object_attribute(o, CKA_END_DATE);
        struct vault_uses uses = vault_uses_of(o);
        struct vault_advice_facts f = { .object_class = o->object_class,
                                        .flags = o->flags,
                                        .history = o->history,
                                        .shared = o->shared_count,
                                        .state = vault_version_of(o).state,
                                        .age_days = o->made_ms ? (now - o->made_ms) / DAY_MS : -1,
                                        .days_left = INT64_MAX,
                                        .limits = *limits };

        since = uses.last_ms > o->made_ms ? uses.last_ms : o->made_ms;
        f.unused_days = since ? (now - since) / DAY_MS : -1;
        if (until.n == 8)
                f.days_left = day_of(until) - now / DAY_MS;
        return f;
}

static bool add(struct vault_call *call, const struct vault_advice_row *row, uint32_t handle,
                Chsm__KeyAdvice **list, size_t *n)
{
        Chsm__KeyAdvice *advice = arena_alloc(call->arena, sizeof(*advice));
        const char *at = strstr(row->cure, "%u");

        if (!advice)
                return false;
        chsm__key_advice__init(advice);
        advice->rule = (char *)(uintptr_t)row->name;
        advice->severity = (uint32_t)row->severity;
        advice->words = (char *)(uintptr_t)row->words;
        advice->cure =
            at ? arena_printf(call->arena, "%.*s%u%s", (int)(at - row->cure), row->cure, handle, at + 2)
               : (char *)(uintptr_t)row->cure;
        list[(*n)++] = advice;
        return advice->cure != NULL;
}

bool vault_advice_give(struct vault_call *call, const struct vault_object *o,
                       const struct vault_advice_limits *limits, Chsm__KeyAdvice ***list, size_t *n)
{
        struct vault_advice_facts f = { .limits = *limits };
        const struct vault_advice_row *row;
        size_t most = 0;
        bool ok;

        if (o)
                f = vault_advice_facts_of(call->vault, o, limits);
        else
                f.officers_alone = vault_users_officers(call->vault, 0) < 2;
        while (vault_advice_at(most))
                most++;
        *n = 0;
        *list = arena_alloc(call->arena, most * sizeof(Chsm__KeyAdvice *));
        ok = *list != NULL;
        for (size_t i = 0; ok && (row = vault_advice_at(i)); i++) {
                if (row->of_partition == !o && row->applies(&f))
                        ok = add(call, row, o ? o->handle : 0, *list, n);
        }
        return ok || err_set(&call->err, ERR_MEMORY, "no memory for the answer");
}
