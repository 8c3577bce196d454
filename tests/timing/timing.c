#include "timing.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static long now_ns(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * 1000000000 + t.tv_nsec;
}

static int by_value(const void *x, const void *y)
{
        const long *a = x, *b = y;

        return (*a > *b) - (*a < *b);
}

/* Friedman's statistic: are the ranks of some class higher than chance would have them? Ties share a rank. */
static double friedman(const long *times, size_t rounds, size_t classes)
{
        double sums[TIMING_CLASSES_MAX] = { 0 }, squares = 0, k = (double)classes, n = (double)rounds;

        for (size_t r = 0; r < rounds; r++) {
                const long *row = times + r * classes;

                for (size_t i = 0; i < classes; i++) {
                        double rank = 1;

                        for (size_t j = 0; j < classes; j++)
                                rank += row[j] < row[i] ? 1 : j != i && row[j] == row[i] ? 0.5 : 0;
                        sums[i] += rank;
                }
        }
        for (size_t i = 0; i < classes; i++)
                squares += sums[i] * sums[i];
        return 12 / (n * k * (k + 1)) * squares - 3 * n * (k + 1);
}

/* Chi square with that many degrees of freedom at p = 0.001, by Wilson and Hilferty. */
static double critical(size_t degrees)
{
        double f = 2 / (9 * (double)degrees), z = 3.0902;

        return (double)degrees * pow(1 - f + z * sqrt(f), 3);
}

/* Median of what is left of a row without column `which`; of the middle two by turns, as what lies between
 * them is not in the middle of what the noise makes longer. */
static long others(const long *row, size_t classes, size_t which, size_t round)
{
        long sorted[TIMING_CLASSES_MAX];
        size_t n = 0;

        for (size_t i = 0; i < classes; i++) {
                if (i != which)
                        sorted[n++] = row[i];
        }
        qsort(sorted, n, sizeof(*sorted), by_value);
        return sorted[(n - 1 + (round & 1)) / 2];
}

/* Median of column `which` less the others' median in the same round, and the order statistics that enclose
 * it with 99 %. Of those that are alike none is above the middle more often, whatever the noise. */
static struct timing_difference difference(const long *times, size_t rounds, size_t classes, size_t which,
                                           long *room)
{
        double half = 2.5758 * sqrt((double)rounds) / 2;
        size_t middle = rounds / 2, reach = (size_t)half + 1;

        for (size_t r = 0; r < rounds; r++)
                room[r] = times[r * classes + which] - others(times + r * classes, classes, which, r);
        qsort(room, rounds, sizeof(*room), by_value);
        return (struct timing_difference){ .median = room[middle],
                                           .low = room[reach > middle ? 0 : middle - reach],
                                           .high =
                                               room[middle + reach < rounds ? middle + reach : rounds - 1] };
}

struct timing_report timing_judge(const long *times, size_t rounds, size_t classes, long tolerance)
{
        struct timing_report report = { .friedman = friedman(times, rounds, classes),
                                        .critical = critical(classes - 1) };
        long *room = calloc(rounds, sizeof(*room));
        bool outside = false, open = false;

        if (!room)
                abort();
        for (size_t i = 0; i < classes; i++) {
                struct timing_difference d = difference(times, rounds, classes, i, room);

                report.differences[i] = d;
                outside |= d.low > tolerance || d.high < -tolerance;
                open |= d.low < -tolerance || d.high > tolerance;
                for (size_t r = 0; r < rounds; r++)
                        room[r] = times[r * classes + i];
                qsort(room, rounds, sizeof(*room), by_value);
                report.medians[i] = room[rounds / 2];
        }
        free(room);
        /* One interval in a hundred lies elsewhere by chance, so Friedman must say so too. */
        report.verdict = outside && report.friedman > report.critical ? TIMING_DIFFERENT
                         : outside || open                            ? TIMING_UNDECIDED
                                                                      : TIMING_SAME;
        return report;
}

/* Not for secrets: another order each round. */
static uint64_t chance(void)
{
        static uint64_t s;

        if (!s && getrandom(&s, sizeof(s), 0) != (ssize_t)sizeof(s))
                s = 1;
        s ^= s << 13;
        s ^= s >> 7;
        s ^= s << 17;
        return s;
}

static void shuffle(size_t *order, size_t n)
{
        for (size_t i = n; i-- > 1;) {
                size_t j = chance() % (i + 1), kept = order[i];

                order[i] = order[j];
                order[j] = kept;
        }
}

static void print(const char *title, const char *const *words, size_t classes, size_t rounds,
                  const struct timing_report *r)
{
        static const char *const verdicts[] = { "the same", "DIFFERENT", "undecided" };

        for (size_t i = 0; i < classes; i++)
                printf("# %s | %-28s | median %ld ns | %+ld ns [%+ld, %+ld]\n", title, words[i],
                       r->medians[i], r->differences[i].median, r->differences[i].low,
                       r->differences[i].high);
        printf("# %s | %zu rounds: %s; Friedman %.1f (%.1f: p = 0.001)\n", title, rounds,
               verdicts[r->verdict], r->friedman, r->critical);
}

struct timing_report timing_compare(const char *title, const char *const *words, size_t classes,
                                    size_t rounds, long tolerance, timing_action *act, void *with)
{
        long *times = calloc(rounds * classes, sizeof(*times));
        size_t order[TIMING_CLASSES_MAX];
        struct timing_report report;

        if (!times || classes > TIMING_CLASSES_MAX)
                abort();
        for (size_t i = 0; i < classes; i++) {
                order[i] = i;
                act(with, i); /* caches are warm for all */
        }
        for (size_t r = 0; r < rounds; r++) {
                shuffle(order, classes);
                for (size_t i = 0; i < classes; i++) {
                        long from = now_ns();

                        act(with, order[i]);
                        times[r * classes + order[i]] = now_ns() - from;
                }
        }
        report = timing_judge(times, rounds, classes, tolerance);
        print(title, words, classes, rounds, &report);
        free(times);
        return report;
}
