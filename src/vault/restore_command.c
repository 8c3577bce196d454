/* Restores over the wire, into an unowned partition only: the file comes in parts; the plan says what it
 * would undo and what the owner has to sign; the commit takes his signature, and the backup's key from him.
 * docs/backup.md. */
#include "vault/backup.h"
#include "ck/cryptoki.h"
#include "crypto/mechanism.h"
#include "vault/partition.h"
#include "vault/spool.h"

#include <errno.h>
#include <unistd.h>

bool vault_open_restore(struct vault_call *call)
{
        Chsm__BackupResponse *r = arena_alloc(call->arena, sizeof(*r));
        int fd;
        uint64_t stream = r ? vault_spool_new(call, &fd) : 0;

        if (!stream)
                return call->err.id ? false : err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        vault_spool_done(call, stream, true);
        chsm__backup_response__init(r);
        r->stream = stream;
        call->response->backup = r;
        call->response->body_case = CHSM__RESPONSE__BODY_BACKUP;
        return true;
}

bool vault_write_restore(struct vault_call *call)
{
        const Chsm__WriteRestoreRequest *in = call->request->write_restore;
        int fd = vault_spool_take(call, in->stream);
        bool ok;

        if (fd < 0)
                return false;
        ok = (lseek(fd, (off_t)in->offset, SEEK_SET) == (off_t)in->offset ||
              err_set_errno(&call->err, ERR_FILE, errno, "the backup cannot be kept")) &&
             vault_backup_fd_write(fd, slice_of(in->data.data, in->data.len), &call->err);
        vault_spool_done(call, in->stream, ok);
        return ok && vault_call_done(call);
}

/* Both files as they were sent, and the statement on them. */
struct plan {
        int fd, newest_fd;
        struct vault_backup_header header, newest;
        struct buf statement;
};

static void plan_clear(struct vault_call *call, struct plan *p, uint64_t stream, uint64_t newest, bool keep)
{
        if (p->fd >= 0)
                vault_spool_done(call, stream, keep);
        if (p->newest_fd >= 0)
                vault_spool_done(call, newest, keep);
        vault_backup_header_clear(&p->header);
        vault_backup_header_clear(&p->newest);
        buf_clear(&p->statement);
}

static bool plan_make(struct vault_call *call, uint64_t stream, uint64_t newest, struct plan *p)
{
        struct vault *v = call->vault;

        *p = (struct plan){ .fd = -1, .newest_fd = -1, .statement = BUF_INIT };
        p->fd = vault_spool_take(call, stream);
        if (p->fd < 0 || !vault_backup_header_read(v->deps.crypto, p->fd, &p->header, &call->err))
                return false;
        if (p->header.manifest_only)
                return err_set(&call->err, ERR_BACKUP_FORMAT,
                               "a manifest holds nothing that can be restored");
        if (strcmp(p->header.node, v->config.node_name) != 0)
                return err_set(
                    &call->err, ERR_CONFIG,
                    "the backup is of node '%s', whose audit chains go on here, and this node is '%s': "
                    "set node_name = %s in its configuration and start it on an empty data folder",
                    p->header.node, v->config.node_name, p->header.node);
        if (newest) {
                p->newest_fd = vault_spool_take(call, newest);
                if (p->newest_fd < 0 ||
                    !vault_backup_header_read(v->deps.crypto, p->newest_fd, &p->newest, &call->err))
                        return err_prefix(&call->err, "the newest state");
        }
        return vault_restore_statement(v, &p->header, newest ? &p->newest : NULL, &p->statement, &call->err);
}

static bool copy(struct vault_call *call, const struct buf *from, ProtobufCBinaryData *to)
{
        struct slice s = arena_copy(call->arena, buf_slice(from));

        to->data = (uint8_t *)(uintptr_t)s.p;
        to->len = s.n;
        return s.p || err_set(&call->err, ERR_MEMORY, "no memory for the answer");
}

bool vault_plan_restore(struct vault_call *call)
{
        const Chsm__PlanRestoreRequest *in = call->request->plan_restore;
        Chsm__PlanRestoreResponse *r = arena_alloc(call->arena, sizeof(*r));
        struct buf pem = BUF_INIT;
        struct plan p;
        bool ok = plan_make(call, in->stream, in->newest, &p) && r;

        if (ok) {
                struct vault_backup_summary s;

                chsm__plan_restore_response__init(r);
                ok = vault_backup_read(call->vault->deps.crypto, p.fd, &p.header, NULL, NULL, NULL, &s,
                                       &call->err) &&
                     crypto_key_public_pem(vault_partition_key(call->vault), &pem, &call->err) &&
                     copy(call, &p.statement, &r->statement) && copy(call, &p.header.wrapped, &r->wrapped) &&
                     copy(call, &pem, &r->public_key);
                call->response->plan_restore = r;
                call->response->body_case = CHSM__RESPONSE__BODY_PLAN_RESTORE;
        }
        buf_clear(&pem);
        plan_clear(call, &p, in->stream, in->newest, ok);
        return ok || call->err.id ? ok : err_set(&call->err, ERR_MEMORY, "no memory for the answer");
}

/* The backup's key, which the owner encrypted to this partition. */
static struct sec *unlock(struct vault_call *call, struct slice encrypted)
{
        struct ck_mech_param oaep = { .kind = CK_PARAM_OAEP, .present = true };
        struct sec *key = sec_new(512);
        size_t n = 512;

        oaep.u.oaep.hash = CKM_SHA256;
        oaep.u.oaep.mgf = CKG_MGF1_SHA256;
        oaep.u.oaep.source = CKZ_DATA_SPECIFIED;
        if (key &&
            crypto_decrypt(call->vault->deps.crypto, crypto_mechanism_find(CKM_RSA_PKCS_OAEP), &oaep,
                           vault_partition_key(call->vault), encrypted, sec_bytes(key), &n, NULL) &&
            n == CRYPTO_KEY_SIZE) {
                sec_shrink(key, n);
                return key;
        }
        sec_free(&key);
        err_set(
            &call->err, ERR_BACKUP_KEY,
            "the backup's key was not encrypted to this partition's key; run the second command of the plan "
            "with the files it wrote");
        return NULL;
}

bool vault_commit_restore(struct vault_call *call)
{
        const Chsm__CommitRestoreRequest *in = call->request->commit_restore;
        struct crypto *crypto = call->vault->deps.crypto;
        struct crypto_key *owner = NULL;
        struct sec *key = NULL;
        struct plan p;
        bool ok = plan_make(call, in->stream, in->newest, &p) &&
                  (owner = vault_backup_cert_key(crypto, buf_slice(&p.header.owner), &call->err));

        if (ok && !vault_backup_verify(crypto, owner, buf_slice(&p.statement),
                                       slice_of(in->signature.data, in->signature.len)))
                ok = err_set(
                    &call->err, ERR_BACKUP_CONSENT,
                    "this is not the owner's signature over the restore of backup epoch %llu into this "
                    "partition with the newest state presented now",
                    (unsigned long long)p.header.epoch);
        ok = ok && (key = unlock(call, slice_of(in->unlock.data, in->unlock.len))) &&
             vault_restore_run(call, p.fd, &p.header, key);
        crypto_key_unref(&owner);
        sec_free(&key);
        plan_clear(call, &p, in->stream, in->newest, false);
        return ok && vault_call_done(call);
}
