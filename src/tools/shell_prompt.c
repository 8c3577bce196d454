/* The prompt: line editing by libedit, a history that outlives the tool, completion. */
#include "base/file.h"
#include "tools/shell.h"

#include <editline/readline.h>
#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HISTORY_LINES 1000
#define PATH_BYTES    1024

/* ---- history ---- */

/* $XDG_STATE_HOME/chsm/PROGRAM.history; the folders are made. False: there is nowhere to keep one. */
static bool history_path(const struct shell *sh, char out[PATH_BYTES])
{
        const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
        const char *const steps[] = { "", "/.local", "/state", "/chsm" };
        bool own = state && state[0] == '/';
        size_t n;

        if (!own && !(home && home[0] == '/'))
                return false;
        n = (size_t)snprintf(out, PATH_BYTES, "%s", own ? state : home);
        for (size_t i = 0; i < 4; i++) {
                if (n + 64 > PATH_BYTES)
                        return false;
                if (i == 0 || i == 3 || !own)
                        n += (size_t)snprintf(out + n, PATH_BYTES - n, "%s", steps[i]);
                (void)mkdir(out, 0700);
        }
        if (n + strlen(sh->program) + 16 > PATH_BYTES)
                return false;
        (void)snprintf(out + n, PATH_BYTES - n, "/%s.history", sh->program);
        return true;
}

/* Nobody else reads it, whoever made it: commands name keys and users. */
static bool history_private(const char *path)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        struct stat st;
        bool ok = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
                  fchmod(fd, 0600) == 0;

        if (fd >= 0)
                (void)close(fd);
        return ok;
}

/* Lines that may hold a password are not remembered: neither those of commands that take one, in whatever
 * case or shortened form, nor those of no command. */
static bool worth_remembering(struct shell *sh, const char *line)
{
        char word[64];
        size_t n;
        const struct shell_command *c;

        line += strspn(line, " \t");
        n = strcspn(line, " \t");
        if (n == 0 || n >= sizeof(word))
                return false;
        memcpy(word, line, n);
        word[n] = 0;
        c = shell_find(sh, word);
        return c && !strstr(c->arguments, "PASSWORD");
}

/* ---- completion: libedit's interface has no argument of ours ---- */

static struct {
        struct shell *shell;
        char *words[4096];
        size_t n, next;
} candidates;

static void candidate_add(void *begin, const char *word)
{
        size_t most = sizeof(candidates.words) / sizeof(candidates.words[0]);
        char *copy = NULL;

        if (candidates.n == most || strncasecmp(word, begin, strlen(begin)) != 0)
                return;
        if (strpbrk(word, " \t") && asprintf(&copy, "\"%s\"", word) < 0)
                copy = NULL;
        else if (!copy)
                copy = strdup(word);
        if (copy)
                candidates.words[candidates.n++] = copy;
}

/* libedit frees what it is given. */
static char *candidate_next(const char *text, int state)
{
        (void)text;
        if (state == 0)
                candidates.next = 0;
        return candidates.next < candidates.n ? candidates.words[candidates.next++] : NULL;
}

static char **complete(const char *text, int start, int end)
{
        char line[1024], begin[256];
        bool words;

        (void)end;
        if ((size_t)start >= sizeof(line) || strlen(text) >= sizeof(begin))
                return NULL;
        memcpy(line, rl_line_buffer, (size_t)start);
        line[start] = 0;
        (void)snprintf(begin, sizeof(begin), "%s", text);
        candidates.n = 0;
        words = shell_complete(candidates.shell, line, begin, candidate_add, begin);
        rl_attempted_completion_over = words; /* else libedit completes file names */
        return words ? rl_completion_matches(text, candidate_next) : NULL;
}

/* ---- the loop ---- */

static void prompt_lines(struct shell *sh)
{
        while (!sh->done) {
                char *line;

                shell_cancel_clear();
                line = readline(sh->prompt);
                if (!line && shell_cancelled()) {
                        fputc('\n', stdout);
                        continue;
                }
                if (!line)
                        break;
                shell_line(sh, line);
                for (size_t n = strlen(line); n && line[n - 1] == ' '; n--)
                        line[n - 1] = 0; /* completion leaves one */
                if (worth_remembering(sh, line))
                        (void)add_history(line);
                sec_wipe(line, strlen(line));
                free(line);
        }
}

void shell_prompt_loop(struct shell *sh)
{
        static char breaks[] = " \t\"";
        char path[PATH_BYTES];
        bool kept = history_path(sh, path) && history_private(path);

        (void)setlocale(LC_CTYPE, "");
        candidates.shell = sh;
        rl_readline_name = sh->program;
        (void)rl_initialize();
        rl_completer_word_break_characters = breaks;
        rl_attempted_completion_function = complete;
        stifle_history(HISTORY_LINES);
        if (kept)
                (void)read_history(path);
        prompt_lines(sh);
        if (kept && write_history(path) == 0)
                (void)history_private(path);
}
