/* What a node keeps of its store beside it: whose it was, and how many changes it had. */
#include "vault/ledger.h"
#include "vault/partition.h"
#include "vault/region.h"

#define SEEN_SIZE (VAULT_ID_SIZE + 8 + CRYPTO_HASH_SIZE)

uint64_t vault_changes(struct vault *v)
{
        return vault_ledger_changes(v);
}

static bool tag_of(struct vault *v, struct slice what, uint8_t tag[CRYPTO_HASH_SIZE], struct err *err)
{
        struct buf node = BUF_INIT;
        struct sec *key;
        bool ok;

        buf_put_u32(&node, v->config.node_number);
        key = buf_ok(&node) ? vault_derive(v, "seen", buf_slice(&node), err) : NULL;
        ok = key && crypto_hmac_sha256(v->deps.crypto, sec_slice(key), what, tag);
        sec_free(&key);
        buf_clear(&node);
        return ok;
}

bool vault_seen_put(struct vault *v, struct buf *out, struct err *err)
{
        uint8_t tag[CRYPTO_HASH_SIZE];
        size_t at = out->n;

        buf_put_slice(out, vault_partition_id(v));
        buf_put_u64(out, vault_changes(v));
        if (!buf_ok(out) || !tag_of(v, slice_of(out->p + at, out->n - at), tag, err))
                return false;
        buf_put(out, tag, sizeof(tag));
        return buf_ok(out);
}

bool vault_seen_check(struct vault *v, struct slice seen, struct err *err)
{
        uint8_t tag[CRYPTO_HASH_SIZE];
        struct reader in = reader_of(seen);
        struct slice id = reader_bytes(&in, VAULT_ID_SIZE);
        uint64_t changes = reader_u64(&in), now = vault_changes(v);
        struct slice has = reader_bytes(&in, CRYPTO_HASH_SIZE);

        if (!reader_end(&in) || seen.n != SEEN_SIZE)
                return err_set(err, ERR_STORE_DAMAGED, "the note of what the store held cannot be read");
        if (vault_region_role(v) != VAULT_PRIMARY)
                return true; /* filled from another region */
        if (!slice_equal(id, vault_partition_id(v)))
                return true; /* of the partition that was here before */
        if (!tag_of(v, slice_of(seen.p, VAULT_ID_SIZE + 8), tag, err))
                return false;
        if (!sec_equal(slice_of(tag, sizeof(tag)), has))
                return err_set(err, ERR_STORE_DAMAGED, "the note of what the store held was changed");
        return now >= changes ||
               err_set(err, ERR_STORE_DAMAGED,
                       "the store went back: it has %llu changes of the %llu that this node has seen; "
                       "somebody put an older "
                       "copy of it in its place. Put the newer one back; what is lost for good is an older "
                       "state: "
                       "restorePartition asks the owner, or start once with accept_edited_store = yes",
                       (unsigned long long)now, (unsigned long long)changes);
}
