#include "client/pool_choose.h"

#define SINK_US 300000 /* of quick answers, after which a slow one counts a third */
#define FULL    1000   /* per mille */

enum kind { KIND_NEAR, KIND_FAR, KIND_LATER, KIND_COUNT, KIND_NONE = KIND_COUNT };

static int64_t faded(const struct pool_gauge *g, int64_t now_us)
{
        int64_t halvings = (now_us - g->measured_us) / POOL_FORGET_US;

        return g->latency_us >> (halvings < 0 ? 0 : halvings < 62 ? halvings : 62);
}

/* A slow answer counts at once, whatever was before; quick ones make it forgotten, sooner the more time they
 * span. */
void pool_gauge_answered(struct pool_gauge *g, int64_t now_us, int64_t took_us)
{
        int64_t was = faded(g, now_us), age = now_us - g->measured_us;

        if (took_us < 1)
                took_us = 1;
        if (age < 0)
                age = 0;
        g->latency_us = took_us >= was ? took_us : took_us + (was - took_us) * SINK_US / (SINK_US + age);
        g->measured_us = now_us;
}

int64_t pool_gauge_latency(const struct pool_gauge *g, int64_t now_us)
{
        int64_t latency = faded(g, now_us), silent = g->in_flight ? now_us - g->heard_us : 0;

        return silent > latency ? silent : latency;
}

unsigned pool_gauge_weight(const struct pool_gauge *g, int64_t now_us)
{
        int64_t since = now_us - g->back_us;

        if (g->back_us == 0 || since >= POOL_RAMP_US)
                return FULL;
        return (unsigned)(POOL_RAMP_LEAST +
                          (since > 0 ? since : 0) * (FULL - POOL_RAMP_LEAST) / POOL_RAMP_US);
}

static enum kind kind_of(const struct pool_gauge *g, int64_t now_us, unsigned lot)
{
        if (!g->ready)
                return KIND_NONE;
        if (g->leaving || g->silent || g->rest_until_us > now_us || lot >= pool_gauge_weight(g, now_us))
                return KIND_LATER;
        return g->near ? KIND_NEAR : KIND_FAR;
}

static int64_t or_one(int64_t us)
{
        return us ? us : 1;
}

/* What a request costs there, beside the other. A node of which nothing was measured is taken to be as quick
 * as that one. */
static int64_t cost_of(const struct pool_gauge *g, const struct pool_gauge *other, int64_t now_us)
{
        int64_t latency = pool_gauge_latency(g, now_us);

        return (latency ? latency : or_one(faded(other, now_us))) * (int64_t)(g->in_flight + 1);
}

static bool is_better(const struct pool_gauge *a, const struct pool_gauge *b, int64_t now_us)
{
        int64_t ca = cost_of(a, b, now_us), cb = cost_of(b, a, now_us);

        return ca != cb ? ca < cb : a->in_flight < b->in_flight;
}

/* Caches of an idle node that has just worked are warm, and a request that waits for none other gains
 * nothing elsewhere. */
static bool is_as_good(const struct pool_gauge *last, const struct pool_gauge *best, int64_t now_us)
{
        return last->in_flight == 0 && cost_of(last, best, now_us) * 3 <= cost_of(best, last, now_us) * 4;
}

struct draw {
        const struct pool_gauge *gauges;
        size_t n;
        int64_t now_us;
        size_t last;
        unsigned lot;
        uint32_t chance;
        size_t counts[KIND_COUNT];
};

static size_t nth_of(const struct draw *d, enum kind kind, size_t nth)
{
        size_t i = 0;

        for (; i < d->n; i++) {
                if (kind_of(&d->gauges[i], d->now_us, d->lot) == kind && nth-- == 0)
                        break;
        }
        return i;
}

static size_t better_of_two(const struct draw *d, enum kind kind)
{
        size_t count = d->counts[kind], first = d->chance % count, second, best, other;

        best = nth_of(d, kind, first);
        if (count == 1)
                return best;
        second = (first + 1 + d->chance / count % (count - 1)) % count;
        other = nth_of(d, kind, second);
        if (is_better(&d->gauges[other], &d->gauges[best], d->now_us))
                best = other;
        if (d->last < d->n && kind_of(&d->gauges[d->last], d->now_us, d->lot) == kind &&
            is_as_good(&d->gauges[d->last], &d->gauges[best], d->now_us))
                best = d->last;
        return best;
}

static bool is_crowded(const struct draw *d, size_t near, size_t far)
{
        int64_t here = pool_gauge_latency(&d->gauges[near], d->now_us);

        return here > POOL_CROWDED_US && here > POOL_CROWDED * pool_gauge_latency(&d->gauges[far], d->now_us);
}

size_t pool_choose(const struct pool_gauge *gauges, size_t n, size_t last, int64_t now_us, uint32_t chance)
{
        struct draw d = { .gauges = gauges,
                          .n = n,
                          .now_us = now_us,
                          .last = last,
                          .lot = (chance >> 16) * FULL >> 16,
                          .chance = chance & 0xffff };
        size_t best, other;

        for (size_t i = 0; i < n; i++) {
                enum kind kind = kind_of(&gauges[i], now_us, d.lot);

                if (kind != KIND_NONE)
                        d.counts[kind]++;
        }
        for (enum kind kind = KIND_NEAR; kind < KIND_COUNT; kind++) {
                if (d.counts[kind] == 0)
                        continue;
                best = better_of_two(&d, kind);
                if (kind != KIND_NEAR || d.counts[KIND_FAR] == 0)
                        return best;
                other = better_of_two(&d, KIND_FAR);
                return is_crowded(&d, best, other) ? other : best;
        }
        return n;
}
