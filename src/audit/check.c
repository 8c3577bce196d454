/* The offline check of an export, line by line: what may come next is the state. */
#include "audit/export.h"
#include "base/text.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MOST ((size_t)256 * 1024)

enum expected { MANIFEST, MANIFEST_SIGNATURE, BRIDGE, BRIDGE_SIGNATURE, RECORDS, NOTHING };

struct audit_check {
        struct crypto *crypto;
        bool (*is_signed)(void *arg, struct slice text, struct slice signature);
        void *arg;
        enum expected expected;
        struct buf text;        /* a line that has not come whole */
        struct buf signed_line; /* waits for its signature */
        struct buf partition_id;
        struct audit_report report;
        struct audit_checked_chain *chains;
        size_t at; /* chain that is being read */
        struct audit_verify verify;
};

struct audit_check *audit_check_new(struct crypto *crypto,
                                    bool (*is_signed)(void *arg, struct slice text, struct slice signature),
                                    void *arg, struct err *err)
{
        struct audit_check *c = calloc(1, sizeof(*c));

        if (!c) {
                err_set(err, ERR_MEMORY, "no memory to check an audit log");
                return NULL;
        }
        c->crypto = crypto;
        c->is_signed = is_signed;
        c->arg = arg;
        return c;
}

void audit_check_free(struct audit_check **cp)
{
        struct audit_check *c = *cp;

        *cp = NULL;
        if (!c)
                return;
        buf_clear(&c->text);
        buf_clear(&c->signed_line);
        buf_clear(&c->partition_id);
        free(c->chains);
        free(c);
}

void audit_check_report(const struct audit_check *c, struct audit_report *out)
{
        *out = c->report;
        out->chains = c->chains;
}

/* ---- fields ---- */

static bool get_text(const json_t *o, const char *name, char *out, size_t cap)
{
        const char *text = json_string_value(json_object_get(o, name));

        if (!text || strlen(text) >= cap)
                return false;
        memcpy(out, text, strlen(text) + 1);
        return true;
}

static bool get_number(const json_t *o, const char *name, uint64_t *out)
{
        const json_t *value = json_object_get(o, name);
        json_int_t n = json_is_integer(value) ? json_integer_value(value) : -1;

        *out = (uint64_t)n;
        return n >= 0;
}

static bool get_hash(const json_t *o, const char *name, uint8_t out[AUDIT_HASH_SIZE])
{
        const char *text = json_string_value(json_object_get(o, name));
        struct buf bytes = BUF_INIT;
        bool ok = text && text_from_hex(slice_str(text), &bytes) && bytes.n == AUDIT_HASH_SIZE;

        if (ok)
                memcpy(out, bytes.p, AUDIT_HASH_SIZE);
        buf_clear(&bytes);
        return ok;
}

static json_t *line_json(struct slice line)
{
        return json_loadb((const char *)line.p, line.n, JSON_REJECT_DUPLICATES, NULL);
}

/* ---- the manifest ---- */

static bool get_stretch(const json_t *o, struct audit_stretch *s)
{
        return get_text(o, "chain", s->chain, sizeof(s->chain)) && get_number(o, "first", &s->first) &&
               get_number(o, "next", &s->next) && get_hash(o, "start", s->start) &&
               get_hash(o, "head", s->head) && s->first <= s->next && s->first >= audit_chain_base(s->chain);
}

static bool get_place(const json_t *o, const char *kind, char partition[33], char node[64], uint64_t *ms)
{
        const char *what = json_string_value(json_object_get(o, kind));

        return what && strcmp(what, "chsm audit") == 0 && get_text(o, "partition", partition, 33) &&
               get_text(o, "node", node, 64) && get_number(o, "ms", ms);
}

static bool get_chains(struct audit_check *c, const json_t *list)
{
        size_t n = json_array_size(list);

        if (!json_is_array(list) || n > AUDIT_CHAINS_MAX || !(c->chains = calloc(n + 1, sizeof(*c->chains))))
                return false;
        c->report.chain_count = n;
        for (size_t i = 0; i < n; i++) {
                if (!get_stretch(json_array_get(list, i), &c->chains[i].stretch))
                        return false;
        }
        return true;
}

static bool manifest_read(struct audit_check *c, struct err *err)
{
        json_t *o = line_json(buf_slice(&c->signed_line));
        uint64_t ms = 0;
        bool ok = o && get_place(o, "export", c->report.partition, c->report.node, &ms) &&
                  text_from_hex(slice_str(c->report.partition), &c->partition_id) &&
                  get_chains(c, json_object_get(o, "chains"));

        c->report.time_ms = (int64_t)ms;
        json_decref(o);
        return ok || err_set(err, ERR_AUDIT, "the manifest is of another version, or no manifest");
}

/* ---- chains ---- */

static struct audit_checked_chain *chain_now(struct audit_check *c)
{
        return &c->chains[c->at];
}

static bool records_begin(struct audit_check *c)
{
        const struct audit_stretch *s = &chain_now(c)->stretch;

        c->verify = (struct audit_verify){ .crypto = c->crypto, .next_sequence = s->first };
        memcpy(c->verify.expected, s->start, AUDIT_HASH_SIZE);
        c->expected = RECORDS;
        return true;
}

static bool starts_at_genesis(struct audit_check *c, const struct audit_stretch *s, struct err *err)
{
        uint8_t hash[AUDIT_HASH_SIZE];

        if (!audit_genesis(c->crypto, buf_slice(&c->partition_id), c->report.node, s->chain, hash))
                return err_set(err, ERR_CRYPTO, "hashing failed");
        return memcmp(hash, s->start, sizeof(hash)) == 0 ||
               err_set(err, ERR_AUDIT, "chain %s does not begin where this partition's chains begin",
                       s->chain);
}

/* Ends chains that have all their records, and begins the next one. */
static bool chain_turn(struct audit_check *c, struct err *err)
{
        while (c->expected == RECORDS && c->verify.next_sequence == chain_now(c)->stretch.next) {
                struct audit_checked_chain *done = chain_now(c);

                if (memcmp(c->verify.expected, done->stretch.head, AUDIT_HASH_SIZE) != 0)
                        return err_set(err, ERR_AUDIT,
                                       "chain %s does not end in the head that the partition signed: record "
                                       "%" PRIu64 " was changed",
                                       done->stretch.chain, done->stretch.next - 1);
                done->steps = c->verify.steps;
                done->step_at = c->verify.step_at;
                done->step_ms = c->verify.step_ms;
                c->report.records += c->verify.records;
                c->at++;
                c->expected = NOTHING;
                if (c->at == c->report.chain_count)
                        return true;
                if (chain_now(c)->stretch.first != audit_chain_base(chain_now(c)->stretch.chain))
                        c->expected = BRIDGE;
                else if (!starts_at_genesis(c, &chain_now(c)->stretch, err) || !records_begin(c))
                        return false;
        }
        return true;
}

static bool chains_begin(struct audit_check *c, struct err *err)
{
        const struct audit_stretch *s = &c->chains[0].stretch;

        c->at = 0;
        if (c->report.chain_count == 0)
                c->expected = NOTHING;
        else if (s->first != audit_chain_base(s->chain))
                c->expected = BRIDGE;
        else if (!starts_at_genesis(c, s, err) || !records_begin(c))
                return false;
        return chain_turn(c, err);
}

/* The bridge is over this very gap of this very chain. */
static bool bridge_fits(struct audit_check *c, struct err *err)
{
        struct audit_checked_chain *chain = chain_now(c);
        struct audit_bridge *b = &chain->bridge;
        json_t *o = line_json(buf_slice(&c->signed_line));
        char partition[33], node[64];
        uint64_t ms = 0;
        bool ok = o && get_place(o, "bridge", partition, node, &ms) &&
                  get_text(o, "chain", b->chain, sizeof(b->chain)) && get_number(o, "next", &b->next) &&
                  get_hash(o, "start", b->start) && get_text(o, "user", b->user, sizeof(b->user)) &&
                  strcmp(partition, c->report.partition) == 0 && strcmp(node, c->report.node) == 0 &&
                  strcmp(b->chain, chain->stretch.chain) == 0 && b->next == chain->stretch.first &&
                  memcmp(b->start, chain->stretch.start, AUDIT_HASH_SIZE) == 0;

        b->time_ms = (int64_t)ms;
        json_decref(o);
        return ok ||
               err_set(err, ERR_AUDIT, "the bridge of chain %s is over something else", chain->stretch.chain);
}

/* ---- lines ---- */

static bool signature_take(struct audit_check *c, struct slice line, struct err *err)
{
        json_t *o = line_json(line);
        const char *text = json_string_value(json_object_get(o, "signature"));
        struct buf signature = BUF_INIT;
        bool manifest = c->expected == MANIFEST_SIGNATURE;
        bool ok = text && text_from_base64(slice_str(text), &signature) &&
                  c->is_signed(c->arg, buf_slice(&c->signed_line), buf_slice(&signature));

        buf_clear(&signature);
        json_decref(o);
        if (!ok)
                return err_set(err, ERR_AUDIT, "the %s%s is not signed by this partition",
                               manifest ? "manifest" : "bridge of chain ",
                               manifest ? "" : chain_now(c)->stretch.chain);
        if (manifest)
                return manifest_read(c, err) && chains_begin(c, err);
        return bridge_fits(c, err) && records_begin(c) && chain_turn(c, err);
}

/* A record where a bridge is due: what went before it is missing, and nobody says why. */
static bool bridge_take(struct audit_check *c, struct slice line, struct err *err)
{
        const struct audit_stretch *s = &chain_now(c)->stretch;
        uint64_t base = audit_chain_base(s->chain);

        if (line.n < 17 || memcmp(line.p, "{\"v\":1,\"bridge\":\"", 17) != 0)
                return err_set(err, ERR_AUDIT,
                               "records %" PRIu64 " to %" PRIu64
                               " of chain %s are missing, and no signed bridge says that they were purged",
                               base, s->first - 1, s->chain);
        buf_reset(&c->signed_line);
        buf_put_slice(&c->signed_line, line);
        c->expected = BRIDGE_SIGNATURE;
        return buf_ok(&c->signed_line) || err_set(err, ERR_MEMORY, "no memory for a bridge");
}

static bool line_take(struct audit_check *c, struct slice line, struct err *err)
{
        switch (c->expected) {
        case MANIFEST:
                buf_put_slice(&c->signed_line, line);
                c->expected = MANIFEST_SIGNATURE;
                return buf_ok(&c->signed_line) || err_set(err, ERR_MEMORY, "no memory for a manifest");
        case MANIFEST_SIGNATURE:
        case BRIDGE_SIGNATURE:
                return signature_take(c, line, err);
        case BRIDGE:
                return bridge_take(c, line, err);
        case RECORDS:
                return (audit_verify_lines(&c->verify, line, err) ||
                        err_prefix(err, "chain %s", chain_now(c)->stretch.chain)) &&
                       chain_turn(c, err);
        default:
                return err_set(err, ERR_AUDIT, "there is more than the manifest names");
        }
}

bool audit_check_feed(struct audit_check *c, struct slice bytes, struct err *err)
{
        while (bytes.n) {
                const uint8_t *end = memchr(bytes.p, '\n', bytes.n);
                size_t n = end ? (size_t)(end - bytes.p) + 1 : bytes.n;
                struct slice line = slice_of(bytes.p, n);

                if (!end || c->text.n) {
                        buf_put_slice(&c->text, line);
                        line = buf_slice(&c->text);
                        if (!buf_ok(&c->text) || line.n > LINE_MOST)
                                return err_set(err, ERR_AUDIT, "a line of the export has no end");
                }
                if (end && !line_take(c, line, err))
                        return false;
                if (end)
                        buf_reset(&c->text);
                bytes = slice_of(bytes.p + n, bytes.n - n);
        }
        return true;
}

bool audit_check_end(struct audit_check *c, struct err *err)
{
        if (c->text.n)
                return err_set(err, ERR_AUDIT, "the export ends within a line");
        if (c->expected == MANIFEST || c->expected == MANIFEST_SIGNATURE)
                return err_set(err, ERR_AUDIT, "this is no exported audit log: it has no signed manifest");
        if (c->expected != NOTHING)
                return err_set(err, ERR_AUDIT,
                               "the export ends before record %" PRIu64 " of chain %s; the partition signed "
                               "%" PRIu64 " as its last",
                               c->expected == RECORDS ? c->verify.next_sequence : chain_now(c)->stretch.first,
                               chain_now(c)->stretch.chain, chain_now(c)->stretch.next - 1);
        return true;
}
