/* Records and chains; pure. */
#include "audit/audit.h"
#include "base/pen.h"
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

/* ,"name":value of what a record has; the names with their marks are literals. */
#define PUT_TEXT(pen, name, value)                                                                           \
        do {                                                                                                 \
                if (value) {                                                                                 \
                        PEN(pen, ",\"" name "\":");                                                          \
                        pen_json(pen, slice_str(value));                                                     \
                }                                                                                            \
        } while (0)
#define PUT_NUMBER(pen, name, value)                                                                         \
        do {                                                                                                 \
                if (value) {                                                                                 \
                        PEN(pen, ",\"" name "\":");                                                          \
                        pen_number(pen, value, 10);                                                          \
                }                                                                                            \
        } while (0)
#define PUT_CODE(pen, name, value)                                                                           \
        do {                                                                                                 \
                PEN(pen, ",\"" name "\":\"0x");                                                              \
                pen_number(pen, value, 16);                                                                  \
                PEN(pen, "\"");                                                                              \
        } while (0)

#define FIXED_MOST 640 /* names, marks, numbers, time and hash of a record; all but its texts */

static size_t texts_most(const struct audit_record *r)
{
        const char *const texts[] = { r->node, r->chain,   r->operation, r->user,   r->role, r->context,
                                      r->peer, r->subject, r->reason,    r->detail, r->udd };
        size_t n = 0;

        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
                n += texts[i] ? TEXT_JSON_MOST(strlen(texts[i])) : 0;
        return n;
}

bool audit_record_format(const struct audit_record *r, const uint8_t previous[AUDIT_HASH_SIZE],
                         struct buf *line)
{
        char when[CLOCK_TEXT_SIZE];
        struct pen pen;

        if (!pen_begin(line, FIXED_MOST + texts_most(r), &pen))
                return false;
        PEN(&pen, "{\"v\":1,\"seq\":");
        pen_number(&pen, r->sequence, 10);
        PEN(&pen, ",\"time\":\"");
        pen_bytes(&pen, clock_text(r->time_ms, when), CLOCK_TEXT_LENGTH);
        PEN(&pen, "\",\"ms\":");
        pen_number(&pen, r->time_ms < 0 ? 0 : (uint64_t)r->time_ms, 10);
        PUT_TEXT(&pen, "node", r->node);
        PUT_TEXT(&pen, "chain", r->chain);
        PUT_TEXT(&pen, "op", r->operation);
        PUT_CODE(&pen, "opcode", r->opcode);
        PUT_TEXT(&pen, "user", r->user);
        PUT_TEXT(&pen, "role", r->role);
        PUT_TEXT(&pen, "context", r->context);
        PUT_TEXT(&pen, "peer", r->peer);
        PUT_TEXT(&pen, "subject", r->subject);
        PUT_NUMBER(&pen, "object", r->object);
        PUT_NUMBER(&pen, "object2", r->object2);
        PUT_NUMBER(&pen, "mechanism", r->mechanism);
        PUT_CODE(&pen, "result", r->result);
        PUT_TEXT(&pen, "reason", r->reason);
        PUT_TEXT(&pen, "detail", r->detail);
        PUT_TEXT(&pen, "udd", r->udd);
        PUT_NUMBER(&pen, "boot", r->boot);
        PEN(&pen, ",\"prev\":\"");
        pen_hex(&pen, previous, AUDIT_HASH_SIZE);
        PEN(&pen, "\"}\n");
        pen_end(line, &pen);
        return true;
}

bool audit_line_hash(struct crypto *c, struct slice line, uint8_t out[AUDIT_HASH_SIZE])
{
        return crypto_sha256(c, line, out);
}
