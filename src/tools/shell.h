/* The shell under both tools: reads command lines, finds the command, runs it, and says what came of it.
 *
 * Commands come from the arguments, from standard input, or from a prompt with line editing. In JSON mode
 * each command prints one object and nothing else. spec/tools.md sections 6.1 and 7.1. */
#ifndef CHSM_TOOLS_SHELL_H
#define CHSM_TOOLS_SHELL_H

#include "base/err.h"
#include "base/sec.h"
#include <jansson.h>

#define SHELL_WORDS_MAX 64

struct shell;

struct shell_command {
        const char *name;
        const char *arguments; /* as help shows them */
        const char *summary;
        unsigned least, most; /* words after the name */
        bool confirm;         /* asks y/n first */
        /* 0, or the CKR_ that the node or the library gave; shell->err has the words. */
        uint32_t (*run)(struct shell *, int argc, char **argv);
};

struct shell {
        const char *program;
        const struct shell_command *const
            *tables;         /* NULL-terminated list of tables, each ended by a NULL name */
        const char *caution; /* what a command with confirm prints first */
        char prompt[32];
        void *context;
        bool json, yes, quiet_input;
        bool done; /* quit was given */
        struct err err;
        json_t *answer; /* JSON mode: fields of the running command */
        int status;     /* of the last failed command: the exit code */
};

/* Words for people; silent in JSON mode. */
void shell_say(struct shell *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A field for JSON mode; takes over the value. */
void shell_set(struct shell *, const char *name, json_t *value);
/* Runs one line. */
void shell_line(struct shell *, const char *line);
/* Runs words that are split already. */
void shell_words(struct shell *, int argc, char **argv);
/* Reads lines until the end or quit: a terminal gets a prompt. */
void shell_loop(struct shell *);
void shell_help(struct shell *, const char *command);
/* True when the word is that command or the shortest form of it that is no other's. */
bool shell_is(struct shell *, const char *word, const char *command);
/* Sets err and gives its CKR_. */
uint32_t shell_fail(struct shell *, enum err_id, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Asks without echo on the terminal, else reads a line. Caller frees. NULL: err. */
struct sec *shell_password(struct shell *, const char *prompt);
/* The word, or the answer to a prompt when it is "-hpswd". */
struct sec *shell_secret(struct shell *, const char *word);

#endif
