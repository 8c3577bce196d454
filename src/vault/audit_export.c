/* What an auditor takes away: a manifest of this node's chains, signed; and their records, page by page. */
#include "vault/audit_export.h"
#include "vault/commit.h"
#include "vault/partition.h"

#include <stdio.h>

#define LINES_MAX (128 * 1024) /* bytes of one answer */

struct slice vault_lane_block(struct arena *arena, uint32_t node, uint32_t lane, uint64_t sequence)
{
        struct buf key = BUF_INIT, number = BUF_INIT;
        struct slice out = SLICE_EMPTY;

        buf_put_text(&key, "m/");
        buf_put_u32(&key, node);
        buf_put_text(&key, "/");
        buf_put_u8(&key, (uint8_t)lane);
        buf_put_text(&key, "/");
        buf_put_u64(&number, sequence);
        if (buf_ok(&number))
                buf_put(&key, number.p, 7);
        if (buf_ok(&key) && buf_ok(&number))
                out = arena_copy(arena, buf_slice(&key));
        buf_clear(&key);
        buf_clear(&number);
        return out;
}

struct slice vault_lane_records(struct vault_call *call, uint32_t lane)
{
        struct slice block = vault_lane_block(call->arena, call->vault->config.node_number, lane, 0);

        return block.n ? slice_of(block.p, block.n - 7) : SLICE_EMPTY;
}

/* ---- the manifest ---- */

static bool lane_stretch(struct vault *v, const struct vault_lane_head *head,
                         const struct vault_bridges *bridges, struct audit_stretch *s)
{
        const struct vault_bridge *bridge;

        (void)snprintf(s->chain, sizeof(s->chain), "mgmt-%02u", head->lane);
        bridge = vault_bridge_of(bridges, s->chain);
        s->next = head->sequence + 1;
        memcpy(s->head, head->hash, AUDIT_HASH_SIZE);
        s->first = bridge ? bridge->next : 1;
        if (bridge)
                memcpy(s->start, bridge->start, AUDIT_HASH_SIZE);
        return bridge ||
               audit_genesis(v->deps.crypto, vault_partition_id(v), v->config.node_name, s->chain, s->start);
}

static bool use_stretch(struct vault_call *call, struct audit_stretch *s)
{
        (void)snprintf(s->chain, sizeof(s->chain), "use");
        if (!audit_writer_first(call->vault->deps.audit, &s->first, s->start, &call->err))
                return false;
        audit_writer_head(call->vault->deps.audit, &s->next, s->head);
        return true;
}

static bool stretches(struct vault_call *call, const struct vault_bridges *bridges,
                      struct audit_stretch *rows, size_t *n)
{
        struct vault *v = call->vault;
        struct vault_lane_head heads[256];
        size_t count = vault_lane_heads(v, heads, 256);

        *n = 0;
        for (size_t i = 0; i < count; i++) {
                if (heads[i].node != v->config.node_number)
                        continue;
                if (!lane_stretch(v, &heads[i], bridges, &rows[*n]))
                        return err_set(&call->err, ERR_CRYPTO, "hashing failed");
                ++*n;
        }
        return !v->deps.audit || (use_stretch(call, &rows[*n]) && ++*n);
}

static ProtobufCBinaryData bytes_of(struct slice s)
{
        return (ProtobufCBinaryData){ s.n, (uint8_t *)(uintptr_t)s.p };
}

static bool answer_bridges(struct vault_call *call, const struct vault_bridges *bridges,
                           Chsm__AuditExportResponse *r)
{
        Chsm__AuditBridge *rows = arena_alloc(call->arena, (bridges->n + 1) * sizeof(*rows));

        r->bridges = arena_alloc(call->arena, (bridges->n + 1) * sizeof(*r->bridges));
        if (!rows || !r->bridges)
                return err_set(&call->err, ERR_MEMORY, "no memory for the bridges of the audit log");
        for (size_t i = 0; i < bridges->n; i++) {
                chsm__audit_bridge__init(&rows[i]);
                rows[i].chain = (char *)(uintptr_t)bridges->rows[i].chain;
                rows[i].line = bytes_of(bridges->rows[i].line);
                rows[i].signature = bytes_of(bridges->rows[i].signature);
                r->bridges[i] = &rows[i];
        }
        r->n_bridges = bridges->n;
        return true;
}

bool vault_audit_export(struct vault_call *call)
{
        struct vault *v = call->vault;
        Chsm__AuditExportResponse *r = arena_alloc(call->arena, sizeof(*r));
        struct audit_stretch *rows = arena_alloc(call->arena, AUDIT_CHAINS_MAX * sizeof(*rows));
        struct vault_bridges *bridges = vault_bridges_read(v, call->arena, &call->err);
        struct slice text = SLICE_EMPTY, signature;
        struct buf line = BUF_INIT;
        size_t n;

        if (!r || !rows || !bridges)
                return call->err.id ? false : err_set(&call->err, ERR_MEMORY, "no memory for a manifest");
        if (!stretches(call, bridges, rows, &n))
                return false;
        chsm__audit_export_response__init(r);
        if (audit_manifest_format(vault_partition_id(v), v->config.node_name, clock_wall_ms(&v->deps.clock),
                                  rows, n, &line))
                text = arena_copy(call->arena, buf_slice(&line));
        buf_clear(&line);
        if (!text.n)
                return err_set(&call->err, ERR_MEMORY, "no memory for a manifest");
        if (!vault_audit_sign(v, call->arena, text, &signature, &call->err) ||
            !answer_bridges(call, bridges, r))
                return false;
        r->manifest = bytes_of(text);
        r->signature = bytes_of(signature);
        call->response->audit_export = r;
        call->response->body_case = CHSM__RESPONSE__BODY_AUDIT_EXPORT;
        return true;
}

/* ---- records ---- */

struct lines {
        struct buf text;
        uint64_t after; /* sequence of the last record taken or passed */
        uint32_t count, limit;
        bool more;
};

static bool line_visit(void *arg, const struct store_event *e)
{
        struct lines *l = arg;
        struct reader in = reader_of(slice_of(e->key.p + e->key.n - 8, 8));
        uint64_t sequence = reader_u64(&in);

        if (e->key.n != 2 + 4 + 1 + 1 + 1 + 8 || sequence <= l->after)
                return true;
        if (l->count >= l->limit || l->text.n + e->value.n > LINES_MAX) {
                l->more = true;
                return false;
        }
        buf_put_slice(&l->text, e->value);
        l->after = sequence;
        l->count++;
        return true;
}

/* A lane's records lie in blocks of 256: no page looks at more of them than it must. */
static bool lane_lines(struct vault_call *call, uint32_t lane, struct lines *l)
{
        struct vault *v = call->vault;
        struct vault_lane_head heads[256];
        size_t n = vault_lane_heads(v, heads, 256);
        uint64_t last = 0;
        store_rev at;

        for (size_t i = 0; i < n; i++) {
                if (heads[i].node == v->config.node_number && heads[i].lane == lane)
                        last = heads[i].sequence;
        }
        while (!l->more && l->after < last) {
                uint64_t block = (l->after + 1) | 0xff;
                struct slice prefix =
                    vault_lane_block(call->arena, v->config.node_number, lane, l->after + 1);

                if (!prefix.n)
                        return err_set(&call->err, ERR_MEMORY, "no memory for audit records");
                if (store_load(v->deps.store, prefix, line_visit, l, &at, &call->err) != STORE_OK)
                        return call->err.id ? false
                                            : err_set(&call->err, ERR_STORE, "audit records cannot be read");
                if (!l->more && l->after < block)
                        l->after = block; /* the rest of the block was purged, or is not there yet */
        }
        return true;
}

static bool use_lines(struct vault_call *call, struct lines *l)
{
        uint64_t end;
        uint8_t hash[AUDIT_HASH_SIZE];
        const uint8_t *at;

        if (!call->vault->deps.audit)
                return err_set(&call->err, ERR_AUDIT, "this node keeps no log of key use");
        if (!audit_writer_read(call->vault->deps.audit, l->after, l->limit, LINES_MAX, &l->text, &call->err))
                return false;
        audit_writer_head(call->vault->deps.audit, &end, hash);
        at = l->text.p;
        for (size_t left = l->text.n; left && (at = memchr(at, '\n', left)); at++) {
                left = (size_t)(l->text.p + l->text.n - at) - 1;
                l->count++;
        }
        l->more = l->after + l->count < end;
        return true;
}

bool vault_audit_records(struct vault_call *call)
{
        const Chsm__AuditRecordsRequest *in = call->request->audit_records;
        Chsm__AuditRecordsResponse *r = arena_alloc(call->arena, sizeof(*r));
        struct lines l = { .text = BUF_INIT, .after = in->after, .limit = in->limit ? in->limit : 1000 };
        struct slice copy = SLICE_EMPTY;
        unsigned lane = 0;
        bool use = strcmp(in->chain, "use") == 0, ok;
        char left;

        if (!use && (sscanf(in->chain, "mgmt-%3u%c", &lane, &left) != 1 || lane > 255))
                return err_set(&call->err, ERR_ARGUMENT,
                               "this node answers for 'use' and for management chains, 'mgmt-00' and so on, "
                               "not '%.32s'",
                               in->chain);
        ok = use ? use_lines(call, &l) : lane_lines(call, lane, &l);
        if (ok && buf_ok(&l.text))
                copy = arena_copy(call->arena, buf_slice(&l.text));
        buf_clear(&l.text);
        if (!ok)
                return false;
        if (!r || !copy.p)
                return err_set(&call->err, ERR_MEMORY, "no memory for audit records");
        chsm__audit_records_response__init(r);
        r->lines = bytes_of(copy);
        r->more = l.more;
        call->response->audit_records = r;
        call->response->body_case = CHSM__RESPONSE__BODY_AUDIT_RECORDS;
        return true;
}
