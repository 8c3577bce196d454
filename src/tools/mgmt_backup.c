/* chsm-mgmt: backups of the partition, and their restore with the owner's consent. docs/backup.md. */
#include "base/file.h"
#include "base/text.h"
#include "tools/mgmt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART ((size_t)256 * 1024)

static bool write_all(int fd, const uint8_t *p, size_t n)
{
        while (n) {
                ssize_t k = write(fd, p, n);
                if (k < 0 && errno == EINTR)
                        continue;
                if (k <= 0)
                        return false;
                p += k;
                n -= (size_t)k;
        }
        return true;
}

/* ---- backup ---- */

/* The parts of the stream, one after the other. */
static uint32_t fetch(struct shell *sh, struct mgmt_server *s, uint64_t stream, uint64_t size, int fd,
                      const char *path)
{
        uint64_t offset = 0;
        bool more = true;
        uint32_t rv = 0;

        while (rv == 0 && more) {
                Chsm__Request request = CHSM__REQUEST__INIT;
                Chsm__ReadBackupRequest body = CHSM__READ_BACKUP_REQUEST__INIT;
                struct chsm_answer answer = CHSM_ANSWER_INIT;

                body.stream = stream;
                body.offset = offset;
                request.read_backup = &body;
                request.body_case = CHSM__REQUEST__BODY_READ_BACKUP;
                rv = chsm_call(s->chsm, &request, &answer, &sh->err);
                if (rv == 0) {
                        const ProtobufCBinaryData *data = &answer.response->data->data;

                        more = data->len > 0;
                        offset += data->len;
                        shell_progress(sh, "backup, KiB", offset / 1024, size / 1024);
                        if (!write_all(fd, data->data, data->len))
                                rv = shell_fail(sh, ERR_FILE, "'%s' cannot be written: %s", path,
                                                strerror(errno));
                }
                chsm_answer_clear(&answer);
        }
        if (rv == 0 && offset != size)
                rv = shell_fail(sh, ERR_BACKUP_FORMAT, "%llu of %llu bytes came", (unsigned long long)offset,
                                (unsigned long long)size);
        if (rv == 0 && fsync(fd) != 0)
                rv = shell_fail(sh, ERR_FILE, "'%s' cannot be written: %s", path, strerror(errno));
        return rv;
}

/* Under its name only when it is whole. */
static uint32_t fetch_file(struct shell *sh, struct mgmt_server *s, uint64_t stream, uint64_t size,
                           const char *path)
{
        size_t n = strlen(path) + sizeof(".part");
        char *part = malloc(n);
        int fd = -1;
        uint32_t rv;

        if (!part)
                return shell_fail(sh, ERR_MEMORY, "no memory for a name");
        (void)snprintf(part, n, "%s.part", path);
        fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        rv = fd < 0 ? shell_fail(sh, ERR_FILE, "'%s' cannot be made: %s", part, strerror(errno))
                    : fetch(sh, s, stream, size, fd, part);
        if (fd >= 0)
                (void)close(fd);
        if (rv == 0 && rename(part, path) != 0)
                rv = shell_fail(sh, ERR_FILE, "'%s' cannot be named: %s", path, strerror(errno));
        if (rv && fd >= 0)
                (void)unlink(part);
        free(part);
        return rv;
}

static uint32_t take(struct shell *sh, const char *path, bool manifest_only, const char *name)
{
        struct mgmt_server *s = mgmt_scoped(sh);
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__OpenBackupRequest body = CHSM__OPEN_BACKUP_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        if (!s)
                return err_ckr(&sh->err);
        body.manifest_only = manifest_only;
        request.open_backup = &body;
        request.body_case = CHSM__REQUEST__BODY_OPEN_BACKUP;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        if (rv == 0) {
                const Chsm__BackupResponse *r = answer.response->backup;

                rv = fetch_file(sh, s, r->stream, r->size, path);
                if (rv == 0) {
                        shell_say(sh, "epoch %llu, %llu records, %llu bytes written to file \"%s\"\n",
                                  (unsigned long long)r->epoch, (unsigned long long)r->records,
                                  (unsigned long long)r->size, path);
                        shell_say(sh, "%s success\n", name);
                        shell_set(sh, "epoch", json_integer((json_int_t)r->epoch));
                        shell_set(sh, "records", json_integer((json_int_t)r->records));
                        shell_set(sh, "size", json_integer((json_int_t)r->size));
                        shell_set(sh, "file", json_string(path));
                }
        }
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t backup(struct shell *sh, int argc, char **argv)
{
        (void)argc;
        return take(sh, argv[1], false, "backupPartition");
}

static uint32_t manifest(struct shell *sh, int argc, char **argv)
{
        (void)argc;
        return take(sh, argv[1], true, "backupManifest");
}

/* ---- restore ---- */

static uint32_t send_part(struct shell *sh, struct mgmt_server *s, uint64_t stream, uint64_t offset,
                          uint8_t *data, size_t n)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__WriteRestoreRequest body = CHSM__WRITE_RESTORE_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        body.stream = stream;
        body.offset = offset;
        body.data = (ProtobufCBinaryData){ n, data };
        request.write_restore = &body;
        request.body_case = CHSM__REQUEST__BODY_WRITE_RESTORE;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t send_file(struct shell *sh, struct mgmt_server *s, const char *path, uint64_t *stream)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__OpenRestoreRequest body = CHSM__OPEN_RESTORE_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        uint8_t *piece = malloc(PART);
        uint64_t offset = 0, size;
        struct stat st;
        ssize_t n = 0;
        uint32_t rv;

        size = fd >= 0 && fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
        if (fd < 0 || !piece) {
                rv = shell_fail(sh, ERR_FILE, "'%s' cannot be opened: %s", path, strerror(errno));
        } else {
                request.open_restore = &body;
                request.body_case = CHSM__REQUEST__BODY_OPEN_RESTORE;
                rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        }
        if (rv == 0)
                *stream = answer.response->backup->stream;
        chsm_answer_clear(&answer);
        while (rv == 0 && (n = read(fd, piece, PART)) > 0) {
                rv = send_part(sh, s, *stream, offset, piece, (size_t)n);
                offset += (uint64_t)n;
                shell_progress(sh, "sent, KiB", offset / 1024, size / 1024);
        }
        if (rv == 0 && n < 0)
                rv = shell_fail(sh, ERR_FILE, "'%s' cannot be read: %s", path, strerror(errno));
        if (fd >= 0)
                (void)close(fd);
        free(piece);
        return rv;
}

/* PREFIX with an ending; valid until the next call. */
static const char *named(const char *prefix, const char *ending)
{
        static char name[4096];

        (void)snprintf(name, sizeof(name), "%s%s", prefix, ending);
        return name;
}

static uint32_t write_file(struct shell *sh, const char *path, const ProtobufCBinaryData *data)
{
        return file_write(path, slice_of(data->data, data->len), 0600, &sh->err) ? 0 : err_ckr(&sh->err);
}

static uint32_t plan(struct shell *sh, struct mgmt_server *s, uint64_t stream, uint64_t newest,
                     const char *prefix)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__PlanRestoreRequest body = CHSM__PLAN_RESTORE_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        body.stream = stream;
        body.newest = newest;
        request.plan_restore = &body;
        request.body_case = CHSM__REQUEST__BODY_PLAN_RESTORE;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        if (rv == 0) {
                const Chsm__PlanRestoreResponse *r = answer.response->plan_restore;

                shell_say(sh, "%.*s", (int)r->statement.len, (const char *)r->statement.data);
                shell_set(sh, "statement", json_stringn((const char *)r->statement.data, r->statement.len));
                rv = write_file(sh, named(prefix, ".txt"), &r->statement);
                rv = rv ? rv : write_file(sh, named(prefix, ".key"), &r->wrapped);
                rv = rv ? rv : write_file(sh, named(prefix, ".pem"), &r->public_key);
        }
        if (rv == 0) {
                shell_say(
                    sh,
                    "\nNothing is restored yet. The owner reads %s.txt and, when he agrees, runs where "
                    "PO.key is:\n"
                    "  openssl dgst -sha256 -sign PO.key -out %s.sig %s.txt\n"
                    "  openssl pkeyutl -decrypt -inkey PO.key -in %s.key -pkeyopt rsa_padding_mode:oaep "
                    "-pkeyopt rsa_oaep_md:sha256 |\n"
                    "    openssl pkeyutl -encrypt -pubin -inkey %s.pem -out %s.unlock -pkeyopt "
                    "rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256\n"
                    "Then give the same command again.\nrestorePartition is planned\n",
                    prefix, prefix, prefix, prefix, prefix, prefix);
                shell_set(sh, "restored", json_false());
        }
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t commit(struct shell *sh, struct mgmt_server *s, uint64_t stream, uint64_t newest,
                       const char *prefix)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__CommitRestoreRequest body = CHSM__COMMIT_RESTORE_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct buf signature = BUF_INIT, unlock = BUF_INIT;
        uint32_t rv = 0;

        if (!file_read(named(prefix, ".sig"), 1024, &signature, &sh->err) ||
            !file_read(named(prefix, ".unlock"), 1024, &unlock, &sh->err))
                rv = err_ckr(&sh->err);
        if (rv == 0) {
                body.stream = stream;
                body.newest = newest;
                body.signature = (ProtobufCBinaryData){ signature.n, signature.p };
                body.unlock = (ProtobufCBinaryData){ unlock.n, unlock.p };
                request.commit_restore = &body;
                request.body_case = CHSM__REQUEST__BODY_COMMIT_RESTORE;
                rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        }
        if (rv == 0) {
                shell_say(sh, "The node starts anew with the restored partition; connect again.\n"
                              "restorePartition success\n");
                shell_set(sh, "restored", json_true());
        }
        buf_clear(&signature);
        buf_clear(&unlock);
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t restore(struct shell *sh, int argc, char **argv)
{
        struct mgmt_server *s = mgmt_scoped(sh);
        uint64_t stream = 0, newest = 0;
        bool answered = file_exists(named(argv[2], ".sig"));
        uint32_t rv;

        if (!s)
                return err_ckr(&sh->err);
        rv = send_file(sh, s, argv[1], &stream);
        if (rv == 0 && argc > 3)
                rv = send_file(sh, s, argv[3], &newest);
        if (rv == 0)
                rv = answered ? commit(sh, s, stream, newest, argv[2]) : plan(sh, s, stream, newest, argv[2]);
        return rv;
}

const struct shell_command mgmt_backup_rows[] = {
        { "backupPartition", "FILE", "write a backup of the partition that only its owner can restore", 1, 1,
          false, backup, "backupPartition hsm1.backup", SHELL_ONE_SERVER },
        { "backupManifest", "FILE", "write the signed state of the partition, to compare older backups with",
          1, 1, false, manifest, "backupManifest hsm1.manifest", SHELL_ONE_SERVER },
        { "restorePartition", "FILE PREFIX [NEWEST]",
          "restore a backup into an unowned partition; without PREFIX.sig, tell what the owner has to sign",
          2, 3, true, restore, "restorePartition hsm1.backup /tmp/restore hsm1.manifest", SHELL_ONE_SERVER },
        { 0 },
};
