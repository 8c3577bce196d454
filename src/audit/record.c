/* Records and chains; pure. */
#include "audit/audit.h"
#include "crypto/seal.h"

bool audit_genesis(struct crypto *c, struct slice partition_id, const char *node, const char *chain,
                   uint8_t out[AUDIT_HASH_SIZE])
{
        struct buf text = BUF_INIT;
        bool ok;

        buf_put_text(&text, "chsm audit chain 1\n");
        buf_put_block(&text, partition_id);
        buf_put_block(&text, slice_str(node));
        buf_put_block(&text, slice_str(chain));
        ok = buf_ok(&text) && crypto_sha256(c, buf_slice(&text), out);
        buf_clear(&text);
        return ok;
}

bool audit_head_text(struct slice partition_id, const char *node, uint64_t count,
                     const uint8_t hash[AUDIT_HASH_SIZE], int64_t time_ms, struct buf *out)
{
        buf_put_text(out, "chsm audit head 1\n");
        buf_put_block(out, partition_id);
        buf_put_block(out, slice_str(node));
        buf_put_u64(out, count);
        buf_put(out, hash, AUDIT_HASH_SIZE);
        buf_put_u64(out, (uint64_t)time_ms);
        return buf_ok(out);
}

static void put_name(struct buf *line, const char *name)
{
        buf_put_text(line, ",\"");
        buf_put_text(line, name);
        buf_put_text(line, "\":");
}

static void put_text(struct buf *line, const char *name, const char *value)
{
        if (!value)
                return;
        put_name(line, name);
        buf_put_json(line, slice_str(value));
}

static void put_number(struct buf *line, const char *name, uint64_t value)
{
        if (!value)
                return;
        put_name(line, name);
        buf_put_number(line, value, 10);
}

static void put_code(struct buf *line, const char *name, uint32_t value)
{
        put_name(line, name);
        buf_put_text(line, "\"0x");
        buf_put_number(line, value, 16);
        buf_put_text(line, "\"");
}

bool audit_record_format(const struct audit_record *r, const uint8_t previous[AUDIT_HASH_SIZE],
                         struct buf *line)
{
        char when[CLOCK_TEXT_SIZE];

        buf_put_text(line, "{\"v\":1,\"seq\":");
        buf_put_number(line, r->sequence, 10);
        buf_put_text(line, ",\"time\":\"");
        buf_put_text(line, clock_text(r->time_ms, when));
        buf_put_text(line, "\",\"ms\":");
        buf_put_number(line, r->time_ms < 0 ? 0 : (uint64_t)r->time_ms, 10);
        put_text(line, "node", r->node);
        put_text(line, "chain", r->chain);
        put_text(line, "op", r->operation);
        put_code(line, "opcode", r->opcode);
        put_text(line, "user", r->user);
        put_text(line, "role", r->role);
        put_text(line, "context", r->context);
        put_text(line, "peer", r->peer);
        put_text(line, "subject", r->subject);
        put_number(line, "object", r->object);
        put_number(line, "object2", r->object2);
        put_number(line, "mechanism", r->mechanism);
        put_code(line, "result", r->result);
        put_text(line, "reason", r->reason);
        put_text(line, "detail", r->detail);
        put_text(line, "udd", r->udd);
        put_number(line, "boot", r->boot);
        buf_put_text(line, ",\"prev\":\"");
        buf_put_hex(line, slice_of(previous, AUDIT_HASH_SIZE));
        buf_put_text(line, "\"}\n");
        return buf_ok(line);
}

bool audit_line_hash(struct crypto *c, struct slice line, uint8_t out[AUDIT_HASH_SIZE])
{
        return crypto_sha256(c, line, out);
}
