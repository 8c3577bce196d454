#include "tools/password_advice.h"

#include "base/sec.h"
#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define ADVISED_LENGTH  12
#define ADVISED_CLASSES 3
#define LONGEST         64

static unsigned classes_of(struct slice password)
{
        unsigned lower = 0, upper = 0, digit = 0, other = 0;

        for (size_t i = 0; i < password.n; i++) {
                if (islower(password.p[i]))
                        lower = 1;
                else if (isupper(password.p[i]))
                        upper = 1;
                else if (isdigit(password.p[i]))
                        digit = 1;
                else
                        other = 1;
        }
        return lower + upper + digit + other;
}

/* What is left when digits and signs at both ends, and the usual replacements, are undone. */
static void stem_of(const char *lower, size_t n, char out[LONGEST])
{
        static const char from[] = "0134578@$!", to[] = "oieastbasi";
        size_t begin = 0;

        while (n && !isalpha((unsigned char)lower[n - 1]))
                n--;
        while (begin < n && !isalpha((unsigned char)lower[begin]))
                begin++;
        for (size_t i = begin; i < n; i++) {
                const char *at = strchr(from, lower[i]);
                out[i - begin] = at && *at ? to[at - from] : lower[i];
        }
        out[n - begin] = 0;
}

static bool is_common(const char *lower, const char *stem)
{
        const char *common;

        for (size_t i = 0; (common = password_common(i)); i++) {
                if (strcmp(common, lower) == 0 || strcmp(common, stem) == 0)
                        return true;
        }
        return false;
}

/* "11111111", "abababab", "12345678": a beginning of one to four characters repeated, or steps of one. */
static bool is_pattern(const char *text, size_t n)
{
        bool up = true, down = true;

        for (size_t period = 1; period <= 4 && period * 2 <= n; period++) {
                if (memcmp(text, text + period, n - period) == 0)
                        return true;
        }
        for (size_t i = 1; i < n; i++) {
                up = up && text[i] == text[i - 1] + 1;
                down = down && text[i] == text[i - 1] - 1;
        }
        return up || down;
}

/* The first thing that is worth saying, or NULL. */
static const char *remark(struct slice password, const char *lower, const char *stem, const char *user)
{
        if (is_common(lower, stem))
                return "the password is one that guessing begins with; choose another";
        if (is_pattern(lower, password.n))
                return "the password is a pattern that guessing begins with; choose another";
        if (strlen(user) >= 3 && strstr(lower, user))
                return "the password has the user's name in it; choose another";
        if (password.n < ADVISED_LENGTH)
                return "the password is short; 12 or more characters are advised";
        if (classes_of(password) < ADVISED_CLASSES)
                return "the password has few kinds of characters; three of small, capital, digits and others "
                       "are advised";
        return NULL;
}

bool password_advice(struct slice password, const char *user, char out[PASSWORD_ADVICE_MAX])
{
        char lower[LONGEST], stem[LONGEST], name[LONGEST];
        const char *words;

        if (password.n >= LONGEST || strlen(user) >= LONGEST)
                return false;
        text_lower((const char *)password.p, password.n, lower);
        text_lower(user, strlen(user), name);
        stem_of(lower, password.n, stem);
        words = remark(password, lower, stem, name);
        if (words)
                (void)snprintf(out, PASSWORD_ADVICE_MAX, "%s", words);
        sec_wipe(lower, sizeof(lower));
        sec_wipe(stem, sizeof(stem));
        return words != NULL;
}
