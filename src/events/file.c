/* The log file: rotated by size, opened anew when it was moved away. */
#include "base/log.h"
#include "events/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct events_file {
        char *path;
        uint64_t max, size;
        unsigned keep;
        int fd;
        _Atomic bool moved;
};

static bool reopen(struct events_file *f, struct err *err)
{
        int fd = open(f->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
        struct stat facts;

        if (fd < 0 || fstat(fd, &facts) != 0) {
                err_set_errno(err, ERR_FILE, errno, "the event log '%s' cannot be opened", f->path);
                if (fd >= 0)
                        (void)close(fd);
                return false;
        }
        if (f->fd >= 0)
                (void)close(f->fd);
        f->fd = fd;
        f->size = (uint64_t)facts.st_size;
        return true;
}

struct events_file *events_file_open(const char *path, uint64_t max, unsigned keep, struct err *err)
{
        struct events_file *f = calloc(1, sizeof(*f));

        if (f)
                *f = (struct events_file){ .path = strdup(path), .max = max, .keep = keep, .fd = -1 };
        if (f && f->path && reopen(f, err))
                return f;
        if (!f || !f->path)
                err_set(err, ERR_MEMORY, "no memory for the event log");
        events_file_close(&f);
        return NULL;
}

void events_file_close(struct events_file **fp)
{
        struct events_file *f = *fp;

        *fp = NULL;
        if (!f)
                return;
        if (f->fd >= 0) {
                (void)fdatasync(f->fd);
                (void)close(f->fd);
        }
        free(f->path);
        free(f);
}

void events_file_reopen(struct events_file *f)
{
        atomic_store(&f->moved, true);
}

/* log -> log.1 -> log.2 ...; the oldest goes. */
static bool rotate(struct events_file *f, struct err *err)
{
        char from[4096], to[4096];

        for (unsigned i = f->keep; i > 0; i--) {
                (void)snprintf(to, sizeof(to), "%s.%u", f->path, i);
                if (i > 1)
                        (void)snprintf(from, sizeof(from), "%s.%u", f->path, i - 1);
                else
                        (void)snprintf(from, sizeof(from), "%s", f->path);
                if (rename(from, to) != 0 && errno != ENOENT)
                        return err_set_errno(err, ERR_FILE, errno, "the event log '%s' cannot be rotated",
                                             f->path);
        }
        if (f->keep == 0 && unlink(f->path) != 0 && errno != ENOENT)
                return err_set_errno(err, ERR_FILE, errno, "the event log '%s' cannot be rotated", f->path);
        return reopen(f, err);
}

bool events_file_put(struct events_file *f, struct slice lines, struct err *err)
{
        size_t done = 0;

        if (atomic_exchange(&f->moved, false) && !reopen(f, err)) {
                atomic_store(&f->moved, true);
                return false;
        }
        if (f->size && f->size + lines.n > f->max && !rotate(f, err))
                return false;
        while (done < lines.n) {
                ssize_t n = write(f->fd, lines.p + done, lines.n - done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0) {
                        err_set_errno(err, ERR_FILE, errno,
                                      "the event log '%s' cannot be written: free space on its disk",
                                      f->path);
                        if (done && ftruncate(f->fd, (off_t)f->size) != 0)
                                log_error("the event log '%s' may hold a torn record", f->path);
                        return false;
                }
                done += (size_t)n;
        }
        f->size += lines.n;
        return true;
}
