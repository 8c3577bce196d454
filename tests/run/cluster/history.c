#include "load.h"

#include <pthread.h>
#include <stdarg.h>
#include <time.h>

static FILE *file;

bool history_open(const char *path)
{
        file = fopen(path, "ae");
        if (!file)
                perror(path);
        else
                (void)setvbuf(file, NULL, _IOLBF, 4096);
        return file != NULL;
}

void history_close(void)
{
        if (file)
                (void)fclose(file);
        file = NULL;
}

int64_t history_now_us(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

struct history_call history_begin(const char *kind, const char *who, const char *call)
{
        return (struct history_call){ kind, who, call, history_now_us() };
}

/* No answer in time, and nobody there to give one, leave open what happened; every other refusal is one. */
static const char *result_of(uint32_t rv)
{
        return rv == CKR_OK ? "ok"
               : rv == CKR_DEVICE_ERROR || rv == CKR_DEVICE_REMOVED || rv == CKR_GENERAL_ERROR ||
                       rv == CKR_FUNCTION_FAILED
                   ? "unknown"
                   : "refused";
}

void history_end(const struct history_call *call, uint32_t rv, const char *value, const char *subject, ...)
{
        int64_t end = history_now_us();
        char text[160];
        va_list arguments;

        va_start(arguments, subject);
        (void)vsnprintf(text, sizeof(text), subject, arguments);
        va_end(arguments);
        fprintf(file, "%s\t%s\t%s\t%lld\t%lld\t%s\t0x%x\t%s\t%s\n", call->kind, call->who, call->call,
                (long long)call->start_us, (long long)end, result_of(rv), rv, text, value);
}
