/* Datagrams to the system's log daemons: one record each, and none is gone without an error. */
#include "events/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct socket_sink {
        char *path;
        int fd; /* -1: not connected */
        bool journal;
        struct buf datagram;
};

static bool connect_again(struct socket_sink *s, struct err *err)
{
        static const struct timeval patience = { .tv_sec = 2 };
        struct sockaddr_un at = { .sun_family = AF_UNIX };

        if (s->fd >= 0)
                return true;
        (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", s->path);
        s->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (s->fd >= 0 && setsockopt(s->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0 &&
            connect(s->fd, (struct sockaddr *)&at, sizeof(at)) == 0)
                return true;
        err_set_errno(err, ERR_CONNECT, errno, "nobody takes log records at '%s'", s->path);
        if (s->fd >= 0)
                (void)close(s->fd);
        s->fd = -1;
        return false;
}

/* RFC 3164 as the local socket has it: facility local0, severity information or warning. */
static void syslog_put(struct slice line, bool failed, struct buf *out)
{
        time_t now = time(NULL);
        struct tm t = { 0 };
        char when[32] = "";

        (void)localtime_r(&now, &t);
        (void)strftime(when, sizeof(when), "%b %e %H:%M:%S", &t);
        buf_printf(out, "<%d>%s chsm-server[%d]: ", 16 * 8 + (failed ? 4 : 6), when, (int)getpid());
        buf_put_slice(out, line);
}

static void journal_field(struct buf *out, const char *name, struct slice value)
{
        buf_put_text(out, name);
        buf_put_text(out, "=");
        buf_put_slice(out, value);
        buf_put_text(out, "\n");
}

/* The journal's native protocol: a field a line. */
static void journal_put(struct slice line, bool failed, struct buf *out)
{
        journal_field(out, "MESSAGE", line);
        journal_field(out, "PRIORITY", slice_str(failed ? "4" : "6"));
        journal_field(out, "SYSLOG_IDENTIFIER", SLICE_LIT("chsm-server"));
        journal_field(out, "CHSM_OPERATION", events_line_field(line, "OperationName"));
        journal_field(out, "CHSM_RESULT", events_line_field(line, "ResultType"));
        journal_field(out, "CHSM_RECORD_ID", events_line_field(line, "RecordId"));
}

static bool socket_send(void *arg, struct slice lines, size_t *sent, struct err *err)
{
        struct socket_sink *s = arg;

        *sent = 0;
        while (*sent < lines.n) {
                const uint8_t *at = lines.p + *sent, *end = memchr(at, '\n', lines.n - *sent);
                size_t n = end ? (size_t)(end - at) : lines.n - *sent;
                struct slice line = slice_of(at, n);
                bool failed = slice_equal(events_line_field(line, "ResultType"), SLICE_LIT("Failure"));

                if (!connect_again(s, err))
                        return false;
                buf_reset(&s->datagram);
                (s->journal ? journal_put : syslog_put)(line, failed, &s->datagram);
                if (!buf_ok(&s->datagram))
                        return err_set(err, ERR_MEMORY, "no memory for a log record");
                if (send(s->fd, s->datagram.p, s->datagram.n, MSG_NOSIGNAL) < 0) {
                        err_set_errno(err, ERR_IO, errno, "'%s' does not take a log record", s->path);
                        (void)close(s->fd);
                        s->fd = -1;
                        return false;
                }
                *sent += n + (end ? 1 : 0);
        }
        return true;
}

static void socket_close(void *arg)
{
        struct socket_sink *s = arg;

        if (s->fd >= 0)
                (void)close(s->fd);
        buf_clear(&s->datagram);
        free(s->path);
        free(s);
}

static bool socket_open(struct events_sink *sink, const char *name, const char *path, bool journal,
                        struct err *err)
{
        struct socket_sink *s = calloc(1, sizeof(*s));

        if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
                free(s);
                return err_set(err, ERR_CONFIG, "the path '%s' is too long for a socket", path);
        }
        if (s)
                *s = (struct socket_sink){ .path = strdup(path), .fd = -1, .journal = journal };
        if (!s || !s->path) {
                free(s);
                return err_set(err, ERR_MEMORY, "no memory for a destination of events");
        }
        *sink = (struct events_sink){ name, 64 * 1024, socket_send, socket_close, s };
        return true;
}

bool events_syslog_open(struct events_sink *sink, const char *path, struct err *err)
{
        return socket_open(sink, "syslog", path, false, err);
}

bool events_journal_open(struct events_sink *sink, const char *path, struct err *err)
{
        return socket_open(sink, "journal", path, true, err);
}
