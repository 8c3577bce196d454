/* Which refusals of src/vault a test program has seen. Every err_set of a vault test goes through here (the
 * linker's
 * --wrap): the sentence's format is remembered, and when the program ends, each row of refusals.txt that
 * names the program must have been among them. tests/lint/refusals.sh holds the rows against the sources.
 * CHSM_REFUSALS=FOLDER: the formats are written to FOLDER/PROGRAM instead, for whoever writes rows. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEEN_MOST 4096 /* a power of two; there are some 900 sentences in all rooms */

bool __wrap_err_set(struct err *err, enum err_id id, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool __real_err_set(struct err *err, enum err_id id, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static _Atomic(const char *) seen[SEEN_MOST]; /* by the literal's address; any thread */
static pid_t program;

__attribute__((constructor)) static void begin(void)
{
        program = getpid();
}

static void remember(const char *fmt)
{
        size_t at = ((uintptr_t)fmt >> 2) * 2654435761u % SEEN_MOST;

        for (size_t i = 0; i < SEEN_MOST; i++, at = (at + 1) % SEEN_MOST) {
                const char *there = atomic_load(&seen[at]);

                if (there == fmt || (!there && atomic_compare_exchange_strong(&seen[at], &there, fmt)) ||
                    there == fmt)
                        return;
        }
        abort(); /* make it larger */
}

bool __wrap_err_set(struct err *err, enum err_id id, const char *fmt, ...)
{
        char detail[ERR_DETAIL_MAX];
        va_list args;

        remember(fmt);
        va_start(args, fmt);
        (void)vsnprintf(detail, sizeof(detail), fmt, args);
        va_end(args);
        return __real_err_set(err, id, "%s", detail);
}

static bool was_seen(const char *fmt)
{
        for (size_t i = 0; i < SEEN_MOST; i++) {
                if (seen[i] && strcmp(seen[i], fmt) == 0)
                        return true;
        }
        return false;
}

static void write_down(const char *folder)
{
        char path[600];
        FILE *out;

        (void)snprintf(path, sizeof(path), "%s/%s", folder, program_invocation_short_name);
        out = fopen(path, "we");
        for (size_t i = 0; out && i < SEEN_MOST; i++) {
                if (seen[i])
                        (void)fprintf(out, "%s\n", seen[i]);
        }
        if (out)
                (void)fclose(out);
}

/* "FILE | FORMAT | PROGRAM" of this program: was it seen? */
static bool row_is_true(char *line)
{
        char *fmt = strstr(line, " | "), *who = fmt ? strstr(fmt + 3, " | ") : NULL;

        for (char *next = who; next && (next = strstr(next + 3, " | ")) != NULL;)
                who = next; /* the last one: a sentence may hold the mark */
        if (line[0] == '#' || !who)
                return true;
        *who = '\0';
        if (strcmp(who + 3, program_invocation_short_name) != 0 || was_seen(fmt + 3))
                return true;
        (void)fprintf(stderr, "refusals.txt says that %s sees '%s', and it did not\n", who + 3, fmt + 3);
        return false;
}

__attribute__((destructor)) static void check(void)
{
        const char *folder = getenv("CHSM_REFUSALS");
        char line[1024];
        bool good = true;
        FILE *rows;

        if (getpid() != program) /* a child that a test has killed, or let end */
                return;
        if (folder) {
                write_down(folder);
                return;
        }
        rows = fopen(TEST_SOURCE_DIR "/tests/unit/vault/refusals.txt", "re");
        while (rows && fgets(line, sizeof(line), rows)) {
                line[strcspn(line, "\n")] = '\0';
                good = row_is_true(line) && good;
        }
        if (rows)
                (void)fclose(rows);
        if (!rows || !good)
                _exit(1);
}
