#include "base/opt.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define OPTIONS_MAX 40
#define LONG_ONLY   256 /* getopt value of row i without a letter: LONG_ONLY + i */

const char *opt_version(void)
{
        return CHSM_VERSION;
}

static void help_row(char letter, const char *name, const char *argument, const char *help)
{
        char left[64];

        (void)snprintf(left, sizeof(left), "%c%c%s --%s%s%s", letter ? '-' : ' ', letter ? letter : ' ',
                       letter ? "," : " ", name, argument ? "=" : "", argument ? argument : "");
        printf("  %-28s %s\n", left, help);
}

static void help_print(const struct opt_program *p)
{
        printf("Usage: %s [OPTION]... %s\n%s\n\n", p->name, p->operands, p->summary);
        for (size_t i = 0; i < p->n; i++)
                help_row(p->rows[i].letter, p->rows[i].name, p->rows[i].argument, p->rows[i].help);
        help_row('h', "help", NULL, "show this help and exit");
        help_row('V', "version", NULL, "show the version and exit");
        if (p->more)
                printf("\n%s\n", p->more);
}

/* Fills getopt's tables from the rows. */
static void tables_fill(const struct opt_program *p, struct option *longs, char *shorts)
{
        size_t at = 0;

        shorts[at++] = '+'; /* operands end the options: a command after them has options of its own */
        for (size_t i = 0; i < p->n; i++) {
                const struct opt_row *row = &p->rows[i];
                int value = row->letter ? row->letter : LONG_ONLY + (int)i;

                longs[i] = (struct option){ row->name, row->argument ? required_argument : no_argument, NULL,
                                            value };
                if (row->letter) {
                        shorts[at++] = row->letter;
                        if (row->argument)
                                shorts[at++] = ':';
                }
        }
        longs[p->n] = (struct option){ "help", no_argument, NULL, 'h' };
        longs[p->n + 1] = (struct option){ "version", no_argument, NULL, 'V' };
        longs[p->n + 2] = (struct option){ NULL, 0, NULL, 0 };
        memcpy(shorts + at, "hV", 3);
}

enum opt_result opt_parse(const struct opt_program *p, int argc, char **argv, int *first)
{
        struct option longs[OPTIONS_MAX + 3];
        char shorts[2 * OPTIONS_MAX + 4];
        int value;

        if (p->n > OPTIONS_MAX)
                return OPT_EXIT_USAGE;
        tables_fill(p, longs, shorts);
        optind = 0;
        while ((value = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
                size_t i = 0;

                if (value == '?') {
                        fprintf(stderr, "Try '%s --help' for more information.\n", p->name);
                        return OPT_EXIT_USAGE;
                }
                while (i < p->n && value != (p->rows[i].letter ? p->rows[i].letter : LONG_ONLY + (int)i))
                        i++;
                if (i < p->n) {
                        *p->rows[i].value = p->rows[i].argument ? optarg : "yes";
                } else if (value == 'h') {
                        help_print(p);
                        return OPT_EXIT_OK;
                } else {
                        printf("%s (chsm) %s\n", p->name, opt_version());
                        return OPT_EXIT_OK;
                }
        }
        *first = optind;
        return OPT_RUN;
}
