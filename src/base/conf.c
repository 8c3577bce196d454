#include "base/conf.h"
#include "base/file.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define LINE_MAX_BYTES 4096
#define FILE_MAX_BYTES ((size_t)1024 * 1024)

struct conf_value {
        const char *text;  /* trimmed, unquoted, NUL-terminated */
        const char *name;  /* of the file, for relative paths; NULL: none */
        const char *where; /* "'file' line 3", for messages */
};

static void *field(void *target, const struct conf_row *row)
{
        return (uint8_t *)target + row->offset;
}

static void list_free(char **list)
{
        for (size_t i = 0; list && list[i]; i++)
                free(list[i]);
        free(list);
}

static bool set_text(const struct conf_row *row, void *target, const struct conf_value *v, struct err *err)
{
        char **slot = field(target, row), *copy = NULL;
        const char *slash = v->name ? strrchr(v->name, '/') : NULL;

        if (row->type == CONF_PATH && slash && v->text[0] != '/' && v->text[0]) {
                if (asprintf(&copy, "%.*s/%s", (int)(slash - v->name), v->name, v->text) < 0)
                        copy = NULL;
        } else {
                copy = strdup(v->text);
        }
        if (!copy)
                return err_set(err, ERR_MEMORY, "no memory for option '%s'", row->name);
        free(*slot);
        *slot = copy;
        return true;
}

static bool set_list(const struct conf_row *row, void *target, const struct conf_value *v, struct err *err)
{
        char ***slot = field(target, row), **grown, *copy = strdup(v->text);
        size_t n = 0;

        while (*slot && (*slot)[n])
                n++;
        grown = copy ? realloc(*slot, (n + 2) * sizeof(char *)) : NULL;
        if (!grown) {
                free(copy);
                return err_set(err, ERR_MEMORY, "no memory for option '%s'", row->name);
        }
        grown[n] = copy;
        grown[n + 1] = NULL;
        *slot = grown;
        return true;
}

static bool set_number(const struct conf_row *row, void *target, const struct conf_value *v, struct err *err)
{
        bool minus = v->text[0] == '-';
        uint64_t magnitude;
        int64_t number;

        if (!text_number(v->text + minus, 0, INT64_MAX, &magnitude))
                return err_set(err, ERR_CONFIG, "%s: '%s' of option '%s' is not a number", v->where, v->text,
                               row->name);
        number = minus ? -(int64_t)magnitude : (int64_t)magnitude;
        if (number < row->min || number > row->max)
                return err_set(err, ERR_CONFIG, "%s: option '%s' takes a number from %lld to %lld, not '%s'",
                               v->where, row->name, (long long)row->min, (long long)row->max, v->text);
        memcpy(field(target, row), &number, sizeof(number));
        return true;
}

static bool set_bool(const struct conf_row *row, void *target, const struct conf_value *v, struct err *err)
{
        static const char *const words[] = { "no", "yes", "false", "true", "off", "on", "0", "1" };

        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
                if (strcasecmp(v->text, words[i]) == 0) {
                        *(bool *)field(target, row) = i % 2;
                        return true;
                }
        }
        return err_set(err, ERR_CONFIG, "%s: option '%s' takes yes or no, not '%s'", v->where, row->name,
                       v->text);
}

static bool set_choice(const struct conf_row *row, void *target, const struct conf_value *v, struct err *err)
{
        char accepted[200] = "";
        size_t used = 0;

        for (int i = 0; row->choices[i]; i++) {
                if (strcasecmp(v->text, row->choices[i]) == 0) {
                        *(int *)field(target, row) = i;
                        return true;
                }
                if (used < sizeof(accepted))
                        used += (size_t)snprintf(accepted + used, sizeof(accepted) - used, "%s%s",
                                                 i ? ", " : "", row->choices[i]);
        }
        return err_set(err, ERR_CONFIG, "%s: option '%s' takes one of %s, not '%s'", v->where, row->name,
                       accepted, v->text);
}

static bool (*const setters[])(const struct conf_row *, void *, const struct conf_value *, struct err *) = {
        [CONF_TEXT] = set_text, [CONF_PATH] = set_text,     [CONF_NUMBER] = set_number,
        [CONF_BOOL] = set_bool, [CONF_CHOICE] = set_choice, [CONF_LIST] = set_list,
};

static bool name_equal(const struct conf_row *row, const char *key)
{
        return (row->keep_case ? strcmp : strcasecmp)(row->name, key) == 0;
}

/* Levenshtein distance, for names of at most 63 bytes; 99 for longer ones. */
static unsigned edit_distance(const char *a, const char *b)
{
        unsigned row[64];
        size_t n = strlen(b);

        if (n > 63 || strlen(a) > 63)
                return 99;
        for (unsigned j = 0; j <= n; j++)
                row[j] = j;
        for (unsigned i = 1; a[i - 1]; i++) {
                unsigned diagonal = row[0];

                row[0] = i;
                for (size_t j = 1; j <= n; j++) {
                        unsigned best = diagonal + (a[i - 1] != b[j - 1]);

                        diagonal = row[j];
                        best = row[j] + 1 < best ? row[j] + 1 : best;
                        row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
                }
        }
        return row[n];
}

static bool key_unknown(const struct conf_row *rows, size_t n, const char *key, const char *where,
                        struct err *err)
{
        for (size_t i = 0; i < n; i++) {
                if (edit_distance(key, rows[i].name) <= 2)
                        return err_set(err, ERR_CONFIG, "%s: unknown option '%s' (did you mean '%s'?)", where,
                                       key, rows[i].name);
        }
        return err_set(err, ERR_CONFIG, "%s: unknown option '%.100s'", where, key);
}

bool conf_defaults(const struct conf_row *rows, size_t n, void *target, struct err *err)
{
        for (size_t i = 0; i < n; i++) {
                struct conf_value v = { rows[i].preset, NULL, "default" };

                if (rows[i].preset && !setters[rows[i].type](&rows[i], target, &v, err))
                        return false;
        }
        return true;
}

bool conf_set(const struct conf_row *rows, size_t n, void *target, const char *key, const char *value,
              const char *where, struct err *err)
{
        struct conf_value v = { value, NULL, where };

        for (size_t i = 0; i < n; i++) {
                if (name_equal(&rows[i], key))
                        return setters[rows[i].type](&rows[i], target, &v, err);
        }
        return key_unknown(rows, n, key, where, err);
}

static char *trim(char *s)
{
        size_t n;

        while (*s == ' ' || *s == '\t')
                s++;
        n = strlen(s);
        while (n && strchr(" \t\r", s[n - 1]))
                s[--n] = '\0';
        return s;
}

/* Cuts a comment, then quotes. False: an unclosed quote or text after it. */
static bool value_unquote(char **value)
{
        char *s = trim(*value), *end;

        if (*s == '"') {
                end = strchr(s + 1, '"');
                if (!end)
                        return false;
                *end = '\0';
                *value = s + 1;
                s = trim(end + 1);
                return *s == '\0' || *s == '#';
        }
        for (char *c = s; *c; c++) {
                if (*c == '#' && (c == s || c[-1] == ' ' || c[-1] == '\t')) {
                        *c = '\0';
                        break;
                }
        }
        *value = trim(s);
        return true;
}

struct parse {
        const struct conf_row *rows;
        size_t n;
        void *target;
        const char *name;
        unsigned *seen; /* line of each row's first appearance */
        unsigned line;
};

static bool line_parse(struct parse *p, char *line, struct err *err)
{
        char where[300], *key = trim(line), *equals = strchr(key, '='), *value;

        if (*key == '\0' || *key == '#')
                return true;
        (void)snprintf(where, sizeof(where), "'%.200s' line %u", p->name, p->line);
        if (!equals || equals == key)
                return err_set(err, ERR_CONFIG, "%s: expected 'option = value', found '%.60s'", where, key);
        *equals = '\0';
        key = trim(key);
        value = equals + 1;
        if (!value_unquote(&value))
                return err_set(err, ERR_CONFIG, "%s: the quotes of option '%s' do not match", where, key);
        for (size_t i = 0; i < p->n; i++) {
                struct conf_value v = { value, p->name, where };

                if (!name_equal(&p->rows[i], key))
                        continue;
                if (p->seen[i] && p->rows[i].type != CONF_LIST)
                        return err_set(err, ERR_CONFIG, "%s: option '%s' was given on line %u already", where,
                                       key, p->seen[i]);
                p->seen[i] = p->line;
                return setters[p->rows[i].type](&p->rows[i], p->target, &v, err);
        }
        return key_unknown(p->rows, p->n, key, where, err);
}

bool conf_parse(const struct conf_row *rows, size_t n, void *target, struct slice text, const char *name,
                struct err *err)
{
        struct parse p = { rows, n, target, name, NULL, 0 };
        bool ok = false;

        if (text.n > FILE_MAX_BYTES)
                return err_set(err, ERR_CONFIG, "'%s' is larger than 1 MiB", name);
        p.seen = calloc(n ? n : 1, sizeof(*p.seen));
        if (!p.seen)
                return err_set(err, ERR_MEMORY, "no memory to read '%s'", name);
        while (text.n) {
                const uint8_t *end = memchr(text.p, '\n', text.n);
                size_t length = end ? (size_t)(end - text.p) : text.n;
                char line[LINE_MAX_BYTES + 1];

                p.line++;
                if (length > LINE_MAX_BYTES || memchr(text.p, '\0', length)) {
                        err_set(err, ERR_CONFIG, "'%s' line %u: %s", name, p.line,
                                length > LINE_MAX_BYTES ? "longer than 4096 bytes" : "holds a NUL byte");
                        goto out;
                }
                memcpy(line, text.p, length);
                line[length] = '\0';
                if (!line_parse(&p, line, err))
                        goto out;
                length += end != NULL;
                text = slice_of(text.p + length, text.n - length);
        }
        ok = true;
out:
        free(p.seen);
        return ok;
}

bool conf_read(const struct conf_row *rows, size_t n, void *target, const char *path, struct err *err)
{
        struct buf text = BUF_INIT;
        bool ok = file_read(path, FILE_MAX_BYTES, &text, err) &&
                  conf_parse(rows, n, target, buf_slice(&text), path, err);

        buf_clear(&text);
        return ok;
}

void conf_print(const struct conf_row *rows, size_t n, const char *program, FILE *out)
{
        fprintf(out, "# %s.conf: lines are 'option = value'; each option stands here at its default.\n",
                program);
        for (size_t i = 0; i < n; i++) {
                const struct conf_row *row = &rows[i];

                fprintf(out, "\n# %s", row->help);
                if (row->type == CONF_NUMBER)
                        fprintf(out, "; %lld to %lld", (long long)row->min, (long long)row->max);
                fprintf(out, "\n#%s = %s\n", row->name, row->preset ? row->preset : "");
        }
}

void conf_clear(const struct conf_row *rows, size_t n, void *target)
{
        for (size_t i = 0; i < n; i++) {
                if (rows[i].type == CONF_TEXT || rows[i].type == CONF_PATH) {
                        char **slot = field(target, &rows[i]);
                        free(*slot);
                        *slot = NULL;
                } else if (rows[i].type == CONF_LIST) {
                        char ***slot = field(target, &rows[i]);
                        list_free(*slot);
                        *slot = NULL;
                }
        }
}
