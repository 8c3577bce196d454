#include "base/log.h"
#include "base/buf.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

#define SITES      64
#define SITE_LIMIT 20 /* lines a second from one call site */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char program_name[64];
static int log_fd = -1;
static bool to_syslog, as_json, opened;
static enum log_level threshold = LOG_LEVEL_INFO;

/* Counts lines by call site within the present second. */
static struct site {
        const char *file;
        int line, count;
        int64_t second;
} sites[SITES];

static const char *const level_names[] = { "error", "warning", "info", "debug" };
static const int level_priorities[] = { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

bool log_open(const char *program, const char *target, enum log_level level, struct err *err)
{
        int fd = -1;
        bool json = strncmp(target, "json:", 5) == 0, sys;

        if (json)
                target += 5;
        sys = strcmp(target, "syslog") == 0;
        if (strcmp(target, "stderr") == 0)
                fd = STDERR_FILENO;
        else if (!sys && strcmp(target, "none") != 0)
                fd = open(target, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
        if (fd < 0 && !sys && strcmp(target, "none") != 0)
                return err_set_errno(err, ERR_FILE, errno, "log file '%s' cannot be opened", target);
        log_close();
        pthread_mutex_lock(&lock);
        (void)snprintf(program_name, sizeof(program_name), "%s", program);
        if (sys)
                openlog(program_name, LOG_PID, LOG_DAEMON);
        log_fd = fd;
        to_syslog = sys;
        as_json = json;
        threshold = level;
        opened = true;
        pthread_mutex_unlock(&lock);
        return true;
}

void log_close(void)
{
        pthread_mutex_lock(&lock);
        if (log_fd > STDERR_FILENO)
                (void)close(log_fd);
        if (to_syslog)
                closelog();
        log_fd = -1;
        to_syslog = false;
        opened = false;
        pthread_mutex_unlock(&lock);
}

bool log_enabled(enum log_level level)
{
        return opened && level <= threshold;
}

/* How many lines of this site were left out before this one; -1: leave this one out too. */
static int site_admit(const char *file, int line, int64_t now_ms)
{
        struct site *s = &sites[((uintptr_t)file / 8 + (unsigned)line * 31u) % SITES];
        int left_out = 0;

        if (s->file != file || s->line != line || s->second != now_ms / 1000) {
                if (s->file == file && s->line == line && s->count > SITE_LIMIT)
                        left_out = s->count - SITE_LIMIT;
                *s = (struct site){ file, line, 0, now_ms / 1000 };
        }
        return ++s->count > SITE_LIMIT ? -1 : left_out;
}

static void line_write(enum log_level level, const char *text, int64_t now_ms, int left_out)
{
        char when[CLOCK_TEXT_SIZE];
        struct buf b = BUF_INIT;

        if (to_syslog) {
                syslog(level_priorities[level], "%s: %s", level_names[level], text);
                return;
        }
        clock_text(now_ms, when);
        if (as_json) {
                buf_printf(&b,
                           "{\"time\":\"%s\",\"program\":\"%s\",\"pid\":%d,\"level\":\"%s\",\"text\":", when,
                           program_name, (int)getpid(), level_names[level]);
                buf_put_json(&b, slice_str(text));
                if (left_out)
                        buf_printf(&b, ",\"left_out\":%d", left_out);
                buf_put_text(&b, "}\n");
        } else {
                buf_printf(&b, "%s %s[%d] %s: %s", when, program_name, (int)getpid(), level_names[level],
                           text);
                if (left_out)
                        buf_printf(&b, " (%d more such lines left out)", left_out);
                buf_put_text(&b, "\n");
        }
        if (buf_ok(&b) && write(log_fd, b.p, b.n) < 0)
                errno = 0; /* nowhere left to tell */
        buf_clear(&b);
}

void log_line(enum log_level level, const char *file, int line, const char *fmt, ...)
{
        char text[1024];
        int saved = errno, left_out;
        struct clock clock = clock_system();
        va_list args;

        if (!log_enabled(level))
                return;
        va_start(args, fmt);
        (void)vsnprintf(text, sizeof(text), fmt, args);
        va_end(args);
        for (char *c = text; *c; c++) {
                if ((unsigned char)*c < 0x20 || *c == 0x7f)
                        *c = ' '; /* one line a call, whatever a peer put into a name */
        }
        pthread_mutex_lock(&lock);
        left_out = site_admit(file, line, clock_wall_ms(&clock));
        if (left_out >= 0 && (log_fd >= 0 || to_syslog))
                line_write(level, text, clock_wall_ms(&clock), left_out);
        pthread_mutex_unlock(&lock);
        errno = saved;
}
