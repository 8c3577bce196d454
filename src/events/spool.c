/* Lines on disk between the node and destinations that may be away: segments `<number>.jsonl`, and for each
 * reader a `<name>.cursor` that says how far he is. A segment that all readers have passed is removed.
 *
 * Cursors are not synced: after a power cut some records may be delivered twice, under the same RecordId. */
#include "base/file.h"
#include "base/text.h"
#include "events/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define READERS_MAX  3
#define SEGMENT_MOST ((uint64_t)1024 * 1024)
#define TAIL_MOST    ((off_t)64 * 1024)

struct spool_reader {
        int cursor; /* descriptor of its file */
        uint64_t segment, offset;
};

struct events_spool {
        char *folder;
        uint64_t max, segment_max;
        pthread_mutex_t lock;
        pthread_cond_t moved;
        uint64_t first, last; /* segments that are there */
        uint64_t last_size, bytes;
        int fd; /* of the last one */
        struct spool_reader readers[READERS_MAX];
        size_t reader_n;
        bool stopped;
};

static void segment_path(const struct events_spool *s, uint64_t number, char out[4096])
{
        (void)snprintf(out, 4096, "%s/%" PRIu64 ".jsonl", s->folder, number);
}

/* ---- opening ---- */

static bool segment_number(const char *name, uint64_t *number)
{
        char digits[24];
        const char *dot = strchr(name, '.');
        size_t n = dot ? (size_t)(dot - name) : 0;

        if (!dot || strcmp(dot, ".jsonl") != 0 || n == 0 || n >= sizeof(digits))
                return false;
        memcpy(digits, name, n);
        digits[n] = '\0';
        return text_number(digits, 0, UINT64_MAX - 1, number);
}

static bool folder_scan(struct events_spool *s, struct err *err)
{
        DIR *dir = opendir(s->folder);
        struct dirent *entry;
        bool any = false;

        if (!dir)
                return err_set_errno(err, ERR_FILE, errno, "the spool '%s' cannot be read", s->folder);
        while ((entry = readdir(dir)) != NULL) {
                struct stat facts;
                uint64_t number;

                if (!segment_number(entry->d_name, &number) ||
                    fstatat(dirfd(dir), entry->d_name, &facts, 0) != 0)
                        continue;
                s->first = any && s->first < number ? s->first : number;
                s->last = any && s->last > number ? s->last : number;
                s->bytes += (uint64_t)facts.st_size;
                any = true;
        }
        (void)closedir(dir);
        return true;
}

/* What follows the last whole line was being written when the node was killed. */
static bool torn_cut(struct events_spool *s, bool *torn, struct err *err)
{
        uint8_t tail[TAIL_MOST];
        off_t from = (off_t)s->last_size > TAIL_MOST ? (off_t)s->last_size - TAIL_MOST : 0;
        ssize_t n = pread(s->fd, tail, sizeof(tail), from);
        const uint8_t *end = n > 0 ? memrchr(tail, '\n', (size_t)n) : NULL;
        off_t whole = end ? from + (end - tail) + 1 : from;

        *torn = n > 0 && whole != (off_t)s->last_size;
        if (n < 0 || (*torn && ftruncate(s->fd, whole) != 0))
                return err_set_errno(err, ERR_FILE, errno, "the spool '%s' cannot be read", s->folder);
        if (*torn) {
                s->bytes -= s->last_size - (uint64_t)whole;
                s->last_size = (uint64_t)whole;
        }
        return true;
}

static bool last_open(struct events_spool *s, struct err *err)
{
        char path[4096];
        struct stat facts;
        int fd;

        segment_path(s, s->last, path);
        fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (fd < 0 || fstat(fd, &facts) != 0) {
                err_set_errno(err, ERR_FILE, errno, "the spool's file '%s' cannot be opened", path);
                if (fd >= 0)
                        (void)close(fd);
                return false;
        }
        if (s->fd >= 0)
                (void)close(s->fd);
        s->fd = fd;
        s->last_size = (uint64_t)facts.st_size;
        return true;
}

static bool cursor_open(struct events_spool *s, const char *name, struct err *err)
{
        struct spool_reader *r = &s->readers[s->reader_n];
        char path[4096], text[64] = "";
        uint64_t segment, offset;

        (void)snprintf(path, sizeof(path), "%s/%s.cursor", s->folder, name);
        r->cursor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (r->cursor < 0 || pread(r->cursor, text, sizeof(text) - 1, 0) < 0)
                return err_set_errno(err, ERR_FILE, errno, "the spool's file '%s' cannot be opened", path);
        s->reader_n++;
        r->segment = s->first;
        if (sscanf(text, "%" SCNu64 " %" SCNu64, &segment, &offset) == 2 && segment >= s->first &&
            segment <= s->last) {
                r->segment = segment;
                r->offset = segment == s->last && offset > s->last_size ? s->last_size : offset;
        }
        return true;
}

struct events_spool *events_spool_open(const char *folder, uint64_t max, const char *const *names, size_t n,
                                       bool *torn, struct err *err)
{
        struct events_spool *s = calloc(1, sizeof(*s));
        pthread_condattr_t monotonic;
        bool ok;

        if (!s) {
                err_set(err, ERR_MEMORY, "no memory for the spool of events");
                return NULL;
        }
        *s = (struct events_spool){ .folder = strdup(folder), .max = max, .fd = -1 };
        s->segment_max = max / 8 < SEGMENT_MOST ? max / 8 : SEGMENT_MOST;
        pthread_mutex_init(&s->lock, NULL);
        pthread_condattr_init(&monotonic);
        pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
        pthread_cond_init(&s->moved, &monotonic);
        pthread_condattr_destroy(&monotonic);
        ok = (s->folder || err_set(err, ERR_MEMORY, "no memory for the spool of events")) &&
             file_make_dir(folder, 0700, err) && folder_scan(s, err) && last_open(s, err) &&
             torn_cut(s, torn, err);
        for (size_t i = 0; ok && i < n && i < READERS_MAX; i++)
                ok = cursor_open(s, names[i], err);
        if (!ok)
                events_spool_close(&s);
        return s;
}

void events_spool_close(struct events_spool **sp)
{
        struct events_spool *s = *sp;

        *sp = NULL;
        if (!s)
                return;
        if (s->fd >= 0) {
                (void)fdatasync(s->fd);
                (void)close(s->fd);
        }
        for (size_t i = 0; i < s->reader_n; i++)
                (void)close(s->readers[i].cursor);
        pthread_mutex_destroy(&s->lock);
        pthread_cond_destroy(&s->moved);
        free(s->folder);
        free(s);
}

/* ---- writing ---- */

static bool append(struct events_spool *s, struct slice lines, struct err *err)
{
        size_t done = 0;

        while (done < lines.n) {
                ssize_t n = write(s->fd, lines.p + done, lines.n - done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0) {
                        err_set_errno(err, ERR_FILE, errno,
                                      "the spool of events in '%s' cannot be written: free space on its disk",
                                      s->folder);
                        if (done)
                                (void)!ftruncate(s->fd, (off_t)s->last_size);
                        return false;
                }
                done += (size_t)n;
        }
        s->last_size += lines.n;
        s->bytes += lines.n;
        return true;
}

/* With the lock held: a segment that has its size is followed by a new one. Also when the spool is full, as
 * readers can let go of a segment only when there is a later one. */
static bool turn_over(struct events_spool *s, struct err *err)
{
        if (s->last_size < s->segment_max)
                return true;
        s->last++;
        if (!last_open(s, err)) {
                s->last--;
                return false;
        }
        pthread_cond_broadcast(&s->moved);
        return true;
}

bool events_spool_put(struct events_spool *s, struct slice lines, struct err *err)
{
        bool ok;

        pthread_mutex_lock(&s->lock);
        ok = turn_over(s, err);
        if (ok && s->bytes + lines.n > s->max)
                ok = err_set(err, ERR_LIMIT,
                             "the spool of events in '%s' is full: its destination is away for too long, or "
                             "events_spool_mib is too small",
                             s->folder);
        ok = ok && append(s, lines, err);
        if (ok)
                pthread_cond_broadcast(&s->moved);
        pthread_mutex_unlock(&s->lock);
        return ok;
}

uint64_t events_spool_bytes(struct events_spool *s)
{
        uint64_t bytes;

        pthread_mutex_lock(&s->lock);
        bytes = s->bytes;
        pthread_mutex_unlock(&s->lock);
        return bytes;
}

/* ---- reading ---- */

/* With the lock held: what all readers have passed goes. */
static void segments_drop(struct events_spool *s)
{
        uint64_t least = s->last;

        for (size_t i = 0; i < s->reader_n; i++)
                least = s->readers[i].segment < least ? s->readers[i].segment : least;
        for (; s->first < least; s->first++) {
                struct stat facts;
                char path[4096];

                segment_path(s, s->first, path);
                if (stat(path, &facts) == 0 && unlink(path) == 0)
                        s->bytes -= (uint64_t)facts.st_size;
        }
}

static void cursor_write(struct spool_reader *r)
{
        char text[64];
        int n = snprintf(text, sizeof(text), "%020" PRIu64 " %020" PRIu64 "\n", r->segment, r->offset);

        (void)!pwrite(r->cursor, text, (size_t)n, 0);
}

/* Whole lines of the segment from the offset on; none is no error. */
static bool segment_read(struct events_spool *s, uint64_t number, uint64_t offset, size_t most,
                         struct buf *lines, struct err *err)
{
        char path[4096];
        int fd;
        uint8_t *at = buf_extend(lines, most);
        const uint8_t *end;
        ssize_t n;

        segment_path(s, number, path);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = at && fd >= 0 ? pread(fd, at, most, (off_t)offset) : -1;
        if (n < 0)
                err_set_errno(err, ERR_FILE, errno, "the spool's file '%s' cannot be read", path);
        end = n > 0 ? memrchr(lines->p, '\n', (size_t)n) : NULL;
        lines->n = end ? (size_t)(end - lines->p) + 1 : 0;
        if (fd >= 0)
                (void)close(fd);
        return n >= 0;
}

bool events_spool_read(struct events_spool *s, size_t reader, size_t most, struct buf *lines, struct err *err)
{
        struct spool_reader *r = &s->readers[reader];
        bool ok = true;

        pthread_mutex_lock(&s->lock);
        while (ok && lines->n == 0 && !s->stopped) {
                if (r->segment == s->last && r->offset >= s->last_size) {
                        pthread_cond_wait(&s->moved, &s->lock);
                        continue;
                }
                ok = segment_read(s, r->segment, r->offset, most, lines, err);
                if (ok && lines->n == 0 && r->segment < s->last) {
                        r->segment++;
                        r->offset = 0;
                        cursor_write(r);
                        segments_drop(s);
                }
        }
        ok = ok && !s->stopped;
        pthread_mutex_unlock(&s->lock);
        return ok;
}

void events_spool_done(struct events_spool *s, size_t reader, size_t n)
{
        pthread_mutex_lock(&s->lock);
        s->readers[reader].offset += n;
        cursor_write(&s->readers[reader]);
        pthread_mutex_unlock(&s->lock);
}

bool events_spool_pause(struct events_spool *s, int64_t ms)
{
        struct timespec until;
        bool going;

        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += ms / 1000;
        until.tv_nsec += ms % 1000 * 1000000;
        if (until.tv_nsec >= 1000000000) {
                until.tv_sec++;
                until.tv_nsec -= 1000000000;
        }
        pthread_mutex_lock(&s->lock);
        while (!s->stopped && pthread_cond_timedwait(&s->moved, &s->lock, &until) != ETIMEDOUT)
                ;
        going = !s->stopped;
        pthread_mutex_unlock(&s->lock);
        return going;
}

bool events_spool_closing(struct events_spool *s)
{
        bool stopped;

        pthread_mutex_lock(&s->lock);
        stopped = s->stopped;
        pthread_mutex_unlock(&s->lock);
        return stopped;
}

void events_spool_stop(struct events_spool *s)
{
        pthread_mutex_lock(&s->lock);
        s->stopped = true;
        pthread_cond_broadcast(&s->moved);
        pthread_mutex_unlock(&s->lock);
}
