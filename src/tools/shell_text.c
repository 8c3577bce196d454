/* Text on a terminal: how wide it is, and what of it is safe to show. */
#include "base/clock.h"
#include "tools/shell.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#define PROGRESS_MS 100

/* Characters are told apart by a locale of our own, so that tables look the same wherever the tool runs. */
static locale_t utf8(void)
{
        static locale_t locale;

        if (!locale)
                locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
        return locale;
}

/* The next character: bytes it takes, columns it takes. What is no character, or could steer the terminal, is
 * one byte and not printable. */
static size_t character(const char *p, size_t n, size_t *columns, bool *printable)
{
        mbstate_t state;
        wchar_t c = 0;
        size_t bytes;
        int width;

        memset(&state, 0, sizeof(state));
        bytes = mbrtowc(&c, p, n, &state);
        if (bytes == 0 || bytes > n) { /* the last also covers the two error values */
                *columns = 1;
                *printable = false;
                return 1;
        }
        width = wcwidth(c);
        *printable = width >= 0;
        *columns = width >= 0 ? (size_t)width : 1;
        return bytes;
}

size_t shell_width(const char *text)
{
        locale_t before = utf8() ? uselocale(utf8()) : (locale_t)0;
        size_t n = strlen(text), width = 0, columns;
        bool printable;

        while (n) {
                size_t bytes = character(text, n, &columns, &printable);

                width += columns;
                text += bytes;
                n -= bytes;
        }
        if (before)
                (void)uselocale(before);
        return width;
}

const char *shell_pad(struct shell_cell *cell, const char *text, size_t columns)
{
        locale_t before = utf8() ? uselocale(utf8()) : (locale_t)0;
        size_t n = strlen(text), at = 0, width = 0, wide;
        bool printable;

        while (n && at + 8 < sizeof(cell->text)) {
                size_t bytes = character(text, n, &wide, &printable);

                if (printable) {
                        memcpy(cell->text + at, text, bytes);
                        at += bytes;
                } else {
                        cell->text[at++] = '?';
                }
                width += wide;
                text += bytes;
                n -= bytes;
        }
        if (n) {
                memcpy(cell->text + at, "...", 3);
                at += 3;
        }
        while (width < columns && at + 1 < sizeof(cell->text)) {
                cell->text[at++] = ' ';
                width++;
        }
        cell->text[at] = 0;
        if (before)
                (void)uselocale(before);
        return cell->text;
}

/* ---- what only a terminal gets ---- */

static bool progress_shown;

void shell_progress(struct shell *sh, const char *what, uint64_t done, uint64_t total)
{
        static int64_t last;
        struct clock clock = clock_system();
        int64_t now = clock_mono_ms(&clock);

        if (sh->json || !isatty(STDERR_FILENO) || (progress_shown && now - last < PROGRESS_MS))
                return;
        last = now;
        progress_shown = true;
        if (total)
                fprintf(stderr, "\r%s: %llu of %llu\033[K", what, (unsigned long long)done,
                        (unsigned long long)total);
        else
                fprintf(stderr, "\r%s: %llu\033[K", what, (unsigned long long)done);
        (void)fflush(stderr);
}

void shell_progress_clear(struct shell *sh)
{
        (void)sh;
        if (progress_shown)
                fputs("\r\033[K", stderr);
        progress_shown = false;
}

bool shell_colour(void)
{
        const char *terminal = getenv("TERM"), *none = getenv("NO_COLOR");

        return isatty(STDERR_FILENO) && terminal && strcmp(terminal, "dumb") != 0 && !(none && *none);
}
