/* Which node a request goes to: the better of two drawn by lot, by what is known of how quick they are.
 *
 * Pure: time and chance are arguments, so a test says what they are. Times are microseconds of the pool's
 * clock. */
#ifndef CHSM_CLIENT_POOL_CHOOSE_H
#define CHSM_CLIENT_POOL_CHOOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POOL_RAMP_US    5000000 /* until a node that came back has its full share again */
#define POOL_RAMP_LEAST 100     /* per mille of it that it has at once */
#define POOL_FORGET_US  1000000 /* in which what was measured counts half, when nothing new is */
#define POOL_CROWDED_US 20000   /* a node slower than that, and CROWDED_TIMES slower than others, */
#define POOL_CROWDED    4       /* hands over to another zone */

/* What is known of one connection's node. */
struct pool_gauge {
        bool ready;            /* may be given requests */
        bool leaving;          /* takes nothing new: others first, until it is connected anew */
        bool silent;           /* has not said yet that it lives, and was asked */
        bool near;             /* stands in the zone that was asked for */
        size_t in_flight;      /* requests */
        int64_t rest_until_us; /* others first until then: it said "try again" */
        int64_t heard_us;      /* of anything, since it has requests */
        int64_t latency_us;  /* jumps up with a slow answer and sinks with quick ones; 0: none was measured */
        int64_t measured_us; /* when it was */
        int64_t back_us;     /* came back then and has less than its share; 0: was never away */
};

/* An answer took so long. */
void pool_gauge_answered(struct pool_gauge *, int64_t now_us, int64_t took_us);
/* What an answer takes now: the average, fading while nothing is measured, or the present silence of a node
 * that has requests if that is longer. 0: not known. */
int64_t pool_gauge_latency(const struct pool_gauge *, int64_t now_us);
/* Its part of its share, per mille: grows in even steps after it came back. */
unsigned pool_gauge_weight(const struct pool_gauge *, int64_t now_us);

/* The one of n that is to have a request: two of the best kind are drawn, and the one whose latency times
 * requests is less is taken. Kinds, best first: near; in other zones; those that rest, leave, are silent or,
 * by lot, have not their full share yet. A near one that is crowded gives way to another zone's. The last one
 * chosen (n: none) is kept while it has nothing to do and is about as good: it is warm. chance: any 32 random
 * bits. Returns n when none is ready. */
size_t pool_choose(const struct pool_gauge *, size_t n, size_t last, int64_t now_us, uint32_t chance);

#endif
