/* chsm-bench: the same operations by libcrypto itself, through chsm and through other modules, in turns in
 * one run; scripts/bench prepares the targets and calls it. */
#include "bench.h"

#include "base/opt.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ROWS = 128, MAX_TARGETS = 8, FILL_THREADS = 32 };

static const char *targets_file;
static const char *rounds_text = "3";
static const char *seconds_text = "1";
static const char *operations_text = "all";

static const struct opt_row option_rows[] = {
        { 't', "targets", "FILE",
          "the targets, a line each: NAME MODULE TOKEN PIN SOCKET SERVER-PID DAEMON-PID KEYS",
          &targets_file },
        { 'r', "rounds", "N", "rounds to take the median of, 1 to 9 (default 3)", &rounds_text },
        { 's', "seconds", "N", "seconds a cell (default 1)", &seconds_text },
        { 'o', "operations", "SET", "core: those with targets; all (the default): every class",
          &operations_text },
};

static const struct opt_program program = {
        .name = "chsm-bench",
        .summary = "measure chsm against libcrypto and other PKCS#11 modules",
        .operands = "",
        .more = "scripts/bench brings up the targets and runs it.",
        .rows = option_rows,
        .n = sizeof option_rows / sizeof *option_rows,
};

/* Which operations with how many threads a kind of target is measured with; 0 ends the threads. */
static const struct plan_row {
        const char *target;
        enum bench_operation operation;
        unsigned threads[6];
} core[] = {
        { "raw", BENCH_RSA_SIGN, { 1 } },
        { "chsm", BENCH_RSA_SIGN, { 1, 2, 8, 32 } },
        { "softhsm", BENCH_RSA_SIGN, { 1, 2, 8 } },
        { "raw", BENCH_EC_SIGN, { 1 } },
        { "chsm", BENCH_EC_SIGN, { 1, 2, 8, 32 } },
        { "chsm-flooded", BENCH_EC_SIGN, { 1, 8 } },
        { "softhsm", BENCH_EC_SIGN, { 1, 2, 8 } },
        { "p11-kit", BENCH_EC_SIGN, { 1 } },
        { "raw", BENCH_AES_GCM, { 1 } },
        { "chsm", BENCH_AES_GCM, { 1, 2, 8, 32 } },
        { "softhsm", BENCH_AES_GCM, { 1, 2, 8 } },
        { "chsm", BENCH_FIND, { 1, 2, 8 } },
        { "chsm-10000", BENCH_FIND, { 1, 2, 8 } },
        { "softhsm", BENCH_FIND, { 1 } },
        { "chsm", BENCH_CREATE, { 1, 32 } },
        { "softhsm", BENCH_CREATE, { 1, 32 } },
        { "chsm-cluster", BENCH_RSA_SIGN, { 1, 2, 8, 32 } },
        { "chsm-cluster", BENCH_EC_SIGN, { 1, 2, 8, 32 } },
        { "chsm-cluster", BENCH_CREATE, { 1, 32 } },
};
/* Every other operation is measured so. */
static const struct plan_row others[] = {
        { "raw", 0, { 1 } },
        { "chsm", 0, { 1, 32 } },
        { "softhsm", 0, { 1 } },
};

static struct bench_target targets[MAX_TARGETS] = { { .name = "raw" } };
static size_t n_targets = 1;
static struct bench_row rows[MAX_ROWS];
static size_t n_rows;
static const char *asked_for; /* part of a name; NULL: any operation */

/* "-" stands for nothing. */
static const char *field(char **rest)
{
        const char *word = strtok_r(NULL, " \t\n", rest);

        return word == NULL || strcmp(word, "-") == 0 ? NULL : strdup(word);
}

static unsigned number_field(char **rest)
{
        const char *word = strtok_r(NULL, " \t\n", rest);

        return word == NULL ? 0 : (unsigned)strtoul(word, NULL, 10);
}

static void read_targets(const char *path)
{
        char line[1024];
        FILE *file = fopen(path, "r");

        if (file == NULL) {
                fprintf(stderr, "chsm-bench: cannot read '%s': %s\n", path, strerror(errno));
                exit(2);
        }
        while (n_targets < MAX_TARGETS && fgets(line, sizeof line, file) != NULL) {
                struct bench_target *t = &targets[n_targets];
                char *rest;
                char *name = strtok_r(line, " \t\n", &rest);

                if (name == NULL || *name == '#')
                        continue;
                t->name = strdup(name);
                t->module = field(&rest);
                t->token = field(&rest);
                t->pin = field(&rest);
                t->socket = field(&rest);
                t->server = (pid_t)number_field(&rest);
                t->daemon = (pid_t)number_field(&rest);
                t->n_keys = number_field(&rest);
                if (t->module == NULL || t->token == NULL || t->pin == NULL) {
                        fprintf(stderr, "chsm-bench: '%s': a line needs NAME MODULE TOKEN PIN at least\n",
                                path);
                        exit(2);
                }
                n_targets++;
        }
        fclose(file);
}

static const struct bench_target *target_named(const char *name)
{
        for (size_t i = 0; i < n_targets; i++) {
                if (strcmp(targets[i].name, name) == 0)
                        return &targets[i];
        }
        return NULL;
}

static void lay_out(const struct plan_row *plan, enum bench_operation operation)
{
        const struct bench_target *target = target_named(plan->target);

        if (asked_for != NULL && strstr(bench_operation_rows[operation].name, asked_for) == NULL)
                return;
        for (const unsigned *threads = plan->threads; target != NULL && *threads != 0; threads++)
                rows[n_rows++] =
                    (struct bench_row){ .target = target, .operation = operation, .threads = *threads };
}

static bool in_core(enum bench_operation operation)
{
        for (size_t i = 0; i < sizeof core / sizeof *core; i++) {
                if (core[i].operation == operation)
                        return true;
        }
        return false;
}

/* libcrypto has nothing to compare with what makes or finds objects. */
static bool has_raw(enum bench_operation operation)
{
        return bench_operation_rows[operation].kind < BENCH_WRAP_KEY ||
               bench_operation_rows[operation].kind == BENCH_RANDOM_BYTES;
}

static void lay_out_rows(bool all)
{
        for (size_t i = 0; i < sizeof core / sizeof *core; i++)
                lay_out(&core[i], core[i].operation);
        for (enum bench_operation o = 0; all && o < BENCH_OPERATIONS; o++) {
                for (size_t i = in_core(o)   ? sizeof others / sizeof *others
                                : has_raw(o) ? 0
                                             : 1;
                     i < sizeof others / sizeof *others; i++)
                        lay_out(&others[i], o);
        }
}

int main(int argc, char **argv)
{
        int first = argc;
        unsigned rounds;
        double seconds;
        enum opt_result parsed = opt_parse(&program, argc, argv, &first);

        if (parsed != OPT_RUN)
                return parsed == OPT_EXIT_OK ? 0 : 2;
        rounds = (unsigned)strtoul(rounds_text, NULL, 10);
        seconds = strtod(seconds_text, NULL);
        if (first != argc || rounds < 1 || rounds > BENCH_MAX_ROUNDS || !(seconds > 0)) {
                fprintf(stderr, "chsm-bench: --rounds is 1 to %d, --seconds more than 0\n", BENCH_MAX_ROUNDS);
                return 2;
        }
        if (strcmp(operations_text, "core") != 0 && strcmp(operations_text, "all") != 0)
                asked_for = operations_text;
        if (targets_file != NULL)
                read_targets(targets_file);
        for (size_t i = 1; i < n_targets; i++)
                bench_prepare(&targets[i], targets[i].server != 0 ? FILL_THREADS : 1);
        lay_out_rows(strcmp(operations_text, "core") != 0);
        if (n_rows == 0) {
                fprintf(stderr, "chsm-bench: no operation has '%s' in its name\n", operations_text);
                return 2;
        }
        for (unsigned round = 0; round < rounds; round++) {
                for (size_t i = 0; i < n_rows; i++) {
                        struct bench_row *row = &rows[i];

                        fprintf(stderr, "round %u of %u: %s, %s, %u threads\n", round + 1, rounds,
                                bench_operation_rows[row->operation].name, row->target->name, row->threads);
                        row->figures[row->rounds++] =
                            bench_cell(row->target, row->operation, row->threads, seconds);
                }
        }
        bench_print_rows(rows, n_rows);
        printf("\nMedians of %u rounds of %g s, every cell in turn in each round. client: the application "
               "and its daemon.\n"
               "A server core's rate is operations a second of the server's CPU time.\n",
               rounds, seconds);
        return bench_print_targets(rows, n_rows) == 0 ? 0 : 1;
}
