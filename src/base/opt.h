/* Command lines in the GNU manner, from a table: --help and --version come for free, errors are one line and
 * exit code 2. */
#ifndef CHSM_BASE_OPT_H
#define CHSM_BASE_OPT_H

#include "base/err.h"

struct opt_row {
        char letter;          /* short form, or 0 */
        const char *name;     /* long form without dashes */
        const char *argument; /* name of its argument, or NULL for a switch */
        const char *help;
        const char **value; /* receives the argument (borrowed from argv); for a switch: "yes" */
};

struct opt_program {
        const char *name;     /* "chsm-server" */
        const char *summary;  /* one line */
        const char *operands; /* "[FILE]" or "" */
        const char *more;     /* closing paragraph of --help, or NULL */
        const struct opt_row *rows;
        size_t n;
};

/* What the caller does next. */
enum opt_result { OPT_RUN, OPT_EXIT_OK, OPT_EXIT_USAGE };

/* Parses; prints help or version to stdout, mistakes to stderr. *first: index of the first operand. */
enum opt_result opt_parse(const struct opt_program *, int argc, char **argv, int *first);

/* "0.1.0", of all programs. */
const char *opt_version(void);

#endif
