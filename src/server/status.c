#include "server/status.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MOST 4096

void server_status_set(const struct server_conf *conf, const char *state, const char *reason)
{
        char *path = file_join(conf->data_dir, "status");
        struct buf text = BUF_INIT;
        struct err err = ERR_INIT;

        buf_printf(&text, "state=%s\n", state);
        if (reason)
                buf_printf(&text, "reason=%s\n", reason);
        buf_printf(&text, "since=%lld\npid=%ld\nversion=%s\n", (long long)time(NULL), (long)getpid(),
                   CHSM_VERSION);
        if (file_exists(conf->data_dir) &&
            (!path || !buf_ok(&text) || !file_write(path, buf_slice(&text), 0644, &err)))
                log_warning("the node's status cannot be written: %s", err.id ? err.detail : "no memory");
        free(path);
        buf_clear(&text);
}

/* The value of a line, or NULL; text is cut up. */
static const char *line_take(char **text, const char *name)
{
        size_t n = strlen(name);

        for (char *line = *text, *next; line && *line; line = next) {
                next = strchr(line, '\n');
                if (next)
                        *next++ = '\0';
                if (strncmp(line, name, n) == 0 && line[n] == '=') {
                        *text = next;
                        return line + n + 1;
                }
        }
        return NULL;
}

static bool is_alive(const char *pid)
{
        long n = pid ? strtol(pid, NULL, 10) : 0;

        return n > 0 && (kill((pid_t)n, 0) == 0 || errno == EPERM);
}

bool server_status_lives(const struct server_conf *conf)
{
        char *path = file_join(conf->data_dir, "status"), copy[MOST + 1] = "", *rest = copy;
        struct buf text = BUF_INIT;
        struct err err = ERR_INIT;
        const char *state = NULL;

        if (path && file_exists(path) && file_read(path, MOST, &text, &err) && text.n) {
                memcpy(copy, text.p, text.n);
                state = line_take(&rest, "state");
        }
        if (state &&
            (strcmp(state, "ended") == 0 || strcmp(state, "out") == 0 || !is_alive(line_take(&rest, "pid"))))
                state = NULL;
        free(path);
        buf_clear(&text);
        return state != NULL;
}

bool server_status_show(const struct server_conf *conf, FILE *out, struct err *err)
{
        char *path = file_join(conf->data_dir, "status"), copy[MOST + 1] = "", *rest = copy;
        struct buf text = BUF_INIT;
        const char *state, *pid;
        bool serves = false;

        if (path && file_read(path, MOST, &text, err) && text.n) {
                memcpy(copy, text.p, text.n);
                state = line_take(&rest, "state");
                pid = line_take(&rest, "pid");
                if (state && strcmp(state, "ended") != 0 && strcmp(state, "out") != 0 && !is_alive(pid))
                        state = "gone"; /* it was killed, and could not say so */
                serves = state && strcmp(state, "serving") == 0;
                fprintf(out, "state=%s\n", state ? state : "unknown");
                for (size_t i = 0; i < text.n; i++) {
                        if (text.p[i] == '\n') {
                                fwrite(text.p + i + 1, 1, text.n - i - 1, out);
                                break;
                        }
                }
        } else if (!err->id) {
                err_set(err, ERR_FILE, "the node has no status yet");
        }
        free(path);
        buf_clear(&text);
        return serves;
}
