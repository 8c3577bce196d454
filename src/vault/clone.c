#include "vault/clone.h"
#include "crypto/identity.h"
#include "vault/partition.h"
#include "vault/setting.h"

bool vault_clone_sign(struct vault *v, struct slice data, struct buf *signature, struct err *err)
{
        return crypto_partition_sign(v->deps.crypto, vault_partition_key(v), data, signature, err);
}

bool vault_clone_certificates(struct vault *v, struct buf *owner, struct buf *poac, struct err *err)
{
        return (vault_partition_cert(v, VAULT_CERT_OWNER, owner, NULL) &&
                vault_partition_cert(v, VAULT_CERT_POAC, poac, NULL)) ||
               err_set(err, ERR_CERT_ABSENT, "the partition has no owner yet");
}

bool vault_clone_owner_signed(struct vault *v, struct slice data, struct slice signature, struct err *err)
{
        struct buf owner = BUF_INIT;
        bool ok = vault_partition_cert(v, VAULT_CERT_OWNER, &owner, NULL) &&
                  crypto_owner_signed(v->deps.crypto, buf_slice(&owner), data, signature);

        buf_clear(&owner);
        return ok || err_set(err, ERR_CERT_INVALID, "the signature is not the owner's (PO.key)");
}

bool vault_clone_needs_owner(struct vault *v, struct store_guard *holds)
{
        /* The revision first: settings that are newer than it fail the guard, never the other way round. */
        store_rev rev = atomic_load_explicit(&v->settings_rev, memory_order_acquire);

        *holds = (struct store_guard){ rev ? STORE_REV_IS : STORE_ABSENT, SLICE_LIT("s/policy"), rev };
        return vault_settings_now(v).value[VAULT_SET_JOIN_REQUIRES_OWNER] != 0;
}

bool vault_clone_partition_id(struct slice record, struct slice *id)
{
        /* Version, state, id: record.c, vault_partition_record_encode. */
        struct reader in = reader_of(record);

        (void)reader_u8(&in);
        (void)reader_u8(&in);
        *id = reader_bytes(&in, VAULT_ID_SIZE);
        return reader_ok(&in);
}
