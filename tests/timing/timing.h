/* Do several things take the same time? They are done in turns, each round in another order, so that whatever
 * else the machine does hits all of them, and judged as marvin-toolkit does: Friedman's test over the ranks
 * within each round, and for each class the median of its difference from the others' median in the same
 * round, with a 99 % interval that assumes nothing of the noise.
 */
#ifndef CHSM_TESTS_TIMING_H
#define CHSM_TESTS_TIMING_H

#include <stdbool.h>
#include <stddef.h>

#define TIMING_CLASSES_MAX 16

/* One class against the others, in ns. */
struct timing_difference {
        long median, low, high;
};

enum timing_verdict {
        TIMING_SAME,      /* every interval is within the tolerance */
        TIMING_DIFFERENT, /* one lies wholly outside of it, and Friedman says the same */
        TIMING_UNDECIDED, /* too much noise, or too few rounds */
};

struct timing_report {
        double friedman, critical; /* p = 0.001 */
        struct timing_difference differences[TIMING_CLASSES_MAX];
        long medians[TIMING_CLASSES_MAX];
        enum timing_verdict verdict;
};

/* Does class `which` once. */
typedef void timing_action(void *with, size_t which);

/* times: rounds rows of `classes` numbers, in ns; they are not kept. */
struct timing_report timing_judge(const long *times, size_t rounds, size_t classes, long tolerance);
/* Measures rounds times, prints a table as TAP comments and judges. */
struct timing_report timing_compare(const char *title, const char *const *words, size_t classes,
                                    size_t rounds, long tolerance, timing_action *, void *with);

#endif
