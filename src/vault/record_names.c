#include "vault/record_names.h"

#include <stdio.h>

#define ONE_SIZE 100

/* What a number behind a prefix is the number of. */
static const struct {
        const char *prefix, *what;
} numbers[] = {
        { "o/", "key" },
        { "y/", "uses of key" },
        { "d/u/", "audit data of user" },
        { "n/", "node" },
        { "p/pmk/", "master key, sealed for node" },
        { "h/", "next free handle of node" },
        { "l/", "head of a chain of node" },
        { "k/", "page of the books of node" },
};

static size_t put(char *out, size_t size, size_t at, const char *text, const char *more)
{
        int n = at < size ? snprintf(out + at, size - at, "%s%s", text, more) : 0;

        return n < 0 ? at : at + (size_t)n < size ? at + (size_t)n : size - 1;
}

static size_t put_number(struct slice key, char *out, size_t size, size_t at)
{
        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
                size_t n = strlen(numbers[i].prefix);
                struct reader in;
                char digits[16];

                if (key.n < n + 4 || memcmp(key.p, numbers[i].prefix, n) != 0)
                        continue;
                in = reader_of(slice_of(key.p + n, 4));
                (void)snprintf(digits, sizeof(digits), " %u)", (unsigned)reader_u32(&in));
                at = put(out, size, at, " (", numbers[i].what);
                return put(out, size, at, digits, "");
        }
        return at;
}

size_t vault_record_title(struct slice key, char *out, size_t size)
{
        size_t at = put(out, size, 0, "'", "");

        for (size_t i = 0; i < key.n; i++) {
                char one[4];

                (void)snprintf(one, sizeof(one), key.p[i] > ' ' && key.p[i] < 0x7f ? "%c" : "\\%02x",
                               key.p[i]);
                at = put(out, size, at, one, "");
        }
        at = put(out, size, at, "'", "");
        return put_number(key, out, size, at);
}

void record_names_add(struct record_names *names, struct slice key)
{
        char one[ONE_SIZE];
        size_t at = strlen(names->text);

        if (++names->n > RECORD_NAMES_SHOWN)
                return;
        (void)vault_record_title(key, one, sizeof(one));
        (void)put(names->text, sizeof(names->text), at, at ? ", " : "", one);
}

void record_names_end(struct record_names *names)
{
        char more[40];

        if (names->n <= RECORD_NAMES_SHOWN)
                return;
        (void)snprintf(more, sizeof(more), " and %zu more", names->n - RECORD_NAMES_SHOWN);
        (void)put(names->text, sizeof(names->text), strlen(names->text), more, "");
}
