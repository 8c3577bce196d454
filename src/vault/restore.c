/* A backup becomes the partition of this node: filled in beside the present store, opened to see that it
 * works, and only then handed over in one step. */
#include "vault/backup.h"
#include "base/log.h"
#include "vault/commit.h"
#include "vault/history.h"
#include "vault/partition.h"

#include <stdlib.h>
#include <time.h>

#define BATCH_OPS   STORE_OPS_MAX
#define BATCH_BYTES ((size_t)512 * 1024)
#define TIMEOUT_MS  60000

static void put_hex(struct buf *out, const char *what, const uint8_t *p, size_t n)
{
        buf_put_text(out, what);
        buf_put_hex(out, slice_of(p, n));
        buf_put_text(out, "\n");
}

static void put_time(struct buf *out, int64_t ms)
{
        time_t seconds = (time_t)(ms / 1000);
        char text[32] = "?";
        struct tm tm;

        if (gmtime_r(&seconds, &tm))
                (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
        buf_put_text(out, text);
}

static bool newest_fits(const struct vault_backup_header *h, const struct vault_backup_header *newest,
                        struct err *err)
{
        if (memcmp(h->partition, newest->partition, sizeof(h->partition)) != 0 ||
            !slice_equal(buf_slice(&h->owner), buf_slice(&newest->owner)))
                return err_set(err, ERR_ARGUMENT,
                               "what is presented as the newest state is of another partition or owner");
        return newest->epoch >= h->epoch ||
               err_set(err, ERR_ARGUMENT,
                       "what is presented as the newest state has epoch %llu, the "
                       "backup has %llu: present something newer, or nothing",
                       (unsigned long long)newest->epoch, (unsigned long long)h->epoch);
}

bool vault_restore_statement(struct vault *v, const struct vault_backup_header *h,
                             const struct vault_backup_header *newest, struct buf *out, struct err *err)
{
        struct buf lines = BUF_INIT;
        uint8_t owner[32];
        bool ok;

        if (newest && !newest_fits(h, newest, err))
                return false;
        ok = crypto_sha256(v->deps.crypto, buf_slice(&h->owner), owner);
        buf_put_text(out, "chsm: the owner's consent to the restore of a backup, version 1\n");
        put_hex(out, "backup: ", h->id, sizeof(h->id));
        buf_printf(out, "epoch: %llu\nmade: ", (unsigned long long)h->epoch);
        put_time(out, h->time_ms);
        buf_printf(out, " by node %s\n", h->node);
        put_hex(out, "partition: ", h->partition, sizeof(h->partition));
        put_hex(out, "owner (SHA-256 of PO.crt): ", owner, sizeof(owner));
        put_hex(out, "header: ", h->hash, sizeof(h->hash));
        put_hex(out, "into the unowned partition: ", vault_partition_id(v).p, VAULT_ID_SIZE);
        if (newest) {
                buf_printf(out, "newest state presented: epoch %llu of ", (unsigned long long)newest->epoch);
                put_time(out, newest->time_ms);
                buf_put_text(out, "\n");
                put_hex(out, "its header: ", newest->hash, sizeof(newest->hash));
                vault_manifest_compare(&h->manifest, &newest->manifest, &lines);
                buf_put_text(out, lines.n ? "the restore undoes:\n" : "the restore undoes nothing of that\n");
                buf_put_slice(out, buf_slice(&lines));
        } else {
                buf_put_text(out,
                             "newest state presented: none\nthe restore undoes everything that was changed "
                             "later, whatever that is\n");
        }
        ok = ok && buf_ok(out) && buf_ok(&lines);
        buf_clear(&lines);
        return ok || err_set(err, ERR_MEMORY, "no memory for the statement of a restore");
}

/* ---- filling the stage ---- */

struct filling {
        struct store *stage;
        struct buf bytes; /* keys and values of ops, one after the other */
        struct {
                size_t key, key_n, value_n;
        } ops[BATCH_OPS];
        size_t n;
        struct err *err;
};

static bool flush(struct filling *f)
{
        struct store_op ops[BATCH_OPS];
        struct store_result result;

        if (!buf_ok(&f->bytes))
                return err_set(f->err, ERR_MEMORY, "no memory for a restore");
        for (size_t i = 0; i < f->n; i++) {
                const uint8_t *p = f->bytes.p + f->ops[i].key;

                ops[i] = (struct store_op){ STORE_PUT, slice_of(p, f->ops[i].key_n),
                                            slice_of(p + f->ops[i].key_n, f->ops[i].value_n) };
        }
        if (f->n && store_txn(f->stage, NULL, 0, ops, f->n, TIMEOUT_MS, &result, f->err) != STORE_OK)
                return !f->err->id && err_set(f->err, ERR_STORE, "the restore cannot be written");
        f->n = 0;
        buf_reset(&f->bytes);
        return true;
}

/* In backups of before these were left out of them: nodes say anew who they are, and join anew. */
static bool is_of_nodes(struct slice key)
{
        return key.n > 2 && (key.p[0] == 'n' || key.p[0] == 'j') && key.p[1] == '/';
}

static bool visit(void *arg, struct slice key, struct slice value)
{
        struct filling *f = arg;

        if (is_of_nodes(key))
                return true;

        if ((f->n == BATCH_OPS || f->bytes.n + key.n + value.n > BATCH_BYTES) && !flush(f))
                return false;
        f->ops[f->n].key = f->bytes.n;
        f->ops[f->n].key_n = key.n;
        f->ops[f->n].value_n = value.n;
        f->n++;
        buf_put_slice(&f->bytes, key);
        buf_put_slice(&f->bytes, value);
        return true;
}

static bool put_master(struct vault *v, struct filling *f, const struct sec *master)
{
        struct buf key = BUF_INIT, sealed = BUF_INIT;
        bool ok;

        buf_put_text(&key, "p/pmk/");
        buf_put_u32(&key, v->config.node_number);
        ok = buf_ok(&key) && v->deps.sealer.seal(v->deps.sealer.arg, sec_slice(master), &sealed, f->err) &&
             buf_ok(&sealed) && visit(f, buf_slice(&key), buf_slice(&sealed)) && flush(f);
        buf_clear(&key);
        buf_clear(&sealed);
        return ok;
}

/* What the restored partition has to begin with: an epoch after the backup's, tickets of before that open no
 * more, and the record of how it came about. */
static bool put_beginning(struct vault *restored, const struct vault_backup_header *h, struct err *err)
{
        static const struct vault_peer peer = { .address = "restore" };
        struct vault_call call = { .vault = restored, .peer = &peer };
        struct audit_record record = { .time_ms = clock_wall_ms(&restored->deps.clock),
                                       .operation = "CN_RESTORE",
                                       .opcode = 0x17f,
                                       .peer = peer.address };
        struct buf fresh = BUF_INIT;
        uint8_t *p = buf_extend(&fresh, 16);
        bool ok;

        call.arena = arena_new(64 * 1024, 1024 * 1024);
        ok = call.arena && p && crypto_random(restored->deps.crypto, p, 16, err) &&
             vault_backup_epoch_put(&call, h->epoch, 0) &&
             vault_record_put(&call, vault_call_key(&call, "p/tickets", SLICE_EMPTY), &fresh) &&
             vault_history_begin(&call);
        if (ok)
                record.subject = arena_printf(call.arena, "epoch %llu", (unsigned long long)h->epoch);
        ok = ok && vault_lane_commit(&call, &record, TIMEOUT_MS, err) == STORE_OK;
        if (!ok && !err->id)
                err_set(err, call.err.id ? call.err.id : ERR_STORE, "the restore's record cannot be written");
        buf_clear(&fresh);
        arena_free(&call.arena);
        return ok;
}

/* The stage opened as a vault: every record is the partition's, and it is the one the backup named. */
static bool try_out(struct vault *v, struct store *stage, const struct vault_backup_header *h,
                    struct err *err)
{
        struct vault_deps deps = v->deps;
        struct vault *restored;
        bool ok;

        deps.store = stage;
        deps.audit = NULL;
        deps.config = v->config;
        deps.config.rebase = true; /* a backup leaves records out */
        deps.host = (struct vault_host){ .arg = NULL };
        restored = vault_open(&deps, err);
        if (!restored)
                return err_prefix(err, "the restored partition does not open");
        ok = (slice_equal(vault_partition_id(restored), slice_of(h->partition, sizeof(h->partition))) &&
              vault_state(restored) == VAULT_ACTIVATED) ||
             err_set(err, ERR_BACKUP_ALTERED, "the backup holds another partition than its header says");
        ok = ok && put_beginning(restored, h, err);
        vault_close(&restored);
        return ok;
}

/* In the place of the present partition, which must still have no owner. */
static bool take_place(struct vault_call *call, struct store **stage)
{
        const struct vault_host *host = &call->vault->deps.host;
        size_t guards = call->guard_count;
        bool ok = vault_partition_guard_state(call) &&
                  host->adopt(host->arg, stage, &call->guards[guards], &call->err);

        call->guard_count = guards;
        return ok;
}

bool vault_restore_run(struct vault_call *call, int fd, const struct vault_backup_header *h,
                       const struct sec *key)
{
        struct vault *v = call->vault;
        struct vault_backup_summary s = { .master = NULL };
        struct filling f = { .bytes = BUF_INIT, .err = &call->err };
        bool ok = vault_backup_read(v->deps.crypto, fd, h, key, NULL, NULL, &s, &call->err);

        sec_free(&s.master);
        if (ok)
                f.stage = v->deps.host.stage(v->deps.host.arg, &call->err);
        ok = ok && f.stage && vault_backup_read(v->deps.crypto, fd, h, key, visit, &f, &s, &call->err) &&
             put_master(v, &f, s.master) && try_out(v, f.stage, h, &call->err);
        sec_free(&s.master);
        buf_clear(&f.bytes);
        if (!ok) {
                store_close(&f.stage);
                return false;
        }
        if (!take_place(call, &f.stage)) {
                store_close(&f.stage);
                return false;
        }
        log_info("backup of epoch %llu is restored: %llu records; the node starts anew",
                 (unsigned long long)h->epoch, (unsigned long long)s.records);
        return true;
}
