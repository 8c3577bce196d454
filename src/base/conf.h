/* Configuration files: `key = value` lines with # comments, described by a table of rows.
 *
 * One row declares an option: name, type, where it goes, default, bounds, help. An unknown key, a repeated
 * key or a bad value is ERR_CONFIG naming file, line, what was found and what is accepted. */
#ifndef CHSM_BASE_CONF_H
#define CHSM_BASE_CONF_H

#include "base/err.h"
#include "base/slice.h"
#include <stdio.h>

enum conf_type {
        CONF_TEXT,   /* char *, heap, freed by conf_clear */
        CONF_PATH,   /* char *, like CONF_TEXT; a relative path is taken from the file's folder */
        CONF_NUMBER, /* int64_t between min and max */
        CONF_BOOL,   /* bool: yes/no, true/false, on/off, 1/0 */
        CONF_CHOICE, /* int: index into the NULL-terminated list `choices` */
        CONF_LIST,   /* char **, NULL-terminated heap list; the key may be repeated */
};

struct conf_row {
        const char *name;
        enum conf_type type;
        size_t offset;              /* offsetof() in the caller's struct */
        const char *preset;         /* the default as text, or NULL: zero value */
        int64_t min, max;           /* CONF_NUMBER */
        const char *const *choices; /* CONF_CHOICE */
        bool keep_case;             /* key names are matched case-insensitively unless set */
        const char *help;           /* one line, for --help, man page and messages */
};

/* Sets every option to its preset. */
bool conf_defaults(const struct conf_row *rows, size_t n, void *target, struct err *);
/* Reads text (at most 1 MiB) over the present values. name: the file's name for messages and relative paths.
 */
bool conf_parse(const struct conf_row *rows, size_t n, void *target, struct slice text, const char *name,
                struct err *);
bool conf_read(const struct conf_row *rows, size_t n, void *target, const char *path, struct err *);
/* Sets one option from text (command line or environment); where: "option '--listen'" for messages. */
bool conf_set(const struct conf_row *rows, size_t n, void *target, const char *key, const char *value,
              const char *where, struct err *);
/* Writes a sample file: every option with its help, commented out at its default. */
void conf_print(const struct conf_row *rows, size_t n, const char *program, FILE *);
void conf_clear(const struct conf_row *rows, size_t n, void *target);

#endif
