/* Backups over the wire: one request makes it, others fetch its parts. */
#include "vault/backup.h"
#include "vault/key_use.h"
#include "vault/spool.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static bool reply(struct vault_call *call, uint64_t stream, const struct vault_backup_info *info)
{
        Chsm__BackupResponse *r = arena_alloc(call->arena, sizeof(*r));
        struct slice id = arena_copy(call->arena, slice_of(info->id, sizeof(info->id)));

        if (!r || !id.p)
                return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        chsm__backup_response__init(r);
        r->stream = stream;
        r->id.data = (uint8_t *)(uintptr_t)id.p;
        r->id.len = id.n;
        r->epoch = info->epoch;
        r->records = info->records;
        r->size = info->size;
        call->response->backup = r;
        call->response->body_case = CHSM__RESPONSE__BODY_BACKUP;
        return true;
}

bool vault_open_backup(struct vault_call *call)
{
        bool manifest_only = call->request->open_backup->manifest_only;
        struct vault_backup_info info = { .epoch = 0 };
        uint64_t stream;
        int fd;
        bool ok;

        if (call->login.role == VAULT_CU && !manifest_only)
                return err_set(&call->err, ERR_ROLE,
                               "a crypto user gets the manifest of a backup only; backups are an officer's");
        if (call->memo) /* of the run before a conflict */
                vault_spool_done(call, *(uint64_t *)call->memo, false);
        stream = vault_spool_new(call, &fd);
        call->memo = arena_alloc(call->arena, sizeof(stream));
        if (call->memo)
                *(uint64_t *)call->memo = stream;
        ok = stream && call->memo && vault_backup_write(call, fd, manifest_only, &info) &&
             reply(call, stream, &info);
        vault_spool_done(call, stream, ok);
        return ok || call->err.id ? ok : err_set(&call->err, ERR_MEMORY, "no memory for a backup");
}

bool vault_read_backup(struct vault_call *call)
{
        const Chsm__ReadBackupRequest *in = call->request->read_backup;
        uint8_t *data = arena_alloc(call->arena, VAULT_BACKUP_PART_MAX);
        int fd = data ? vault_spool_take(call, in->stream) : -1;
        struct stat st;
        ssize_t n = -1;

        if (fd < 0)
                return call->err.id ? false
                                    : err_set(&call->err, ERR_MEMORY, "no memory for a backup's part");
        if (fstat(fd, &st) == 0 && in->offset <= (uint64_t)st.st_size)
                n = pread(fd, data, VAULT_BACKUP_PART_MAX, (off_t)in->offset);
        vault_spool_done(call, in->stream, n > 0);
        if (n < 0)
                return err_set(&call->err, ERR_ARGUMENT, "the backup has no byte %llu",
                               (unsigned long long)in->offset);
        return vault_use_reply(call, slice_of(data, (size_t)n), NULL, 0);
}
