/* Records as JSON, with the documented field names. What all of a node's records share is made once. */
#include "base/clock.h"
#include "events/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool events_format_open(struct events_format *f, const struct events_config *c)
{
        struct buf *t = &f->tail;

        *f = (struct events_format){ .node = c->node, .names = c->names, .tail = BUF_INIT, .second = -1 };
        f->start_ms = clock_system().wall_ms(NULL);
        buf_put_text(t, "\",\"MemberId\":");
        buf_put_json(t, slice_str(c->node));
        buf_put_text(t, ",\"PoolType\":\"cloudhsm\",\"Sku\":{\"Family\":\"B\",\"Name\":\"Standard_B1\"},"
                        "\"SourceSystem\":\"\",\"TenantId\":");
        buf_put_json(t, slice_str(c->tenant));
        buf_put_text(t, ",\"Type\":\"CloudHsmServiceOperationAuditLogs\",\"_ResourceId\":");
        buf_put_json(t, slice_str(c->resource));
        buf_put_text(t, "}\n");
        return buf_ok(t);
}

void events_format_close(struct events_format *f)
{
        buf_clear(&f->tail);
}

static void put_time(struct events_format *f, int64_t ms, struct buf *out)
{
        char fraction[6] = { '.', (char)('0' + ms / 100 % 10), (char)('0' + ms / 10 % 10),
                             (char)('0' + ms % 10), 'Z' };
        char text[CLOCK_TEXT_SIZE];

        if (ms / 1000 != f->second) {
                f->second = ms / 1000;
                (void)clock_text(f->second * 1000, text);
                memcpy(f->second_text, text, 19);
                f->second_text[19] = '\0';
        }
        buf_put(out, f->second_text, 19);
        buf_put(out, fraction, 5);
}

#define PUT(out, literal) buf_put(out, literal, sizeof(literal) - 1)

/* "127.0.0.1:36306 CN=host" -> 127.0.0.1 */
static void put_address(const char *peer, struct buf *out)
{
        size_t n = strcspn(peer, " ");
        const char *port = memrchr(peer, ':', n);

        n = port ? (size_t)(port - peer) : n;
        if (n > 1 && peer[0] == '[' && peer[n - 1] == ']')
                peer++, n -= 2;
        buf_put(out, peer, n);
}

static void put_result(enum err_id reason, struct buf *out)
{
        const struct err_row *row = err_row(reason);

        if (reason == ERR_NONE) {
                PUT(out, "\",\"ResultType\":\"Success\",\"ResultSignature\":\"\",\"ResultDescription\":\"\"");
                return;
        }
        PUT(out, "\",\"ResultType\":\"Failure\",\"ResultSignature\":\"");
        buf_put_text(out, row->name);
        PUT(out, "\",\"ResultDescription\":");
        buf_put_json(out, slice_str(row->text));
}

/* In milliseconds, with the microseconds behind the point. */
static void put_duration(uint64_t us, struct buf *out)
{
        char fraction[4] = { '.', (char)('0' + us / 100 % 10), (char)('0' + us / 10 % 10),
                             (char)('0' + us % 10) };

        PUT(out, ",\"DurationMs\":");
        buf_put_number(out, us / 1000, 10);
        buf_put(out, fraction, 4);
}

/* "chsm-client/0.1.0" -> "chsm-client / 0.1.0", and the version alone. */
static void put_client(const char *client, struct buf *out)
{
        const char *slash = strchr(client, '/');
        size_t n = slash ? (size_t)(slash - client) : strlen(client);

        if (strpbrk(client, "\"\\")) { /* a peer's own words: no more than plain ones are passed on */
                PUT(out, "\"ClientInfo\":\"\",\"ClientSdkPackageVersion\":\"");
                return;
        }
        PUT(out, "\"ClientInfo\":\"");
        buf_put(out, client, n);
        PUT(out, " / ");
        buf_put_text(out, slash ? slash + 1 : "");
        PUT(out, "\",\"ClientSdkPackageVersion\":\"");
        buf_put_text(out, slash ? slash + 1 : "");
}

static void put_id(struct events_format *f, struct buf *out)
{
        PUT(out, ",\"RecordId\":\"");
        buf_put_number(out, (uint64_t)f->start_ms, 16);
        PUT(out, "-");
        buf_put_number(out, f->number++, 10);
        PUT(out, "\",");
}

static void put_names(const struct events_slot *s, struct buf *out)
{
        PUT(out, "\"UserName\":");
        buf_put_json(out, slice_str(s->user));
        PUT(out, ",\"KeyHandle\":");
        buf_put_number(out, s->object, 10);
        PUT(out, ",\"SessionHandle\":\"0x");
        buf_put_number(out, s->session, 16);
        PUT(out, "\",");
}

void events_format_put(struct events_format *f, const struct events_slot *s, struct buf *out)
{
        PUT(out, "{\"TimeGenerated\":\"");
        put_time(f, s->time_ms, out);
        PUT(out, "\",\"OperationName\":\"");
        buf_put_text(out, s->operation);
        PUT(out, "\",\"CallerIpAddress\":\"");
        put_address(s->address, out);
        put_result(s->reason, out);
        put_duration(s->duration_us, out);
        PUT(out, ",\"Opcode\":\"");
        if (s->opcode < 16)
                PUT(out, " ");
        buf_put_number(out, s->opcode, 16);
        PUT(out, "\"");
        put_id(f, out);
        if (f->names)
                put_names(s, out);
        put_client(s->client, out);
        buf_put_slice(out, buf_slice(&f->tail));
}

void events_format_lost(struct events_format *f, uint64_t lost, struct buf *out)
{
        PUT(out, "{\"TimeGenerated\":\"");
        put_time(f, clock_system().wall_ms(NULL), out);
        PUT(out,
            "\",\"OperationName\":\"CHSM_EVENTS_LOST\",\"CallerIpAddress\":\"\",\"ResultType\":\"Failure\","
            "\"ResultSignature\":\"events-lost\",\"ResultDescription\":\"");
        buf_put_number(out, lost, 10);
        PUT(out, " records could not be kept\",\"Lost\":");
        buf_put_number(out, lost, 10);
        put_duration(0, out);
        PUT(out, ",\"Opcode\":\" 0\"");
        put_id(f, out);
        put_client("", out);
        buf_put_slice(out, buf_slice(&f->tail));
}

struct slice events_line_field(struct slice line, const char *name)
{
        char mark[64];
        size_t n = (size_t)snprintf(mark, sizeof(mark), "\"%s\":\"", name);
        const uint8_t *at = memmem(line.p, line.n, mark, n), *end;

        if (!at)
                return SLICE_EMPTY;
        at += n;
        end = memchr(at, '"', (size_t)(line.p + line.n - at));
        return end ? slice_of(at, (size_t)(end - at)) : SLICE_EMPTY;
}
