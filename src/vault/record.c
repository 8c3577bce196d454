#include "vault/partition.h"

#define RECORD_VERSION 1

/* What binds a record to its place: no other partition, no other key of the store. */
static void put_place(struct vault *v, struct slice store_key, struct buf *out)
{
        buf_put_slice(out, vault_partition_id(v));
        buf_put_block(out, store_key);
}

static bool record_tag(struct vault *v, struct slice store_key, struct slice covered, uint8_t tag[32])
{
        struct buf data = BUF_INIT;
        bool ok;

        put_place(v, store_key, &data);
        buf_put_slice(&data, covered);
        ok = buf_ok(&data) && crypto_mac_of(vault_record_mac(v), buf_slice(&data), tag);
        buf_clear(&data);
        return ok;
}

static bool damaged(struct slice store_key, struct err *err)
{
        struct buf name = BUF_INIT;
        const char *text;

        for (size_t i = 0; i < store_key.n; i++) {
                if (store_key.p[i] > ' ' && store_key.p[i] < 0x7f)
                        buf_put_u8(&name, store_key.p[i]);
                else
                        buf_printf(&name, "\\%02x", store_key.p[i]);
        }
        text = buf_text(&name);
        err_set(err, ERR_STORE_DAMAGED,
                "record '%s' in the store is not what this partition wrote; restore from a backup",
                text ? text : "?");
        buf_clear(&name);
        return false;
}

bool vault_record_write(struct vault *v, struct slice store_key, struct slice body, struct buf *out)
{
        uint8_t tag[VAULT_RECORD_TAG];
        size_t start = out->n;

        buf_put_u8(out, RECORD_VERSION);
        buf_put_slice(out, body);
        if (!buf_ok(out) || !record_tag(v, store_key, slice_of(out->p + start, out->n - start), tag))
                return false;
        buf_put(out, tag, sizeof(tag));
        return buf_ok(out);
}

bool vault_record_read(struct vault *v, struct slice store_key, struct slice value, struct slice *body,
                       struct err *err)
{
        uint8_t tag[VAULT_RECORD_TAG];
        size_t covered;

        if (value.n < 1 + VAULT_RECORD_TAG || value.p[0] != RECORD_VERSION)
                return damaged(store_key, err);
        covered = value.n - VAULT_RECORD_TAG;
        if (!record_tag(v, store_key, slice_of(value.p, covered), tag) ||
            !sec_equal(slice_of(tag, sizeof(tag)), slice_of(value.p + covered, VAULT_RECORD_TAG)))
                return damaged(store_key, err);
        *body = slice_of(value.p + 1, covered - 1);
        return true;
}

bool vault_record_seal(struct vault *v, struct slice store_key, struct slice plain, struct buf *out,
                       struct err *err)
{
        struct buf place = BUF_INIT;
        bool ok;

        put_place(v, store_key, &place);
        buf_put_u8(out, RECORD_VERSION);
        ok = buf_ok(&place) && buf_ok(out)
                 ? crypto_seal(v->deps.crypto, vault_record_seal_key(v), buf_slice(&place), plain, out, err)
                 : err_set(err, ERR_MEMORY, "no memory for a record");
        buf_clear(&place);
        return ok;
}

struct sec *vault_record_open(struct vault *v, struct slice store_key, struct slice value, struct err *err)
{
        struct buf place = BUF_INIT;
        struct sec *plain = NULL;

        put_place(v, store_key, &place);
        if (buf_ok(&place) && value.n > 1 + CRYPTO_SEAL_EXTRA && value.p[0] == RECORD_VERSION)
                plain = crypto_open(v->deps.crypto, vault_record_seal_key(v), buf_slice(&place),
                                    slice_of(value.p + 1, value.n - 1), NULL);
        if (!plain)
                damaged(store_key, err);
        buf_clear(&place);
        return plain;
}

bool vault_record_put(struct vault_call *call, struct slice store_key, const struct buf *body)
{
        struct buf out = BUF_INIT;
        bool ok = buf_ok(body) && vault_record_write(call->vault, store_key, buf_slice(body), &out);

        ok = ok ? vault_call_put(call, store_key, arena_copy(call->arena, buf_slice(&out)))
                : err_set(&call->err, ERR_MEMORY, "no memory for a record");
        buf_clear(&out);
        return ok;
}

bool vault_record_put_sealed(struct vault_call *call, struct slice store_key, const struct buf *body)
{
        struct buf out = BUF_INIT;
        bool ok = buf_ok(body) ? vault_record_seal(call->vault, store_key, buf_slice(body), &out, &call->err)
                               : err_set(&call->err, ERR_MEMORY, "no memory for a record");

        ok = ok && vault_call_put(call, store_key, arena_copy(call->arena, buf_slice(&out)));
        buf_clear(&out);
        return ok;
}
