/* The lines of an export that are no records: manifest, bridge, signature. Pure. */
#include "audit/export.h"
#include "base/text.h"

#include <string.h>

uint64_t audit_chain_base(const char *chain)
{
        return strcmp(chain, "use") == 0 ? 0 : 1;
}

static void put_text(struct buf *line, const char *name, const char *value)
{
        buf_put_text(line, name);
        buf_put_json(line, slice_str(value));
}

static void put_number(struct buf *line, const char *name, uint64_t value)
{
        buf_put_text(line, name);
        buf_put_number(line, value, 10);
}

static void put_hash(struct buf *line, const char *name, const uint8_t hash[AUDIT_HASH_SIZE])
{
        buf_put_text(line, name);
        buf_put_text(line, "\"");
        buf_put_hex(line, slice_of(hash, AUDIT_HASH_SIZE));
        buf_put_text(line, "\"");
}

/* Of what partition and node, and when. */
static void put_place(struct buf *line, const char *kind, struct slice partition_id, const char *node,
                      int64_t time_ms)
{
        char when[CLOCK_TEXT_SIZE];

        buf_put_text(line, "{\"v\":1,\"");
        buf_put_text(line, kind);
        buf_put_text(line, "\":\"chsm audit\",\"partition\":\"");
        buf_put_hex(line, partition_id);
        put_text(line, "\",\"node\":", node);
        put_text(line, ",\"time\":", clock_text(time_ms, when));
        put_number(line, ",\"ms\":", time_ms < 0 ? 0 : (uint64_t)time_ms);
}

bool audit_manifest_format(struct slice partition_id, const char *node, int64_t time_ms,
                           const struct audit_stretch *rows, size_t n, struct buf *line)
{
        put_place(line, "export", partition_id, node, time_ms);
        buf_put_text(line, ",\"chains\":[");
        for (size_t i = 0; i < n; i++) {
                put_text(line, i ? ",{\"chain\":" : "{\"chain\":", rows[i].chain);
                put_number(line, ",\"first\":", rows[i].first);
                put_number(line, ",\"next\":", rows[i].next);
                put_hash(line, ",\"start\":", rows[i].start);
                put_hash(line, ",\"head\":", rows[i].head);
                buf_put_text(line, "}");
        }
        buf_put_text(line, "]}\n");
        return buf_ok(line);
}

bool audit_bridge_format(struct slice partition_id, const char *node, const struct audit_bridge *bridge,
                         struct buf *line)
{
        put_place(line, "bridge", partition_id, node, bridge->time_ms);
        put_text(line, ",\"chain\":", bridge->chain);
        put_number(line, ",\"next\":", bridge->next);
        put_hash(line, ",\"start\":", bridge->start);
        put_text(line, ",\"user\":", bridge->user);
        buf_put_text(line, "}\n");
        return buf_ok(line);
}

bool audit_signature_format(struct slice signature, struct buf *line)
{
        buf_put_text(line, "{\"signature\":\"");
        if (!text_to_base64(signature, line))
                return false;
        buf_put_text(line, "\"}\n");
        return buf_ok(line);
}
