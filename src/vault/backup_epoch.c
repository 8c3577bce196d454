/* The count of backups of this partition: each one and each manifest has the next number. */
#include "vault/backup.h"
#include "vault/partition.h"

uint64_t vault_backup_epoch(struct vault *v, store_rev *rev)
{
        /* The revision first: an epoch that is newer than it fails the guard, never the other way round. */
        *rev = atomic_load_explicit(&v->backup_rev, memory_order_acquire);
        return atomic_load_explicit(&v->backup_epoch, memory_order_acquire);
}

bool vault_backup_epoch_put(struct vault_call *call, uint64_t epoch, store_rev rev)
{
        struct slice key = vault_call_key(call, "b/e", SLICE_EMPTY);
        struct buf body = BUF_INIT;
        bool ok;

        buf_put_u64(&body, epoch);
        ok = vault_call_guard(call, rev ? STORE_REV_IS : STORE_ABSENT, key, rev) &&
             vault_record_put(call, key, &body);
        buf_clear(&body);
        return ok;
}

bool vault_backup_epoch_apply(struct vault *v, const struct store_event *e, struct err *err)
{
        struct slice body;
        struct reader in;
        uint64_t epoch;

        if (e->deleted || !vault_record_read(v, e->key, e->value, &body, err))
                return err_set(err, ERR_STORE_DAMAGED, "the count of backups is gone or misnamed");
        in = reader_of(body);
        epoch = reader_u64(&in);
        if (!reader_end(&in))
                return err_set(err, ERR_STORE_DAMAGED, "the count of backups cannot be read");
        atomic_store_explicit(&v->backup_epoch, epoch, memory_order_release);
        atomic_store_explicit(&v->backup_rev, e->rev, memory_order_release);
        return true;
}
