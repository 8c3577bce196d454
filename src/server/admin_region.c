#include "server/admin.h"
#include "vault/region.h"

static void put(struct buf *out, const char *name, const char *help, int64_t value)
{
        buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n%s %lld\n", name, help, name, name, (long long)value);
}

static void put_seconds(struct buf *out, const char *name, const char *help, int64_t ms)
{
        buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n%s %lld.%03lld\n", name, help, name, name,
                   (long long)(ms / 1000), (long long)(ms % 1000));
}

/* Since a moment of the monotonic clock; what never was is told by absence. */
static void put_since(struct buf *out, const char *name, const char *help, int64_t then_ms)
{
        struct clock clock = clock_system();

        if (then_ms)
                put_seconds(out, name, help, clock_mono_ms(&clock) - then_ms);
}

void admin_put_region(struct server *s, struct buf *out)
{
        struct vault *v = s->node->vault;
        struct vault_region_record r;
        struct vault_region_notes n;
        store_rev rev;

        vault_region_now(v, &r, &rev);
        vault_region_notes(v, &n);
        put(out, "chsm_region_role", "This region: 1 primary, 2 follower, 3 fenced.", (int64_t)r.role);
        put(out, "chsm_region_epoch", "Grows with each promotion of a region.", (int64_t)r.epoch);
        put_since(out, "chsm_region_heard_seconds", "Since the other region was heard.", n.heard_ms);
        if (r.role != VAULT_FOLLOWER)
                return;
        put(out, "chsm_region_lag_revisions", "Revisions of the primary that are not applied here.",
            n.head > r.source ? n.head - r.source : 0);
        put_since(out, "chsm_region_lag_seconds", "Since all that the primary has was here.", n.level_ms);
        if (n.apply_ms >= 0)
                put_seconds(out, "chsm_region_apply_seconds", "From commit at the primary to commit here.",
                            n.apply_ms);
}
