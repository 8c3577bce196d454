/* The log of key use as its node gives it to auditors: pages of whole lines, and files whose time has come.
 */
#include "audit/writer_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK ((size_t)256 * 1024)

/* The file that holds the record; NULL: no longer there. */
static const struct audit_file *file_of(const struct audit_files *files, uint64_t sequence)
{
        const struct audit_file *found = NULL;

        for (size_t i = 0; i < files->n && files->rows[i].first <= sequence; i++)
                found = &files->rows[i];
        return found;
}

struct page {
        struct audit_place place; /* of the next line */
        uint64_t from, end;       /* wanted: from <= sequence < end */
        size_t bytes, start;
        struct buf *out;
};

/* Takes the whole lines of text; false: the page is full. *used: bytes of text that were passed. */
static bool page_take(struct page *p, struct slice text, size_t *used)
{
        *used = 0;
        while (p->place.sequence < p->end && p->out->n - p->start < p->bytes) {
                const uint8_t *end = memchr(text.p + *used, '\n', text.n - *used);
                size_t n = end ? (size_t)(end - (text.p + *used)) + 1 : 0;

                if (!end)
                        return true;
                if (p->place.sequence >= p->from)
                        buf_put(p->out, text.p + *used, n);
                *used += n;
                p->place.offset += n;
                p->place.sequence++;
        }
        return false;
}

static bool page_read(struct page *p, const char *path, struct err *err)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        uint8_t *chunk = malloc(CHUNK);
        bool ok = fd >= 0 && chunk, more = ok;

        while (more) {
                ssize_t n = pread(fd, chunk, CHUNK, (off_t)p->place.offset);
                size_t used = 0;

                ok = n >= 0;
                more = n > 0 && page_take(p, slice_of(chunk, (size_t)n), &used) && used;
        }
        if (!ok)
                err_set_errno(err, ERR_AUDIT, errno, "audit file '%s' cannot be read", path);
        if (fd >= 0)
                (void)close(fd);
        free(chunk);
        return ok;
}

bool audit_writer_read(struct audit_writer *w, uint64_t from, uint32_t limit, size_t bytes, struct buf *lines,
                       struct err *err)
{
        struct page p = { .from = from, .bytes = bytes, .start = lines->n, .out = lines };
        const struct audit_file *file;
        struct audit_files files;
        uint64_t end;
        uint8_t hash[AUDIT_HASH_SIZE];
        bool ok;

        audit_writer_head(w, &end, hash); /* waits until all of them are in the file */
        if (from >= end)
                return true;
        p.end = end - from > limit ? from + limit : end;
        if (!audit_files_list(w->folder, &files, err))
                return false;
        file = file_of(&files, from);
        if (file) {
                p.place = (struct audit_place){ .file = file->first, .sequence = file->first };
                pthread_mutex_lock(&w->lock);
                if (w->place.file == file->first && w->place.sequence <= from)
                        p.place = w->place;
                pthread_mutex_unlock(&w->lock);
        }
        ok = file
                 ? page_read(&p, file->path, err)
                 : err_set(err, ERR_AUDIT, "record %" PRIu64 " of the log of key use is there no more", from);
        if (ok && !buf_ok(lines))
                ok = err_set(err, ERR_MEMORY, "no memory for audit records");
        if (ok) {
                pthread_mutex_lock(&w->lock);
                w->place = p.place;
                pthread_mutex_unlock(&w->lock);
        }
        audit_files_free(&files);
        return ok;
}

static bool first_of(struct audit_writer *w, const struct audit_file *file, uint64_t *sequence,
                     uint8_t start[AUDIT_HASH_SIZE], int64_t *time_ms, struct err *err)
{
        struct audit_verify v = { .crypto = w->config.crypto };

        if (!audit_files_start(&v, file, time_ms ? SLICE_EMPTY : w->config.partition_id, w->node, err))
                return false;
        *sequence = v.next_sequence;
        memcpy(start, v.expected, AUDIT_HASH_SIZE);
        if (time_ms)
                *time_ms = v.last_time_ms;
        return true;
}

bool audit_writer_first(struct audit_writer *w, uint64_t *sequence, uint8_t start[AUDIT_HASH_SIZE],
                        struct err *err)
{
        struct audit_files files;
        bool ok;

        if (!audit_files_list(w->folder, &files, err))
                return false;
        ok = files.n ? first_of(w, &files.rows[0], sequence, start, NULL, err)
                     : err_set(err, ERR_AUDIT, "audit folder '%s' holds no log of key use", w->folder);
        audit_files_free(&files);
        return ok;
}

bool audit_writer_boundary(struct audit_writer *w, int64_t before_ms, uint64_t *sequence,
                           uint8_t start[AUDIT_HASH_SIZE], struct err *err)
{
        struct audit_files files;
        struct err none = ERR_INIT;
        bool ok = audit_files_list(w->folder, &files, err);

        *sequence = 0;
        for (size_t i = 1; ok && i < files.n; i++) {
                int64_t time_ms = 0;
                uint64_t first;
                uint8_t hash[AUDIT_HASH_SIZE];

                /* The newest file may have no record yet. */
                if (!first_of(w, &files.rows[i], &first, hash, &time_ms, &none) || time_ms >= before_ms)
                        break;
                *sequence = first;
                memcpy(start, hash, sizeof(hash));
        }
        audit_files_free(&files);
        return ok;
}

bool audit_writer_drop(struct audit_writer *w, uint64_t next, struct err *err)
{
        struct audit_files files;
        bool ok = audit_files_list(w->folder, &files, err);

        for (size_t i = 0; ok && i + 1 < files.n && files.rows[i + 1].first <= next; i++) {
                if (unlink(files.rows[i].path) != 0 && errno != ENOENT)
                        ok = err_set_errno(err, ERR_AUDIT, errno, "audit file '%s' cannot be removed",
                                           files.rows[i].path);
        }
        audit_files_free(&files);
        return ok;
}

bool audit_writer_failing(struct audit_writer *w)
{
        return atomic_load_explicit(&w->failing, memory_order_relaxed);
}

uint64_t audit_writer_lost(struct audit_writer *w)
{
        return atomic_load(&w->dropped);
}
