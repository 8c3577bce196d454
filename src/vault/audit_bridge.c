#include "vault/audit_export.h"
#include "vault/partition.h"

#include "crypto/mechanism.h"

#define SIGNATURE_MAX 512
#define LINE_MOST     4096

bool vault_audit_sign(struct vault *v, struct arena *arena, struct slice text, struct slice *signature,
                      struct err *err)
{
        const struct crypto_mechanism *m = crypto_mechanism_find(CKM_SHA256_RSA_PKCS);
        const struct ck_mech_param none = { .present = false };
        uint8_t bytes[SIGNATURE_MAX];
        size_t n = sizeof(bytes);

        if (!crypto_sign(v->deps.crypto, m, &none, vault_partition_key(v), text, bytes, &n, err))
                return false;
        *signature = arena_copy(arena, slice_of(bytes, n));
        return signature->p || err_set(err, ERR_MEMORY, "no memory for a signature");
}

static struct slice bridges_key(const struct vault *v, struct arena *arena)
{
        struct buf key = BUF_INIT;
        struct slice out = SLICE_EMPTY;

        buf_put_text(&key, "d/b/");
        buf_put_u32(&key, v->config.node_number);
        if (buf_ok(&key))
                out = arena_copy(arena, buf_slice(&key));
        buf_clear(&key);
        return out;
}

struct reading {
        struct vault *vault;
        struct arena *arena;
        struct vault_bridges *into;
        struct err *err;
        bool ok;
};

static bool bridge_read(struct reader *in, struct arena *arena, struct vault_bridge *b)
{
        struct slice chain = reader_block(in, AUDIT_CHAIN_NAME - 1), start;

        memcpy(b->chain, chain.n ? chain.p : (const uint8_t *)"", chain.n);
        b->next = reader_u64(in);
        start = reader_bytes(in, AUDIT_HASH_SIZE);
        if (start.n)
                memcpy(b->start, start.p, AUDIT_HASH_SIZE);
        b->line = arena_copy(arena, reader_block(in, LINE_MOST));
        b->signature = arena_copy(arena, reader_block(in, SIGNATURE_MAX));
        return reader_ok(in) && b->line.p && b->signature.p;
}

static bool bridges_visit(void *arg, const struct store_event *e)
{
        struct reading *r = arg;
        struct slice body;
        struct reader in;
        uint32_t n;

        r->ok = vault_record_read(r->vault, e->key, e->value, &body, r->err);
        if (!r->ok)
                return false;
        in = reader_of(body);
        n = reader_u32(&in);
        r->ok = n <= AUDIT_CHAINS_MAX;
        for (uint32_t i = 0; r->ok && i < n; i++)
                r->ok = bridge_read(&in, r->arena, &r->into->rows[i]);
        r->ok = r->ok && reader_end(&in);
        r->into->n = n;
        r->into->rev = e->rev;
        return r->ok || err_set(r->err, ERR_STORE_DAMAGED, "the bridges of the audit log cannot be read");
}

struct vault_bridges *vault_bridges_read(struct vault *v, struct arena *arena, struct err *err)
{
        struct vault_bridges *bridges = arena_alloc(arena, sizeof(*bridges));
        struct slice key = bridges_key(v, arena);
        struct reading r = { v, arena, bridges, err, true };
        store_rev at;

        if (!bridges || !key.n) {
                err_set(err, ERR_MEMORY, "no memory for the bridges of the audit log");
                return NULL;
        }
        if (store_load(v->deps.store, key, bridges_visit, &r, &at, err) == STORE_OK && r.ok)
                return bridges;
        if (!err->id)
                err_set(err, ERR_STORE, "the bridges of the audit log cannot be read");
        return NULL;
}

const struct vault_bridge *vault_bridge_of(const struct vault_bridges *bridges, const char *chain)
{
        for (size_t i = 0; i < bridges->n; i++) {
                if (strcmp(bridges->rows[i].chain, chain) == 0)
                        return &bridges->rows[i];
        }
        return NULL;
}

bool vault_bridge_set(struct vault_call *call, struct vault_bridges *bridges, const struct audit_bridge *b)
{
        struct vault *v = call->vault;
        struct vault_bridge *row = bridges->rows;
        struct buf line = BUF_INIT;
        bool ok;

        while (row < bridges->rows + bridges->n && strcmp(row->chain, b->chain) != 0)
                row++;
        if (row == bridges->rows + AUDIT_CHAINS_MAX)
                return err_set(&call->err, ERR_INTERNAL, "there are more chains than one node has");
        ok = audit_bridge_format(vault_partition_id(v), v->config.node_name, b, &line);
        if (ok)
                row->line = arena_copy(call->arena, buf_slice(&line));
        buf_clear(&line);
        if (!ok || !row->line.p)
                return err_set(&call->err, ERR_MEMORY, "no memory for a bridge of the audit log");
        memcpy(row->chain, b->chain, sizeof(row->chain));
        row->next = b->next;
        memcpy(row->start, b->start, AUDIT_HASH_SIZE);
        if (row == bridges->rows + bridges->n)
                bridges->n++;
        return vault_audit_sign(v, call->arena, row->line, &row->signature, &call->err);
}

bool vault_bridges_put(struct vault_call *call, const struct vault_bridges *bridges)
{
        struct slice key = bridges_key(call->vault, call->arena);
        struct buf body = BUF_INIT;
        bool ok;

        buf_put_u32(&body, (uint32_t)bridges->n);
        for (size_t i = 0; i < bridges->n; i++) {
                const struct vault_bridge *b = &bridges->rows[i];

                buf_put_block(&body, slice_str(b->chain));
                buf_put_u64(&body, b->next);
                buf_put(&body, b->start, AUDIT_HASH_SIZE);
                buf_put_block(&body, b->line);
                buf_put_block(&body, b->signature);
        }
        ok = vault_call_guard(call, bridges->rev ? STORE_REV_IS : STORE_ABSENT, key, bridges->rev) &&
             vault_record_put(call, key, &body);
        buf_clear(&body);
        return ok;
}
