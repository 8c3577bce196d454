/* Where commands and answers come from: a script, standard input, or a person at a terminal. */
#include "tools/shell.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* ---- Ctrl-C ---- */

static volatile sig_atomic_t cancelled;

const volatile sig_atomic_t *shell_cancel_flag(void)
{
        return &cancelled;
}

bool shell_cancelled(void)
{
        return cancelled != 0;
}

void shell_cancel_clear(void)
{
        cancelled = 0;
}

/* ---- questions ---- */

static FILE *source(struct shell *sh)
{
        return sh->script ? sh->script : stdin;
}

/* A line without its end; of one that is too long the beginning, which is too long for what it is, and the
 * rest is not taken for another line. False: there is none, or Ctrl-C came first. */
static bool read_line(FILE *in, char *line, size_t size)
{
        int c = 0;

        if (!fgets(line, (int)size, in)) {
                if (ferror(in) && errno == EINTR)
                        clearerr(in);
                return false;
        }
        if (!strchr(line, '\n') && strlen(line) + 1 == size) {
                while (c != '\n' && c != EOF)
                        c = fgetc(in);
        }
        line[strcspn(line, "\r\n")] = 0;
        return true;
}

static uint32_t no_answer(struct shell *sh, const char *words)
{
        return shell_cancelled() ? shell_fail(sh, ERR_CANCELLED, "cancelled; nothing was done")
                                 : shell_fail(sh, ERR_USAGE, "%s", words);
}

struct sec *shell_password(struct shell *sh, const char *prompt)
{
        struct termios before, quiet;
        bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
        char line[256];
        struct sec *out = NULL;

        if (terminal) {
                quiet = before;
                quiet.c_lflag &= ~(tcflag_t)ECHO;
                (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
                fprintf(stderr, "%s", prompt);
        }
        if (read_line(terminal ? stdin : source(sh), line, sizeof(line)))
                out = sec_copy(slice_str(line));
        else
                (void)no_answer(sh, "no password was given");
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

bool shell_ask(struct shell *sh, const char *question, char *line, size_t size)
{
        shell_say(sh, "%s", question);
        (void)fflush(stdout);
        if (read_line(source(sh), line, size))
                return true;
        (void)no_answer(sh, "not answered");
        return false;
}

bool shell_is_person(const struct shell *sh)
{
        return !sh->json && !sh->script && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

bool shell_confirmed(struct shell *sh)
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
                (void)fflush(stdout);
                if (!read_line(source(sh), line, sizeof(line))) {
                        (void)no_answer(sh, "not confirmed; nothing was changed");
                        return false;
                }
                if (strcasecmp(line, "y") == 0)
                        return true;
                if (strcasecmp(line, "n") == 0) {
                        (void)shell_fail(sh, ERR_USAGE, "not confirmed; nothing was changed");
                        return false;
                }
                shell_say(sh, "\nInvalid option, please type 'y' or 'n'\n");
        }
}

/* ---- lines ---- */

bool shell_script(struct shell *sh, const char *path)
{
        sh->script = fopen(path, "re");
        if (sh->script)
                return true;
        fprintf(stderr, "%s: cannot read '%s': %s\n", sh->program, path, strerror(errno));
        return false;
}

static void script_loop(struct shell *sh)
{
        char line[SHELL_LINE_MAX + 1]; /* one more than shell_line takes */
        unsigned number = 0, before;

        while (!sh->done && read_line(source(sh), line, sizeof(line))) {
                number++;
                before = sh->failures;
                sh->ignored = false;
                shell_line(sh, line);
                if (sh->failures == before || sh->keep_going || sh->ignored)
                        continue;
                fprintf(stderr, "%s: stopped after line %u; --keep-going would go on\n", sh->program, number);
                break;
        }
        sec_wipe(line, sizeof(line));
}

static void on_interrupt(int number)
{
        (void)number;
        cancelled = 1;
}

void shell_loop(struct shell *sh)
{
        struct sigaction action, before;

        if (sh->script || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
                script_loop(sh);
                return;
        }
        memset(&action, 0, sizeof(action));
        action.sa_handler = on_interrupt; /* without SA_RESTART: what waits wakes up */
        (void)sigaction(SIGINT, &action, &before);
        shell_prompt_loop(sh);
        (void)sigaction(SIGINT, &before, NULL);
        sh->status = 0; /* whoever typed it has seen what failed */
}
