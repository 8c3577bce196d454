#include "tools/shell.h"

#include <ctype.h>
#include <editline/readline.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define LINE_MAX_BYTES 8192

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

/* ---- passwords ---- */

struct sec *shell_password(struct shell *sh, const char *prompt)
{
        struct termios before, quiet;
        bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
        char line[256];
        struct sec *out = NULL;

        if (terminal) {
                fprintf(stderr, "%s", prompt);
                quiet = before;
                quiet.c_lflag &= ~(tcflag_t)ECHO;
                (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
        }
        if (fgets(line, sizeof(line), stdin)) {
                line[strcspn(line, "\r\n")] = 0;
                out = sec_copy(slice_str(line));
        } else {
                (void)shell_fail(sh, ERR_USAGE, "no password was given");
        }
        sec_wipe(line, sizeof(line));
        if (terminal) {
                (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
                fputc('\n', stderr);
        }
        return out;
}

struct sec *shell_secret(struct shell *sh, const char *word)
{
        if (strcmp(word, "-hpswd") == 0)
                return shell_password(sh, "Enter password: ");
        return sec_copy(slice_str(word));
}

/* ---- finding commands ---- */

/* An exact name, or the only one that begins so. */
static const struct shell_command *find(struct shell *sh, const char *name)
{
        const struct shell_command *found = NULL;
        size_t n = strlen(name);
        int count = 0;

        for (size_t t = 0; sh->tables[t]; t++) {
                for (const struct shell_command *c = sh->tables[t]; c->name; c++) {
                        if (strcasecmp(c->name, name) == 0)
                                return c;
                        if (strncasecmp(c->name, name, n) == 0) {
                                found = c;
                                count++;
                        }
                }
        }
        if (count == 1)
                return found;
        (void)shell_fail(sh, ERR_USAGE,
                         count ? "'%s' could be several commands; type more of it"
                               : "there is no command '%s'; try: help",
                         name);
        return NULL;
}

bool shell_is(struct shell *sh, const char *word, const char *command)
{
        const struct shell_command *c = find(sh, word);

        return c && strcmp(c->name, command) == 0;
}

/* In JSON mode help is an answer like others. */
static void help_json(struct shell *sh, const struct shell_command *one)
{
        json_t *list = json_array();

        for (size_t t = 0; sh->tables[t]; t++) {
                for (const struct shell_command *c = sh->tables[t]; c->name; c++) {
                        if (!one || one == c)
                                (void)json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "name", c->name,
                                                                            "arguments", c->arguments,
                                                                            "summary", c->summary));
                }
        }
        shell_set(sh, "commands", list);
}

void shell_help(struct shell *sh, const char *name)
{
        const struct shell_command *one = name ? find(sh, name) : NULL;

        if (name && !one)
                return;
        if (sh->json) {
                help_json(sh, one);
                return;
        }
        if (one) {
                printf("%s %s\n\t%s\n", one->name, one->arguments, one->summary);
                return;
        }
        for (size_t t = 0; sh->tables[t]; t++) {
                for (const struct shell_command *c = sh->tables[t]; c->name; c++)
                        printf("  %-22s %s\n", c->name, c->summary);
        }
}

static bool confirmed(struct shell *sh)
{
        char line[64];

        if (sh->yes)
                return true;
        if (sh->json) {
                (void)shell_fail(sh, ERR_USAGE, "a critical command; with --json, give --yes to confirm it");
                return false;
        }
        shell_say(sh, "%s", sh->caution);
        for (;;) {
                shell_say(sh, "Do you want to continue(y/n)?");
                if (!fgets(line, sizeof(line), stdin)) {
                        (void)shell_fail(sh, ERR_USAGE, "not confirmed");
                        return false;
                }
                line[strcspn(line, "\r\n")] = 0;
                if (strcasecmp(line, "y") == 0)
                        return true;
                if (strcasecmp(line, "n") == 0) {
                        (void)shell_fail(sh, ERR_USAGE, "not confirmed; nothing was changed");
                        return false;
                }
                shell_say(sh, "\nInvalid option, please type 'y' or 'n'\n");
        }
}

/* ---- running ---- */

static void tell(struct shell *sh, const char *command, uint32_t rv)
{
        const struct err_row *row = err_row(sh->err.id);

        if (rv)
                sh->status = row->exit_code ? row->exit_code : 1;
        if (!sh->json) {
                if (rv)
                        fprintf(stderr, "%s failed: %s%s%s%s\n", command,
                                sh->err.detail[0] ? sh->err.detail : row->text, row->cure ? " (" : "",
                                row->cure ? row->cure : "", row->cure ? ")" : "");
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
        c = find(sh, argv[0]);
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
                rv = c->confirm && !confirmed(sh) ? 1 : c->run(sh, argc, argv);
                tell(sh, c->name, rv);
        }
        json_decref(sh->answer);
        sh->answer = NULL;
        sh->json = json;
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
        char copy[LINE_MAX_BYTES], *argv[SHELL_WORDS_MAX];
        int argc;

        if (strlen(line) >= sizeof(copy)) {
                (void)shell_fail(sh, ERR_USAGE, "a command line has at most %d bytes", LINE_MAX_BYTES - 1);
                tell(sh, "line", 1);
                return;
        }
        memcpy(copy, line, strlen(line) + 1);
        argc = split(copy, argv);
        if (argc < 0) {
                (void)shell_fail(sh, ERR_USAGE, "a command line has at most %d words", SHELL_WORDS_MAX);
                tell(sh, "line", 1);
        } else if (argc > 0) {
                shell_words(sh, argc, argv);
        }
        sec_wipe(copy, sizeof(copy));
}

/* Lines that may hold a password are not remembered: neither those of commands that take one, in whatever
 * case or shortened form, nor those of no command. */
static bool worth_remembering(struct shell *sh, const char *line)
{
        char word[64];
        size_t n = strcspn(line, " \t");
        const struct shell_command *c;

        if (n == 0 || n >= sizeof(word))
                return false;
        memcpy(word, line, n);
        word[n] = 0;
        c = find(sh, word);
        return c && !strstr(c->arguments, "PASSWORD");
}

/* ---- completion: libedit's interface has no argument of ours ---- */

static struct shell *completing;

static char *next_command(const char *text, int state)
{
        static size_t table, row;
        const struct shell_command *c;

        if (state == 0)
                table = row = 0;
        for (; completing->tables[table]; table++, row = 0) {
                while ((c = &completing->tables[table][row])->name) {
                        row++;
                        if (strncasecmp(c->name, text, strlen(text)) == 0)
                                return strdup(c->name);
                }
        }
        return NULL;
}

/* The first word is a command, or that after help; others are file names, which libedit does itself. */
static char **complete(const char *text, int start, int end)
{
        bool command = start == 0 || strncmp(rl_line_buffer, "help ", 5) == 0;

        (void)end;
        return command ? rl_completion_matches(text, next_command) : NULL;
}

void shell_loop(struct shell *sh)
{
        bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
        char buffer[LINE_MAX_BYTES];

        if (terminal) {
                completing = sh;
                rl_attempted_completion_function = complete;
        }
        while (!sh->done) {
                char *line = NULL;

                if (terminal) {
                        line = readline(sh->prompt);
                        if (!line)
                                break;
                        shell_line(sh, line);
                        if (worth_remembering(sh, line))
                                (void)add_history(line);
                        sec_wipe(line, strlen(line));
                        free(line);
                        continue;
                }
                if (!fgets(buffer, sizeof(buffer), stdin))
                        break;
                buffer[strcspn(buffer, "\r\n")] = 0;
                shell_line(sh, buffer);
        }
        sec_wipe(buffer, sizeof(buffer));
}
