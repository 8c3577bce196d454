/* Which words could stand next in a command line. All that is known of a command's arguments is the text that
 * help shows, so completion and help cannot differ. */
#include "tools/shell.h"

#include <ctype.h>
#include <string.h>

#define WORD_BYTES 256

struct adding {
        struct shell *sh;
        void (*add)(void *, const char *);
        void *arg;
        bool files; /* a file name could stand there */
};

/* The word at *p without the marks of help ("[...]"); false at the end. */
static bool next_word(const char **p, char out[WORD_BYTES])
{
        size_t n;

        *p += strspn(*p, " \t[].");
        n = strcspn(*p, " \t[]");
        if (!n)
                return false;
        (void)snprintf(out, WORD_BYTES, "%.*s", (int)(n < WORD_BYTES ? n : WORD_BYTES - 1), *p);
        *p += n;
        for (char *end = out + strlen(out); end > out && end[-1] == '.'; end--)
                end[-1] = 0;
        return true;
}

static void add_commands(struct adding *a)
{
        for (size_t t = 0; a->sh->tables[t]; t++) {
                for (const struct shell_command *c = a->sh->tables[t]; c->name; c++) {
                        if (shell_lists(a->sh, c))
                                a->add(a->arg, c->name);
                }
        }
}

/* One of the alternatives of an argument: something that a kind lists, a file, or the word itself. */
static void add_alternative(struct adding *a, const char *word, bool only)
{
        for (const struct shell_kind *k = a->sh->kinds; k && k->name; k++) {
                if (strcmp(k->name, word) == 0) {
                        k->list(a->sh, a->add, a->arg);
                        return;
                }
        }
        if (strcmp(word, "COMMAND") == 0)
                add_commands(a);
        else if (strstr(word, "FILE") || strstr(word, "DIRECTORY") || strstr(word, "FOLDER"))
                a->files = true;
        else if (!only && strcmp(word, "PASSWORD") != 0)
                a->add(a->arg, word);
}

static void add_argument(struct adding *a, const char *argument)
{
        char copy[WORD_BYTES], *rest = copy, *word;

        (void)snprintf(copy, sizeof(copy), "%s", argument);
        while ((word = strsep(&rest, "|")))
                add_alternative(a, word, !strchr(argument, '|') && isupper((unsigned char)word[0]));
}

/* Commands with options: after one that takes a value, what the value may be; else the options. */
static void add_options(struct adding *a, const char *arguments, const char *before)
{
        char word[WORD_BYTES], option[WORD_BYTES] = "";

        for (const char *p = arguments; next_word(&p, word);) {
                if (option[0] && word[0] != '-' && strcmp(option, before) == 0) {
                        add_argument(a, word);
                        return;
                }
                option[0] = 0;
                if (word[0] == '-')
                        (void)snprintf(option, sizeof(option), "%s", word);
        }
        for (const char *p = arguments; next_word(&p, word);) {
                char *bar = strchr(word, '|');

                if (word[0] != '-')
                        continue;
                if (bar)
                        *bar = 0;
                a->add(a->arg, word);
                if (bar && bar[1] == '-')
                        a->add(a->arg, bar + 1);
        }
}

/* The command's name, how many words follow it, and the last word of the line. */
static bool read_line(const char *line, char name[WORD_BYTES], char last[WORD_BYTES], size_t *following)
{
        const char *p = line;
        char word[WORD_BYTES];
        size_t n = 0;

        last[0] = 0;
        for (;;) {
                size_t size;

                p += strspn(p, " \t");
                size = strcspn(p, " \t");
                if (!size)
                        break;
                (void)snprintf(word, sizeof(word), "%.*s", (int)(size < WORD_BYTES ? size : WORD_BYTES - 1),
                               p);
                (void)snprintf(n == 0 ? name : last, WORD_BYTES, "%s", word);
                n++;
                p += size;
        }
        *following = n ? n - 1 : 0;
        return n > 0;
}

bool shell_complete(struct shell *sh, const char *line, const char *begin, void (*add)(void *, const char *),
                    void *arg)
{
        struct adding a = { .sh = sh, .add = add, .arg = arg };
        char name[WORD_BYTES], last[WORD_BYTES], word[WORD_BYTES];
        const struct shell_command *c;
        struct err kept = sh->err;
        size_t following;

        (void)begin;
        if (!read_line(line, name, last, &following)) {
                add_commands(&a);
                return true;
        }
        c = shell_find(sh, name);
        sh->err = kept;
        if (!c)
                return true;
        if (c->arguments[strspn(c->arguments, "[")] == '-') {
                add_options(&a, c->arguments, last);
                return !a.files;
        }
        for (const char *p = c->arguments; next_word(&p, word);) {
                if (following-- == 0) {
                        add_argument(&a, word);
                        break;
                }
        }
        sh->err = kept;
        return !a.files;
}
