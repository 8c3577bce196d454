/* The shell under both tools: reads command lines, finds the command, runs it, and says what came of it.
 *
 * Commands come from the arguments, from a script, from standard input, or from a prompt with line editing.
 * In JSON mode each command prints one object and nothing else. spec/tools.md sections 6.1 and 7.1. */
#ifndef CHSM_TOOLS_SHELL_H
#define CHSM_TOOLS_SHELL_H

#include "base/err.h"
#include "base/sec.h"
#include <jansson.h>
#include <signal.h>
#include <stdio.h>

#define SHELL_WORDS_MAX 64
#define SHELL_LINE_MAX  8192 /* bytes of a line, with the byte that ends it */

struct shell;

/* Where help and completion list a command. */
enum shell_scope {
        SHELL_ANYWHERE,
        SHELL_GLOBAL,     /* of all servers; works in server scope too */
        SHELL_SERVER,     /* of one server; works in global scope too, on each */
        SHELL_ONE_SERVER, /* refused in global scope when there are several */
};

struct shell_command {
        const char *name;
        /* As help shows them; completion reads them: words in capitals stand for something (struct
         * shell_kind), "A|B" is one of these, "-x VALUE" an option. A command with PASSWORD among them is
         * not kept in the history. */
        const char *arguments;
        const char *summary;
        unsigned least, most; /* words after the name */
        bool confirm;         /* asks y/n first */
        /* 0, or the CKR_ that the node or the library gave; shell->err has the words. */
        uint32_t (*run)(struct shell *, int argc, char **argv);
        const char *example; /* a whole line, for help; NULL: that of shell->examples */
        enum shell_scope scope;
};

/* What a command's own row does not say. */
struct shell_example {
        const char *name, *line;
        enum shell_scope scope;
};

/* A word in capitals in the arguments of commands, and what may stand for it. */
struct shell_kind {
        const char *name; /* "USER" */
        /* Calls add for every word it could be; nothing when that cannot be known now. */
        void (*list)(struct shell *, void (*add)(void *, const char *), void *);
};

struct shell {
        const char *program;
        const struct shell_command *const
            *tables;                          /* NULL-terminated list of tables, each ended by a NULL name */
        const struct shell_kind *kinds;       /* ended by a NULL name; NULL: none */
        const struct shell_example *examples; /* ended by a NULL name; NULL: none */
        const char *caution;                  /* what a command with confirm prints first */
        char prompt[32];
        void *context;
        FILE *script;    /* commands come from here; NULL: from standard input */
        bool keep_going; /* a script goes on after a command that failed */
        bool ignored;    /* so it does after this one, which failed in part, as it was told to */
        bool one_server; /* global scope is one server only */
        bool in_server;  /* server scope */
        bool json, yes, quiet_input;
        bool done; /* quit was given */
        struct err err;
        json_t *answer;    /* JSON mode: fields of the running command */
        int status;        /* of the last failed command: the exit code */
        unsigned failures; /* commands that failed */
};

/* Words for people; silent in JSON mode. */
void shell_say(struct shell *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A field for JSON mode; takes over the value. */
void shell_set(struct shell *, const char *name, json_t *value);
/* Runs one line. */
void shell_line(struct shell *, const char *line);
/* Runs words that are split already. */
void shell_words(struct shell *, int argc, char **argv);
void shell_help(struct shell *, const char *command);
/* The command of that name, or the only one that begins so; NULL: err. */
const struct shell_command *shell_find(struct shell *, const char *name);
/* True when the word is that command or the shortest form of it that is no other's. */
bool shell_is(struct shell *, const char *word, const char *command);
/* True when help lists it in the present scope. */
bool shell_lists(const struct shell *, const struct shell_command *);
/* Sets err and gives its CKR_. */
uint32_t shell_fail(struct shell *, enum err_id, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* ---- shell_input.c: lines, questions, Ctrl-C ---- */
/* Reads lines until the end or quit: a terminal gets a prompt, a script ends at the first command that fails.
 */
void shell_loop(struct shell *);
/* Opens the file that commands are read from. */
bool shell_script(struct shell *, const char *path);
/* The y/n of a critical command. */
bool shell_confirmed(struct shell *);
/* Asks for a line. False: there is none, or Ctrl-C came first; err. */
bool shell_ask(struct shell *, const char *question, char *line, size_t size);
/* True when somebody at a terminal types the commands and can be asked. */
bool shell_is_person(const struct shell *);
/* Asks without echo on the terminal, else reads a line. Caller frees. NULL: err. */
struct sec *shell_password(struct shell *, const char *prompt);
/* The word, or the answer to a prompt when it is "-hpswd". */
struct sec *shell_secret(struct shell *, const char *word);
/* For chsm_options: set by Ctrl-C, until the next prompt. */
const volatile sig_atomic_t *shell_cancel_flag(void);
/* Ctrl-C was pressed: a command of many steps ends. */
bool shell_cancelled(void);
void shell_cancel_clear(void);

/* ---- shell_prompt.c: line editing, history, completion ---- */
void shell_prompt_loop(struct shell *);

/* ---- shell_complete.c ---- */
/* Calls add for every word that could stand at the end of the line, which is cut at the cursor; begin: the
 * part of the word that is there. False: file names may stand there. */
bool shell_complete(struct shell *, const char *line, const char *begin, void (*add)(void *, const char *),
                    void *);

/* ---- shell_text.c: text on a terminal ---- */
struct shell_cell {
        char text[1024];
};
/* Columns that UTF-8 text takes on a terminal. */
size_t shell_width(const char *text);
/* The text in the cell, filled up with blanks to so many columns; what could steer a terminal becomes "?". */
const char *shell_pad(struct shell_cell *, const char *text, size_t columns);
/* "what: done of total" on a terminal, at most ten times a second; nothing when piped. */
void shell_progress(struct shell *, const char *what, uint64_t done, uint64_t total);
void shell_progress_clear(struct shell *);
/* True when standard error is a terminal that may be coloured. */
bool shell_colour(void);

#endif
