/* The form of masked objects. */
#include "vault/mask.h"
#include "vault/partition.h"
#include "vault/users.h"

#define MAGIC   SLICE_LIT("chsmmask")
#define SALT    16
#define PURPOSE "mask"

bool vault_mask_seal(struct vault *v, enum vault_mask_kind kind, struct slice plain, struct buf *out,
                     struct err *err)
{
        struct buf sealed = BUF_INIT;
        uint8_t salt[SALT];
        struct sec *key = NULL;
        size_t start = out->n;
        bool ok = crypto_random(v->deps.crypto, salt, sizeof(salt), err) &&
                  (key = vault_derive(v, PURPOSE, slice_of(salt, sizeof(salt)), err));

        buf_put_slice(out, MAGIC);
        buf_put_u16(out, VAULT_MASK_VERSION);
        buf_put_u8(out, (uint8_t)kind);
        buf_put_slice(out, vault_partition_id(v));
        buf_put(out, salt, sizeof(salt));
        buf_put_u64(out, (uint64_t)clock_wall_ms(&v->deps.clock));
        buf_put_u32(out, (uint32_t)(plain.n + CRYPTO_SEAL_EXTRA));
        if (ok && buf_ok(out))
                ok = crypto_seal(v->deps.crypto, sec_slice(key), slice_of(out->p + start, out->n - start),
                                 plain, &sealed, err);
        buf_put_slice(out, buf_slice(&sealed));
        ok = ok && buf_ok(&sealed) && buf_ok(out);
        buf_clear(&sealed);
        sec_free(&key);
        return ok || (!err->id && err_set(err, ERR_MEMORY, "no memory for a masked object"));
}

bool vault_mask_read_header(struct slice masked, enum vault_mask_kind *kind, struct slice *partition_id,
                            struct slice *salt, struct slice *sealed, struct err *err)
{
        struct reader in = reader_of(masked);
        struct slice magic = reader_bytes(&in, MAGIC.n);
        uint16_t version = reader_u16(&in);
        uint32_t n;

        if (!reader_ok(&in) || !slice_equal(magic, MAGIC))
                return err_set(err, ERR_MASK_FORMAT, "the file is no masked object");
        if (version != VAULT_MASK_VERSION)
                return err_set(err, ERR_MASK_FORMAT,
                               "the masked object is of version %u; this node reads version %u", version,
                               VAULT_MASK_VERSION);
        *kind = (enum vault_mask_kind)reader_u8(&in);
        *partition_id = reader_bytes(&in, VAULT_ID_SIZE);
        *salt = reader_bytes(&in, SALT);
        (void)reader_u64(&in);
        n = reader_u32(&in);
        if (!reader_ok(&in) || n < CRYPTO_SEAL_EXTRA || in.rest.n < n)
                return err_set(err, ERR_MASK_LENGTH, "the masked object is cut off after %zu bytes",
                               masked.n);
        if (in.rest.n > n)
                return err_set(err, ERR_MASK_LENGTH,
                               "the masked object is followed by %zu bytes that are "
                               "not its own",
                               in.rest.n - n);
        if (*kind != VAULT_MASK_KEY && *kind != VAULT_MASK_USER)
                return err_set(err, ERR_MASK_FORMAT, "the masked object is neither a key nor a user");
        *sealed = in.rest;
        return true;
}

struct sec *vault_mask_open(struct vault *v, struct slice masked, enum vault_mask_kind *kind, struct err *err)
{
        struct slice id, salt, sealed;
        struct sec *key, *plain;

        if (!vault_mask_read_header(masked, kind, &id, &salt, &sealed, err))
                return NULL;
        if (!slice_equal(id, vault_partition_id(v))) {
                err_set(err, ERR_MASK_FOREIGN,
                        "the object was masked by partition %02x%02x%02x%02x..., which is not this one "
                        "nor the source of a backup restored here",
                        id.p[0], id.p[1], id.p[2], id.p[3]);
                return NULL;
        }
        key = vault_derive(v, PURPOSE, salt, err);
        if (!key)
                return NULL;
        plain =
            crypto_open(v->deps.crypto, sec_slice(key), slice_of(masked.p, VAULT_MASK_HEADER), sealed, NULL);
        sec_free(&key);
        if (!plain)
                err_set(err, ERR_MASK_ALTERED, "the masked object was altered; nothing was inserted");
        return plain;
}

struct sec *vault_masked_key_encode(const struct vault_masked_key *k)
{
        struct buf open = BUF_INIT;
        struct sec *out = NULL;

        buf_put_u32(&open, k->handle);
        buf_put_u32(&open, k->life);
        buf_put_block(&open, k->owner);
        buf_put_u32(&open, (uint32_t)k->sharers);
        for (size_t i = 0; i < k->sharers; i++)
                buf_put_block(&open, k->sharer[i]);
        buf_put_u32(&open, (uint32_t)k->body.n);
        if (buf_ok(&open))
                out = sec_new(open.n + k->body.n);
        if (out) {
                memcpy(sec_bytes(out), open.p, open.n);
                memcpy(sec_bytes(out) + open.n, k->body.p, k->body.n);
        }
        buf_clear(&open);
        return out;
}

bool vault_masked_key_decode(struct slice plain, struct vault_masked_key *k)
{
        struct reader in = reader_of(plain);
        uint32_t n;

        k->handle = reader_u32(&in);
        k->life = reader_u32(&in);
        k->owner = reader_block(&in, VAULT_NAME_MAX);
        n = reader_u32(&in);
        if (n > VAULT_SHARED_MAX)
                return false;
        for (k->sharers = 0; k->sharers < n; k->sharers++)
                k->sharer[k->sharers] = reader_block(&in, VAULT_NAME_MAX);
        k->body = reader_block(&in, STORE_VALUE_MAX);
        return reader_end(&in) && k->owner.n && k->body.n;
}
