#include "tools/shell.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void shell_say(struct shell *sh, const char *fmt, ...)
{
        va_list ap;

        if (sh->json)
                return;
        va_start(ap, fmt);
        (void)vprintf(fmt, ap);
        va_end(ap);
}

void shell_set(struct shell *sh, const char *name, json_t *value)
{
        if (sh->json && sh->answer)
                (void)json_object_set_new(sh->answer, name, value);
        else
                json_decref(value);
}

uint32_t shell_fail(struct shell *sh, enum err_id id, const char *fmt, ...)
{
        char text[ERR_DETAIL_MAX];
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        err_set(&sh->err, id, "%s", text);
        return err_ckr(&sh->err);
}

/* ---- finding commands ---- */

const struct shell_command *shell_find(struct shell *sh, const char *name)
{
        const struct shell_command *found = NULL;
        size_t n = strlen(name), at = 0;
        char names[200] = "";
        int count = 0;

        for (size_t t = 0; sh->tables[t]; t++) {
                for (const struct shell_command *c = sh->tables[t]; c->name; c++) {
                        if (strcasecmp(c->name, name) == 0)
                                return c;
                        if (strncasecmp(c->name, name, n) == 0) {
                                found = c;
                                if (at + strlen(c->name) + 3 < sizeof(names))
                                        at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s",
                                                               count ? ", " : "", c->name);
                                count++;
                        }
                }
        }
        if (count == 1)
                return found;
        if (count)
                (void)shell_fail(sh, ERR_USAGE, "'%s' could be several commands: %s", name, names);
        else
                (void)shell_fail(sh, ERR_USAGE, "there is no command '%s'; try: help", name);
        return NULL;
}

bool shell_is(struct shell *sh, const char *word, const char *command)
{
        const struct shell_command *c = shell_find(sh, word);

        return c && strcmp(c->name, command) == 0;
}

static const struct shell_example *example_of(const struct shell *sh, const struct shell_command *c)
{
        static const struct shell_example none;

        for (const struct shell_example *e = sh->examples; e && e->name; e++) {
                if (strcmp(e->name, c->name) == 0)
                        return e;
        }
        return &none;
}

static const char *example_line(const struct shell *sh, const struct shell_command *c)
{
        return c->example ? c->example : example_of(sh, c)->line;
}

bool shell_lists(const struct shell *sh, const struct shell_command *c)
{
        enum shell_scope scope = c->scope ? c->scope : example_of(sh, c)->scope;

        return scope == SHELL_ANYWHERE || sh->in_server == (scope != SHELL_GLOBAL);
}

/* In JSON mode help is an answer like others. */
static void help_json(struct shell *sh, const struct shell_command *one)
{
        json_t *list = json_array();

        for (size_t t = 0; sh->tables[t]; t++) {
                for (const struct shell_command *c = sh->tables[t]; c->name; c++) {
                        if (one ? one == c : shell_lists(sh, c))
                                (void)json_array_append_new(
                                    list, json_pack("{s:s,s:s,s:s,s:s*}", "name", c->name, "arguments",
                                                    c->arguments, "summary", c->summary, "example",
                                                    example_line(sh, c)));
                }
        }
        shell_set(sh, "commands", list);
}

void shell_help(struct shell *sh, const char *name)
{
        const struct shell_command *one = name ? shell_find(sh, name) : NULL;

        if (name && !one)
                return;
        if (sh->json) {
                help_json(sh, one);
                return;
        }
        if (one) {
                printf("%s %s\n\t%s\n", one->name, one->arguments, one->summary);
                if (example_line(sh, one))
                        printf("\texample: %s\n", example_line(sh, one));
                return;
        }
        for (size_t t = 0; sh->tables[t]; t++) {
                for (const struct shell_command *c = sh->tables[t]; c->name; c++) {
                        if (shell_lists(sh, c))
                                printf("  %-25s %s\n", c->name, c->summary);
                }
        }
}

/* ---- running ---- */

static void tell(struct shell *sh, const char *command, uint32_t rv)
{
        const struct err_row *row = err_row(sh->err.id);
        const char *cure = sh->err.id == ERR_USAGE ? NULL : row->cure; /* "--help" is not of a command */

        shell_progress_clear(sh);
        if (rv) {
                sh->status = row->exit_code ? row->exit_code : 1;
                sh->failures++;
        }
        if (!sh->json) {
                bool colour = rv && shell_colour();

                if (rv)
                        fprintf(stderr, "%s%s failed: %s%s%s%s%s\n", colour ? "\033[31m" : "", command,
                                sh->err.detail[0] ? sh->err.detail : row->text, cure ? " (" : "",
                                cure ? cure : "", cure ? ")" : "", colour ? "\033[m" : "");
                return;
        }
        (void)json_object_set_new(sh->answer, "command", json_string(command));
        (void)json_object_set_new(sh->answer, "ok", json_boolean(rv == 0));
        if (rv) {
                (void)json_object_set_new(sh->answer, "code", json_integer((json_int_t)rv));
                (void)json_object_set_new(sh->answer, "reason", json_string(row->name));
                (void)json_object_set_new(sh->answer, "detail", json_string(sh->err.detail));
        }
        (void)json_dumpf(sh->answer, stdout, JSON_COMPACT | JSON_SORT_KEYS);
        fputc('\n', stdout);
}

static bool wants_help(int argc, char **argv)
{
        return argc == 2 && (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0);
}

static bool one_server(struct shell *sh, const struct shell_command *c)
{
        if (sh->in_server || sh->one_server)
                return true;
        (void)shell_fail(sh, ERR_USAGE, "%s is for one server; choose it first, with: server 0", c->name);
        return false;
}

void shell_words(struct shell *sh, int argc, char **argv)
{
        const struct shell_command *c;
        bool json = sh->json;
        uint32_t rv;

        if (argc > 1 && strcmp(argv[argc - 1], "-json") == 0) { /* for this command */
                sh->json = true;
                argc--;
        }
        sh->err = ERR_INIT;
        sh->answer = sh->json ? json_object() : NULL;
        c = shell_find(sh, argv[0]);
        if (!c) {
                tell(sh, argv[0], 1);
        } else if (wants_help(argc, argv)) {
                shell_help(sh, c->name);
                if (sh->json)
                        tell(sh, c->name, 0);
        } else if ((unsigned)argc - 1 < c->least || (unsigned)argc - 1 > c->most) {
                rv = shell_fail(sh, ERR_USAGE, "usage: %s %s", c->name, c->arguments);
                tell(sh, c->name, rv ? rv : 1);
        } else {
                rv = (c->scope == SHELL_ONE_SERVER && !one_server(sh, c)) ||
                             (c->confirm && !shell_confirmed(sh))
                         ? 1
                         : c->run(sh, argc, argv);
                tell(sh, c->name, rv);
        }
        json_decref(sh->answer);
        sh->answer = NULL;
        sh->json = json;
        (void)fflush(stdout);
}

/* A line that is no command at all. */
static void refuse_line(struct shell *sh, const char *words, int most)
{
        sh->err = ERR_INIT;
        sh->answer = sh->json ? json_object() : NULL;
        (void)shell_fail(sh, ERR_USAGE, "a command line has at most %d %s", most, words);
        tell(sh, "line", 1);
        json_decref(sh->answer);
        sh->answer = NULL;
        (void)fflush(stdout);
}

/* Words in place: blanks part them, double quotes hold them together. */
static int split(char *line, char **argv)
{
        int argc = 0;
        char *p = line;

        while (argc < SHELL_WORDS_MAX) {
                char *out;
                bool quoted = false;

                while (isspace((unsigned char)*p))
                        p++;
                if (!*p || *p == '#')
                        return argc;
                argv[argc++] = out = p;
                for (; *p && (quoted || !isspace((unsigned char)*p)); p++) {
                        if (*p == '"')
                                quoted = !quoted;
                        else
                                *out++ = *p;
                }
                if (*p)
                        p++;
                *out = 0;
        }
        return -1;
}

void shell_line(struct shell *sh, const char *line)
{
        char copy[SHELL_LINE_MAX], *argv[SHELL_WORDS_MAX];
        int argc;

        if (strlen(line) >= sizeof(copy)) {
                refuse_line(sh, "bytes", SHELL_LINE_MAX - 1);
                return;
        }
        memcpy(copy, line, strlen(line) + 1);
        argc = split(copy, argv);
        if (argc < 0) {
                refuse_line(sh, "words", SHELL_WORDS_MAX);
        } else if (argc > 0) {
                shell_words(sh, argc, argv);
        }
        sec_wipe(copy, sizeof(copy));
}
