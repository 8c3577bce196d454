/* The files of a node's key-use log on disk: use-<first sequence>.jsonl, one chain through all of them. */
#include "audit/audit.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK ((size_t)256 * 1024)

static bool first_of(const char *name, uint64_t *first)
{
        char *end;

        if (strncmp(name, "use-", 4) != 0 || name[4] < '0' || name[4] > '9')
                return false;
        errno = 0;
        *first = strtoull(name + 4, &end, 10);
        return errno == 0 && strcmp(end, ".jsonl") == 0;
}

static int by_first(const void *a, const void *b)
{
        const struct audit_file *x = a, *y = b;

        return (x->first > y->first) - (x->first < y->first);
}

void audit_files_free(struct audit_files *files)
{
        for (size_t i = 0; i < files->n; i++)
                free(files->rows[i].path);
        free(files->rows);
        *files = (struct audit_files){ 0 };
}

static bool add(struct audit_files *files, const char *folder, const char *name, uint64_t first)
{
        struct audit_file *more = reallocarray(files->rows, files->n + 1, sizeof(*more));

        if (!more)
                return false;
        files->rows = more;
        more[files->n] = (struct audit_file){ file_join(folder, name), first };
        return more[files->n].path && ++files->n;
}

bool audit_files_list(const char *folder, struct audit_files *files, struct err *err)
{
        DIR *dir = opendir(folder);
        struct dirent *entry;
        uint64_t first;
        bool ok = true;

        *files = (struct audit_files){ 0 };
        if (!dir)
                return err_set_errno(err, ERR_AUDIT, errno, "audit folder '%s' cannot be read", folder);
        while (ok && (entry = readdir(dir)) != NULL)
                ok = !first_of(entry->d_name, &first) || add(files, folder, entry->d_name, first);
        (void)closedir(dir);
        if (!ok) {
                audit_files_free(files);
                return err_set(err, ERR_MEMORY, "no memory for the list of audit files");
        }
        if (files->n)
                qsort(files->rows, files->n, sizeof(*files->rows), by_first);
        return true;
}

/* Checks the whole lines at the start of text and keeps the rest. */
static bool take_lines(struct audit_verify *v, struct buf *text, struct err *err)
{
        const uint8_t *last = text->n ? memrchr(text->p, '\n', text->n) : NULL;
        size_t whole = last ? (size_t)(last - text->p) + 1 : 0;

        if (!audit_verify_lines(v, slice_of(text->p, whole), err))
                return false;
        if (text->n > whole)
                memmove(text->p, text->p + whole, text->n - whole);
        text->n -= whole;
        return text->n <= CHUNK || err_set(err, ERR_AUDIT, "record %" PRIu64 " has no end", v->next_sequence);
}

static bool verify_file(struct audit_verify *v, const char *path, size_t *torn, struct err *err)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        struct buf text = BUF_INIT;
        ssize_t got = 1;
        bool ok = true;

        if (fd < 0)
                return err_set_errno(err, ERR_AUDIT, errno, "audit file '%s' cannot be read", path);
        while (ok && got > 0) {
                size_t kept = text.n;
                uint8_t *at = buf_extend(&text, CHUNK);

                got = at ? read(fd, at, CHUNK) : -1;
                if (got < 0 && at && errno == EINTR)
                        got = 1, text.n = kept;
                else if (got < 0)
                        ok = err_set_errno(err, ERR_AUDIT, errno, "audit file '%s' cannot be read", path);
                else
                        text.n = kept + (size_t)got;
                ok = ok && (take_lines(v, &text, err) || err_prefix(err, "audit file '%s'", path));
        }
        *torn = text.n;
        (void)close(fd);
        buf_clear(&text);
        return ok;
}

/* The first line of a file decides where a chain begins whose earlier files were moved away. */
static bool adopt_first(struct audit_verify *v, const char *path, struct err *err)
{
        char line[4096];
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd >= 0 ? read(fd, line, sizeof(line)) : -1;
        const char *end = n > 0 ? memchr(line, '\n', (size_t)n) : NULL;

        if (fd >= 0)
                (void)close(fd);
        return (end && audit_verify_adopt(v, slice_of(line, (size_t)(end - line) + 1))) ||
               err_set(err, ERR_AUDIT,
                       "audit file '%s' begins with no record, and the files before it are not there: "
                       "put the newest of them back",
                       path);
}

bool audit_files_start(struct audit_verify *v, const struct audit_file *file, struct slice partition_id,
                       const char *node, struct err *err)
{
        if (file->first == 0 && partition_id.n) {
                v->next_sequence = 0;
                return audit_genesis(v->crypto, partition_id, node, "use", v->expected) ||
                       err_set(err, ERR_CRYPTO, "hashing failed");
        }
        return adopt_first(v, file->path, err);
}

bool audit_verify_files(struct audit_verify *v, const struct audit_files *files, size_t from,
                        struct slice partition_id, const char *node, size_t *torn, struct err *err)
{
        *torn = 0;
        if (from >= files->n)
                return true;
        if (!audit_files_start(v, &files->rows[from], partition_id, node, err))
                return false;
        for (size_t i = from; i < files->n; i++) {
                const struct audit_file *file = &files->rows[i];

                if (*torn)
                        return err_set(err, ERR_AUDIT, "audit file '%s' ends within a record",
                                       files->rows[i - 1].path);
                if (file->first != v->next_sequence)
                        return err_set(err, ERR_AUDIT,
                                       "records %" PRIu64 " to %" PRIu64 " are missing: '%s' comes next",
                                       v->next_sequence, file->first - 1, file->path);
                if (!verify_file(v, file->path, torn, err))
                        return false;
        }
        return true;
}
