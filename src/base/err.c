#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static __attribute__((format(printf, 3, 0))) void detail_format(char *out, size_t cap, const char *fmt,
                                                                va_list args)
{
        if (cap > 0 && vsnprintf(out, cap, fmt, args) < 0)
                out[0] = '\0';
}

bool err_set(struct err *err, enum err_id id, const char *fmt, ...)
{
        va_list args;

        if (!err)
                return false;
        err->id = id;
        va_start(args, fmt);
        detail_format(err->detail, sizeof(err->detail), fmt, args);
        va_end(args);
        return false;
}

bool err_prefix(struct err *err, const char *fmt, ...)
{
        char old[ERR_DETAIL_MAX];
        size_t used;
        va_list args;

        if (!err)
                return false;
        memcpy(old, err->detail, sizeof(old));
        va_start(args, fmt);
        detail_format(err->detail, sizeof(err->detail), fmt, args);
        va_end(args);
        used = strlen(err->detail);
        (void)snprintf(err->detail + used, sizeof(err->detail) - used, ": %s", old);
        return false;
}

bool err_set_errno(struct err *err, enum err_id id, int number, const char *fmt, ...)
{
        char words[128];
        size_t used;
        va_list args;

        if (!err)
                return false;
        err->id = id;
        va_start(args, fmt);
        detail_format(err->detail, sizeof(err->detail), fmt, args);
        va_end(args);
        used = strlen(err->detail);
        (void)snprintf(err->detail + used, sizeof(err->detail) - used, ": %s",
                       strerror_r(number, words, sizeof(words)));
        return false;
}

uint32_t err_ckr(const struct err *err)
{
        return err && err->id != ERR_NONE ? err_row(err->id)->ckr : 0;
}
