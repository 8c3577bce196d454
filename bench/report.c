/* The figures as a table, and the ratios of them that the project has set itself as targets. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int ascending(const void *a, const void *b)
{
        double x = *(const double *)a;
        double y = *(const double *)b;

        return (x > y) - (x < y);
}

/* What a figure of one round is; NAN-free: 0 when nothing was done. */
typedef double (*figure_function)(const struct bench_row *, const struct bench_figures *);

static double median(const struct bench_row *row, figure_function figure)
{
        double values[BENCH_MAX_ROUNDS];

        if (row == NULL || row->rounds == 0)
                return 0;
        for (unsigned i = 0; i < row->rounds; i++)
                values[i] = row->figures[i].operations == 0 ? 0 : figure(row, &row->figures[i]);
        qsort(values, row->rounds, sizeof *values, ascending);
        return values[row->rounds / 2];
}

static double rate(const struct bench_row *row, const struct bench_figures *one)
{
        (void)row;
        return (double)one->operations / one->seconds;
}

static double client_cost(const struct bench_row *row, const struct bench_figures *one)
{
        (void)row;
        return (one->client_cpu + one->daemon_cpu) * 1e6 / (double)one->operations;
}

/* In-process targets have no server: the whole cost is the process's. */
static double server_cost(const struct bench_row *row, const struct bench_figures *one)
{
        return (row->target->server != 0 ? one->server_cpu : one->client_cpu) * 1e6 / (double)one->operations;
}

static double total_cost(const struct bench_row *row, const struct bench_figures *one)
{
        return client_cost(row, one) + (row->target->server != 0 ? server_cost(row, one) : 0);
}

static double p50(const struct bench_row *row, const struct bench_figures *one)
{
        (void)row;
        return one->p50;
}

static double p99(const struct bench_row *row, const struct bench_figures *one)
{
        (void)row;
        return one->p99;
}

double bench_rate(const struct bench_row *row)
{
        return median(row, rate);
}

double bench_server_cost(const struct bench_row *row)
{
        return median(row, server_cost);
}

double bench_p50(const struct bench_row *row)
{
        return median(row, p50);
}

static const char *failure_of(const struct bench_row *row)
{
        for (unsigned i = 0; i < row->rounds; i++) {
                if (row->figures[i].failure[0] != '\0')
                        return row->figures[i].failure;
        }
        return NULL;
}

void bench_print_rows(const struct bench_row *rows, size_t n)
{
        printf("%-24s %-14s %7s %10s %10s %10s %12s %12s\n", "operation", "target", "threads", "ops/s",
               "p50 us", "p99 us", "client us/op", "server us/op");
        for (size_t i = 0; i < n; i++) {
                const struct bench_row *row = &rows[i];
                const char *failure = failure_of(row);

                printf("%-24s %-14s %7u ", bench_operation_rows[row->operation].name, row->target->name,
                       row->threads);
                if (failure != NULL) {
                        printf("failed: %s\n", failure);
                        continue;
                }
                printf("%10.0f %10.1f %10.1f ", bench_rate(row), bench_p50(row), median(row, p99));
                if (row->target->server != 0)
                        printf("%12.1f %12.1f\n", median(row, client_cost), bench_server_cost(row));
                else
                        printf("%12.1f %12s\n", median(row, client_cost), "-");
        }
}

/* --- targets -----------------------------------------------------------------------------------------------
 */

enum ratio_of {
        RATIO_COST,  /* server CPU an operation, first over second: less is better */
        RATIO_TOTAL, /* CPU of all processes an operation, first over second: less is better */
        RATIO_CORE,  /* operations a server core second, first over second: more is better */
        RATIO_RATE,  /* operations a second, first over second: more is better */
        RATIO_P50,   /* median latency, first over second: less is better */
        RATIO_FIND,  /* time of an operation, first over second: less is better */
};

struct wanted {
        const char *what;
        enum ratio_of ratio;
        enum bench_operation operation;
        const char *first;
        unsigned first_threads;
        const char *second;
        unsigned second_threads;
        double floor, aim; /* floor 0: shown, not judged */
};

static const struct wanted table[] = {
        { "RSA-2048: server CPU an operation, 8 in flight, over raw", RATIO_COST, BENCH_RSA_SIGN, "chsm", 8,
          "raw", 1, 0, 1.02 },
        { "P-256: server CPU an operation, 8 in flight, over raw", RATIO_COST, BENCH_EC_SIGN, "chsm", 8,
          "raw", 1, 0, 1.10 },
        { "RSA-2048: server CPU an operation, 32 in flight, over raw", RATIO_COST, BENCH_RSA_SIGN, "chsm", 32,
          "raw", 1, 1.08, 1.02 },
        { "P-256: server CPU an operation, 32 in flight, over raw", RATIO_COST, BENCH_EC_SIGN, "chsm", 32,
          "raw", 1, 1.35, 1.10 },
        { "RSA-2048: rate a server core, 32 in flight, over raw", RATIO_CORE, BENCH_RSA_SIGN, "chsm", 32,
          "raw", 1, 0.90, 0.97 },
        { "P-256: rate a server core, 32 in flight, over raw", RATIO_CORE, BENCH_EC_SIGN, "chsm", 32, "raw",
          1, 0.60, 0.80 },
        { "AES-GCM 4 KiB: rate a server core, 32 in flight, over raw", RATIO_CORE, BENCH_AES_GCM, "chsm", 32,
          "raw", 1, 0.07, 0.15 },
        { "P-256, one thread: median latency over p11-kit remoting", RATIO_P50, BENCH_EC_SIGN, "chsm", 1,
          "p11-kit", 1, 1.0, 0.35 },
        { "find by label among 10,000 over among 10", RATIO_FIND, BENCH_FIND, "chsm-10000", 1, "chsm", 1, 1.5,
          1.1 },
        { "durable AES key, 1 client, over SoftHSM2", RATIO_RATE, BENCH_CREATE, "chsm", 1, "softhsm", 1, 3,
          10 },
        { "durable AES key, 32 clients, over SoftHSM2", RATIO_RATE, BENCH_CREATE, "chsm", 32, "softhsm", 1,
          20, 100 },
        { "P-256, 1 thread, CPU with 2,000 silent connections", RATIO_TOTAL, BENCH_EC_SIGN, "chsm-flooded", 1,
          "chsm", 1, 1.1, 1.0 },
        { "P-256, 8 threads, CPU with 2,000 silent connections", RATIO_TOTAL, BENCH_EC_SIGN, "chsm-flooded",
          8, "chsm", 8, 1.1, 1.0 },
        { "P-256, 8 threads, rate with 2,000 silent connections", RATIO_RATE, BENCH_EC_SIGN, "chsm-flooded",
          8, "chsm", 8, 0.95, 1.0 },
        { "RSA-2048: 8 threads over 2", RATIO_RATE, BENCH_RSA_SIGN, "chsm", 8, "chsm", 2, 0.95, 1.0 },
        { "P-256: 8 threads over 2", RATIO_RATE, BENCH_EC_SIGN, "chsm", 8, "chsm", 2, 0.95, 1.0 },
        { "AES-GCM 4 KiB: 8 threads over 2", RATIO_RATE, BENCH_AES_GCM, "chsm", 8, "chsm", 2, 0.95, 1.0 },
};

static const struct bench_row *find_row(const struct bench_row *rows, size_t n, const char *target,
                                        enum bench_operation operation, unsigned threads)
{
        for (size_t i = 0; i < n; i++) {
                if (rows[i].operation == operation && rows[i].threads == threads &&
                    strcmp(rows[i].target->name, target) == 0 && failure_of(&rows[i]) == NULL)
                        return &rows[i];
        }
        return NULL;
}

static double ratio(const struct wanted *wanted, const struct bench_row *first,
                    const struct bench_row *second)
{
        switch (wanted->ratio) {
        case RATIO_COST:
                return bench_server_cost(first) / bench_server_cost(second);
        case RATIO_TOTAL:
                return median(first, total_cost) / median(second, total_cost);
        case RATIO_CORE:
                return bench_server_cost(second) / bench_server_cost(first);
        case RATIO_P50:
                return bench_p50(first) / bench_p50(second);
        case RATIO_FIND:
                return bench_rate(second) / bench_rate(first);
        default:
                return bench_rate(first) / bench_rate(second);
        }
}

unsigned bench_print_targets(const struct bench_row *rows, size_t n)
{
        unsigned missed = 0;

        printf("\n%-58s %8s %8s %8s  %s\n", "target", "measured", "floor", "aim", "verdict");
        for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
                const struct wanted *wanted = &table[i];
                const struct bench_row *first =
                    find_row(rows, n, wanted->first, wanted->operation, wanted->first_threads);
                const struct bench_row *second =
                    find_row(rows, n, wanted->second, wanted->operation, wanted->second_threads);
                bool less = wanted->ratio != RATIO_CORE && wanted->ratio != RATIO_RATE;
                double value;
                bool floor_held;
                bool aim_held;

                printf("%-58s ", wanted->what);
                if (first == NULL || second == NULL) {
                        printf("%8s %8.2f %8.2f  not measured: no figures of '%s'\n", "-", wanted->floor,
                               wanted->aim, first == NULL ? wanted->first : wanted->second);
                        continue;
                }
                value = ratio(wanted, first, second);
                floor_held = wanted->floor <= 0 || (less ? value <= wanted->floor : value >= wanted->floor);
                aim_held = less ? value <= wanted->aim : value >= wanted->aim;
                missed += floor_held ? 0 : 1;
                printf("%8.2f %8.2f %8.2f  %s\n", value, wanted->floor, wanted->aim,
                       aim_held             ? "aim reached"
                       : wanted->floor <= 0 ? "no floor"
                       : floor_held         ? "floor held, aim MISSED"
                                            : "floor MISSED");
        }
        return missed;
}
