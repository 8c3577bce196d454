/* Records of an export in the documented words (spec/semantics.md 18), as JSON Lines and as CEF. */
#include "base/text.h"
#include "tools/audit_files.h"
#include "tools/util.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* What the documentation calls the fields of a record. */
struct entry {
        const json_t *record;
        int64_t ms;
        char time[64], response[200], opcode[80], session[16];
        const char *command, *type, *operation, *reason;
        uint64_t sequence, boot, object, public_object;
        const char *user, *subject;
};

static const char *text_of(const json_t *record, const char *name)
{
        const char *text = json_string_value(json_object_get(record, name));

        return text ? text : "";
}

static uint64_t number_of(const json_t *record, const char *name)
{
        return (uint64_t)json_integer_value(json_object_get(record, name));
}

/* "MM/DD/YY HH:MM:SS.uuuuuu, usecs:<unix microseconds>", UTC. */
static void time_put(int64_t ms, char out[64])
{
        time_t seconds = (time_t)(ms / 1000);
        struct tm t = { 0 };

        (void)gmtime_r(&seconds, &t);
        (void)snprintf(out, 64, "%02d/%02d/%02d %02d:%02d:%02d.%03d000, usecs:%" PRId64, t.tm_mon + 1,
                       t.tm_mday, t.tm_year % 100, t.tm_hour, t.tm_min, t.tm_sec, (int)(ms % 1000),
                       ms * 1000);
}

/* "163:HSM Error: RET_USER_LOGIN_FAILURE": the documented code where there is one, else the CKR_ value. */
static void response_put(const json_t *record, char out[200])
{
        const char *reason = text_of(record, "reason");
        uint64_t result = 0;
        int id = ERR_NONE;

        (void)text_number(text_of(record, "result"), 0, UINT32_MAX, &result);
        for (int i = 1; i < ERR_COUNT && reason[0]; i++) {
                if (strcmp(err_row((enum err_id)i)->name, reason) == 0)
                        id = i;
        }
        if (result == 0) {
                (void)snprintf(out, 200, "0:HSM Return: SUCCESS");
                return;
        }
        for (const struct util_hsm_code *row = util_hsm_codes; row->text; row++) {
                if (row->id == (enum err_id)id) {
                        (void)snprintf(out, 200, "%u:%s", row->code, row->text);
                        return;
                }
        }
        (void)snprintf(out, 200, "%" PRIu64 ":HSM Error: %s", result,
                       id ? err_row((enum err_id)id)->text : reason);
}

static void entry_read(const json_t *record, struct entry *e)
{
        *e = (struct entry){ .record = record,
                             .ms = (int64_t)number_of(record, "ms"),
                             .operation = text_of(record, "op"),
                             .sequence = number_of(record, "seq"),
                             .boot = number_of(record, "boot"),
                             .object = number_of(record, "object"),
                             .user = text_of(record, "user"),
                             .subject = text_of(record, "subject"),
                             .reason = text_of(record, "reason") };
        time_put(e->ms, e->time);
        response_put(record, e->response);
        e->command =
            strncmp(e->operation, "CN_CERT_AUTH_", 13) == 0 ? "CN_CERT_AUTH_CMD (0x9)" : "CN_MGMT_CMD (0x0)";
        (void)snprintf(e->opcode, sizeof(e->opcode), "%s (%s)", e->operation, text_of(record, "opcode"));
        (void)snprintf(e->session, sizeof(e->session), "0x%s",
                       text_of(record, "context")[0] ? text_of(record, "context") : "0");
        if (strcmp(e->operation, "CN_GENERATE_KEY_PAIR") == 0)
                e->public_object = number_of(record, "object2");
        e->type = e->object       ? "MGMT_KEY_DETAILS_LOG (1)"
                  : e->subject[0] ? "MGMT_USER_DETAILS_LOG (2)"
                                  : "MINIMAL_LOG_ENTRY (0)";
}

/* ---- JSON Lines with the documented names ---- */

static void pair(struct buf *line, const char *name, const char *value)
{
        buf_put_text(line, line->n > 1 ? "," : "");
        buf_put_json(line, slice_str(name));
        buf_put_text(line, ":");
        buf_put_json(line, slice_str(value));
}

static void pair_hex(struct buf *line, const char *name, uint64_t value)
{
        char text[24];

        (void)snprintf(text, sizeof(text), "0x%" PRIx64, value);
        pair(line, name, text);
}

static bool documented_put(const json_t *record, struct buf *line)
{
        struct entry e;

        entry_read(record, &e);
        buf_put_text(line, "{");
        pair(line, "Time", e.time);
        pair_hex(line, "Sequence No", e.sequence);
        pair_hex(line, "Reboot counter", e.boot);
        pair(line, "Command Type(hex)", e.command);
        pair(line, "Opcode", e.opcode);
        pair(line, "Session Handle", e.session);
        pair(line, "Response", e.response);
        pair(line, "Log type", e.type);
        if (e.object)
                pair_hex(line, "Priv/Secret Key Handle", e.object);
        if (e.public_object)
                pair_hex(line, "Public Key Handle", e.public_object);
        if (e.subject[0])
                pair(line, "User Name", e.subject);
        if (e.user[0])
                pair(line, "Caller", e.user);
        pair(line, "User Type", text_of(record, "role"));
        if (text_of(record, "udd")[0])
                pair(line, "User Defined Data", text_of(record, "udd"));
        pair(line, "Node", text_of(record, "node"));
        pair(line, "Chain", text_of(record, "chain"));
        buf_put_text(line, "}\n");
        return buf_ok(line);
}

/* ---- CEF ---- */

/* `special` and the backslash are escaped; a line's end is written as \n. */
static void cef_text(struct buf *line, const char *text, char special)
{
        for (; *text; text++) {
                if (*text == '\n' || *text == '\r') {
                        buf_put_text(line, "\\n");
                        continue;
                }
                if (*text == special || *text == '\\')
                        buf_put_u8(line, '\\');
                buf_put_u8(line, (uint8_t)*text);
        }
}

static void cef_pair(struct buf *line, const char *name, const char *value)
{
        if (!value[0])
                return;
        buf_put_text(line, " ");
        buf_put_text(line, name);
        buf_put_text(line, "=");
        cef_text(line, value, '=');
}

/* "127.0.0.1:36306 CN=host" as src, spt and shost. */
static void cef_peer(struct buf *line, const char *peer)
{
        char address[80];
        const char *name = strstr(peer, " CN=");
        char *port;

        (void)snprintf(address, sizeof(address), "%.*s", (int)strcspn(peer, " "), peer);
        port = strrchr(address, ':');
        if (port)
                *port++ = '\0';
        address[strcspn(address, "]")] = '\0'; /* "[::1]" */
        cef_pair(line, "src", address[0] == '[' ? address + 1 : address);
        cef_pair(line, "spt", port ? port : "");
        cef_pair(line, "shost", name ? name + 4 : "");
}

/* A custom field: its label is the documented name. */
static void cef_custom(struct buf *line, const char *field, const char *label, const char *value)
{
        buf_printf(line, " %sLabel=%s %s=", field, label, field);
        cef_text(line, value, '=');
}

static void cef_number(struct buf *line, const char *field, const char *label, uint64_t value)
{
        buf_printf(line, " %sLabel=%s %s=%" PRIu64, field, label, field, value);
}

static bool cef_put(const json_t *record, struct buf *line)
{
        struct entry e;
        char number[32];

        entry_read(record, &e);
        buf_put_text(line, "CEF:0|chsm|chsm|" CHSM_VERSION "|");
        cef_text(line, text_of(record, "opcode"), '|');
        buf_put_text(line, "|");
        cef_text(line, e.operation, '|');
        buf_put_text(line, e.reason[0] ? "|6|" : "|3|");
        buf_printf(line, "rt=%" PRId64, e.ms);
        cef_pair(line, "dvchost", text_of(record, "node"));
        cef_peer(line, text_of(record, "peer"));
        cef_pair(line, "suser", e.user);
        cef_pair(line, "spriv", text_of(record, "role"));
        cef_pair(line, "duser", e.subject);
        cef_pair(line, "outcome", e.reason[0] ? "failure" : "success");
        cef_pair(line, "reason", e.reason);
        (void)snprintf(number, sizeof(number), "%" PRIu64, e.object);
        cef_pair(line, "fileId", e.object ? number : "");
        cef_number(line, "cn1", "Sequence No", e.sequence);
        cef_number(line, "cn2", "Reboot counter", e.boot);
        cef_custom(line, "cs1", "Command Type", e.command);
        cef_custom(line, "cs2", "Opcode", e.opcode);
        cef_custom(line, "cs3", "Session Handle", e.session);
        cef_custom(line, "cs4", "Response", e.response);
        cef_custom(line, "cs5", "Log type", e.type);
        cef_custom(line, "cs6", "Chain", text_of(record, "chain"));
        cef_pair(line, "flexString1", text_of(record, "udd"));
        cef_pair(line, "msg", text_of(record, "detail"));
        buf_put_text(line, "\n");
        return buf_ok(line);
}

static const struct audit_format formats[] = {
        { "jsonl", NULL, NULL, "the export alone, which verifyAuditLog checks" },
        { "documented", "-documented.jsonl", documented_put, "JSON Lines with the documented field names" },
        { "cef", ".cef", cef_put, "Common Event Format" },
};

const struct audit_format *audit_format_find(const char *name)
{
        for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
                if (strcmp(formats[i].name, name) == 0)
                        return &formats[i];
        }
        return NULL;
}

/* Manifest, bridges and signatures are no records: those have an operation. */
static bool line_convert(const struct audit_format *format, const char *text, size_t n, FILE *out)
{
        json_t *record = json_loadb(text, n, 0, NULL);
        struct buf line = BUF_INIT;
        bool ok = record != NULL;

        if (ok && json_object_get(record, "op"))
                ok = format->put(record, &line) && fwrite(line.p, 1, line.n, out) == line.n;
        json_decref(record);
        buf_clear(&line);
        return ok;
}

uint32_t audit_format_file(struct shell *sh, const struct audit_format *format, const char *from,
                           const char *to)
{
        FILE *in = fopen(from, "re"), *out = in ? fopen(to, "we") : NULL;
        char *text = NULL;
        size_t cap = 0;
        ssize_t n = 0;
        bool ok = in && out && fchmod(fileno(out), 0600) == 0;

        while (ok && (n = getline(&text, &cap, in)) > 0)
                ok = line_convert(format, text, (size_t)n, out);
        if (out && fclose(out) != 0)
                ok = false;
        if (in)
                (void)fclose(in);
        free(text);
        if (ok)
                return 0;
        err_set_errno(&sh->err, ERR_FILE, errno, "'%s' cannot be written from '%s'", to, from);
        return err_ckr(&sh->err);
}
