/* The head of the node's key-use log, kept in the partition and signed by it: a log that was cut or edited is
 * found out with the help of any node. DESIGN section 5.10. */
#include "vault/commit.h"
#include "vault/partition.h"

#include "crypto/mechanism.h"

#define SIGNATURE_MAX 512

static void head_key(const struct vault *v, struct buf *key)
{
        buf_put_text(key, "a/");
        buf_put_u32(key, v->config.node_number);
}

/* Sequence, hash, time, node name, signature. */
static bool head_write(struct vault *v, uint64_t sequence, const uint8_t hash[AUDIT_HASH_SIZE],
                       struct buf *body, struct err *err)
{
        const struct crypto_mechanism *m = crypto_mechanism_find(CKM_SHA256_RSA_PKCS);
        const struct ck_mech_param none = { .present = false };
        int64_t now = clock_wall_ms(&v->deps.clock);
        uint8_t signature[SIGNATURE_MAX];
        size_t n = sizeof(signature);
        struct buf text = BUF_INIT;
        bool ok = audit_head_text(vault_partition_id(v), v->config.node_name, sequence, hash, now, &text) &&
                  crypto_sign(v->deps.crypto, m, &none, vault_partition_key(v), buf_slice(&text), signature,
                              &n, err);

        buf_clear(&text);
        buf_put_u64(body, sequence);
        buf_put(body, hash, AUDIT_HASH_SIZE);
        buf_put_u64(body, (uint64_t)now);
        buf_put_block(body, slice_str(v->config.node_name));
        buf_put_block(body, slice_of(signature, ok ? n : 0));
        return ok && buf_ok(body);
}

bool vault_seal_use_log(struct vault *v, struct err *err)
{
        struct buf key = BUF_INIT, body = BUF_INIT, value = BUF_INIT;
        struct store_result result = { 0 };
        uint8_t hash[AUDIT_HASH_SIZE];
        uint64_t sequence;
        bool ok = true;

        if (!v->deps.audit)
                return true;
        audit_writer_head(v->deps.audit, &sequence, hash);
        if (sequence == v->sealed_uses)
                return true;
        if (!audit_writer_flush(v->deps.audit,
                                err)) /* on disk first: a power cut must not look like a cut log */
                return false;
        head_key(v, &key);
        ok = head_write(v, sequence, hash, &body, err) &&
             vault_record_write(v, buf_slice(&key), buf_slice(&body), &value);
        if (ok) {
                struct store_op op = { STORE_PUT, buf_slice(&key), buf_slice(&value) };

                ok = store_txn(v->deps.store, NULL, 0, &op, 1, v->config.store_timeout_ms, &result, err) ==
                     STORE_OK;
        }
        if (ok)
                v->sealed_uses = sequence;
        else if (!err->id)
                err_set(err, ERR_AUDIT, "the head of the key-use log cannot be stored");
        buf_clear(&key);
        buf_clear(&body);
        buf_clear(&value);
        return ok;
}

struct own_head {
        struct vault *vault;
        uint64_t *count;
        uint8_t *hash;
        struct err *err;
        bool ok;
};

static bool own_visit(void *arg, const struct store_event *e)
{
        struct own_head *own = arg;
        struct slice body, hash;
        struct reader in;

        own->ok = vault_record_read(own->vault, e->key, e->value, &body, own->err);
        if (!own->ok)
                return false;
        in = reader_of(body);
        *own->count = reader_u64(&in);
        hash = reader_bytes(&in, AUDIT_HASH_SIZE);
        own->ok = reader_ok(&in);
        if (own->ok)
                memcpy(own->hash, hash.p, hash.n);
        return own->ok;
}

bool vault_sealed_use_log(struct vault *v, uint64_t *count, uint8_t hash[AUDIT_HASH_SIZE], struct err *err)
{
        struct own_head own = { v, count, hash, err, true };
        struct buf key = BUF_INIT;
        store_rev at;
        bool ok;

        *count = 0;
        head_key(v, &key);
        ok = buf_ok(&key) &&
             store_load(v->deps.store, buf_slice(&key), own_visit, &own, &at, err) == STORE_OK && own.ok;
        buf_clear(&key);
        if (!ok && !err->id)
                err_set(err, ERR_STORE_DAMAGED, "the head of the key-use log cannot be read");
        return ok;
}

struct heads {
        struct vault_call *call;
        Chsm__AuditHead **rows;
        size_t n, cap;
        bool failed;
};

static bool head_visit(void *arg, const struct store_event *e)
{
        struct heads *h = arg;
        struct vault_call *call = h->call;
        Chsm__AuditHead *row = arena_alloc(call->arena, sizeof(*row));
        struct slice body, hash, name, signature;
        struct reader in;

        if (h->n == h->cap)
                return false;
        h->failed = !row || !vault_record_read(call->vault, e->key, e->value, &body, &call->err);
        if (h->failed)
                return false;
        chsm__audit_head__init(row);
        in = reader_of(body);
        row->sequence = reader_u64(&in);
        hash = arena_copy(call->arena, reader_bytes(&in, AUDIT_HASH_SIZE));
        row->time_ms = (int64_t)reader_u64(&in);
        name = reader_block(&in, 256);
        signature = arena_copy(call->arena, reader_block(&in, SIGNATURE_MAX));
        row->chain = arena_text(call->arena, SLICE_LIT("use"));
        row->node = arena_text(call->arena, name);
        row->hash = (ProtobufCBinaryData){ hash.n, (uint8_t *)(uintptr_t)hash.p };
        row->signature = (ProtobufCBinaryData){ signature.n, (uint8_t *)(uintptr_t)signature.p };
        h->failed = !reader_end(&in) || !hash.p || !signature.p || !row->chain || !row->node;
        if (h->failed)
                return err_set(&call->err, ERR_STORE_DAMAGED, "the head of a key-use log cannot be read");
        h->rows[h->n++] = row;
        return true;
}

bool vault_use_heads(struct vault_call *call, Chsm__AuditHead **rows, size_t cap, size_t *n)
{
        struct heads h = { .call = call, .rows = rows, .cap = cap };
        store_rev at;

        if (store_load(call->vault->deps.store, SLICE_LIT("a/"), head_visit, &h, &at, &call->err) !=
                STORE_OK &&
            !h.n)
                h.failed = call->err.id != ERR_NONE;
        *n = h.n;
        return !h.failed;
}
