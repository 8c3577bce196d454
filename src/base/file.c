#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int file_open_regular(const char *path, struct stat *st, struct err *err)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

        if (fd < 0) {
                err_set_errno(err, ERR_FILE, errno, "file '%s' cannot be read", path);
                return -1;
        }
        if (fstat(fd, st) != 0 || S_ISDIR(st->st_mode)) {
                err_set(err, ERR_FILE, "'%s' is not a file", path);
                (void)close(fd);
                return -1;
        }
        return fd;
}

bool file_read(const char *path, size_t max, struct buf *out, struct err *err)
{
        struct stat st;
        int fd = file_open_regular(path, &st, err);
        size_t total = 0;
        uint8_t block[16384];
        ssize_t n;

        if (fd < 0)
                return false;
        while ((n = read(fd, block, sizeof(block))) != 0) {
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0) {
                        err_set_errno(err, ERR_FILE, errno, "file '%s' cannot be read", path);
                        break;
                }
                total += (size_t)n;
                if (total > max) {
                        err_set(err, ERR_FILE, "file '%s' is larger than %zu bytes", path, max);
                        n = -1;
                        break;
                }
                buf_put(out, block, (size_t)n);
        }
        (void)close(fd);
        sec_wipe(block, sizeof(block));
        if (n == 0 && !buf_ok(out))
                return err_set(err, ERR_MEMORY, "no memory for file '%s'", path);
        return n == 0;
}

struct sec *file_read_secret(const char *path, size_t max, bool loose, struct err *err)
{
        struct stat st;
        struct sec *secret = NULL;
        int fd = file_open_regular(path, &st, err);
        size_t at = 0;
        ssize_t n = 0;

        if (fd < 0)
                return NULL;
        if (!loose && (st.st_mode & 077)) {
                err_set(err, ERR_FILE, "secret file '%s' is open to others: run chmod 600 on it", path);
                goto out;
        }
        secret = sec_new(max + 1);
        if (!secret) {
                err_set(err, ERR_MEMORY, "no memory for file '%s'", path);
                goto out;
        }
        while (at <= max && (n = read(fd, sec_bytes(secret) + at, max + 1 - at)) > 0)
                at += (size_t)n;
        if (n < 0)
                err_set_errno(err, ERR_FILE, errno, "file '%s' cannot be read", path);
        else if (at > max)
                err_set(err, ERR_FILE, "file '%s' is larger than %zu bytes", path, max);
        if (n < 0 || at > max)
                sec_free(&secret);
        else
                sec_shrink(secret, at);
out:
        (void)close(fd);
        return secret;
}

static bool folder_sync(const char *path)
{
        char folder[4096];
        const char *slash = strrchr(path, '/');
        int fd, rc;

        (void)snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) + 1 : 1,
                       slash ? path : ".");
        fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return false;
        rc = fsync(fd);
        (void)close(fd);
        return rc == 0;
}

static bool bytes_write(int fd, struct slice bytes)
{
        while (bytes.n) {
                ssize_t n = write(fd, bytes.p, bytes.n);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return false;
                bytes = slice_of(bytes.p + n, bytes.n - (size_t)n);
        }
        return true;
}

bool file_write(const char *path, struct slice bytes, mode_t mode, struct err *err)
{
        char scratch[4096];
        int fd, saved;

        if (snprintf(scratch, sizeof(scratch), "%s.XXXXXX", path) >= (int)sizeof(scratch))
                return err_set(err, ERR_FILE, "path '%.200s...' is too long", path);
        fd = mkostemp(scratch, O_CLOEXEC);
        if (fd < 0)
                return err_set_errno(err, ERR_FILE, errno, "file '%s' cannot be written", path);
        if (fchmod(fd, mode) == 0 && bytes_write(fd, bytes) && fsync(fd) == 0 && rename(scratch, path) == 0 &&
            folder_sync(path)) {
                (void)close(fd);
                return true;
        }
        saved = errno;
        (void)close(fd);
        (void)unlink(scratch);
        return err_set_errno(err, ERR_FILE, saved, "file '%s' cannot be written", path);
}

bool file_make_dir(const char *path, mode_t mode, struct err *err)
{
        struct stat st;

        if (mkdir(path, mode) == 0)
                return true;
        if (errno != EEXIST)
                return err_set_errno(err, ERR_FILE, errno, "folder '%s' cannot be made", path);
        if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
                return err_set(err, ERR_FILE, "'%s' is not a folder", path);
        if (st.st_mode & 022 & ~mode)
                return err_set(err, ERR_FILE, "folder '%s' may be written by others: run chmod go-w on it",
                               path);
        return true;
}

bool file_exists(const char *path)
{
        return access(path, F_OK) == 0;
}

char *file_join(const char *folder, const char *name)
{
        char *path;
        size_t n = strlen(folder);

        return asprintf(&path, "%s%s%s", folder, n && folder[n - 1] == '/' ? "" : "/", name) < 0 ? NULL
                                                                                                 : path;
}
