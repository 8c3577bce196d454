/* Configuration files with options of every type. */
#include "base/conf.h"
#include "fuzz.h"

struct options {
        char *text, *path, **list;
        int64_t number;
        bool flag;
        int choice;
};

static const char *const choices[] = { "one", "two", NULL };
static const struct conf_row rows[] = {
        { .name = "text", .type = CONF_TEXT, .offset = offsetof(struct options, text) },
        { .name = "path", .type = CONF_PATH, .offset = offsetof(struct options, path) },
        { .name = "list", .type = CONF_LIST, .offset = offsetof(struct options, list) },
        { .name = "number",
          .type = CONF_NUMBER,
          .offset = offsetof(struct options, number),
          .min = -5,
          .max = 5 },
        { .name = "flag", .type = CONF_BOOL, .offset = offsetof(struct options, flag) },
        { .name = "choice",
          .type = CONF_CHOICE,
          .offset = offsetof(struct options, choice),
          .choices = choices },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct options o = { 0 };
        struct err err = ERR_INIT;
        size_t n = sizeof(rows) / sizeof(rows[0]);

        if (!conf_parse(rows, n, &o, slice_of(data, size), "/etc/f.conf", &err) && err.id == ERR_NONE)
                abort();
        if (o.number < -5 || o.number > 5)
                abort();
        conf_clear(rows, n, &o);
        return 0;
}
