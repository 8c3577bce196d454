/* Records as JSON, with the documented field names. What all of a node's records share is made once. */
#include "base/clock.h"
#include "base/pen.h"
#include "events/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool events_format_open(struct events_format *f, const struct events_config *c)
{
        struct buf *t = &f->tail;

        *f = (struct events_format){ .node = c->node, .names = c->names, .tail = BUF_INIT };
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

/* What a record needs at most besides the node's own tail: literals, and the fixed fields of a slot. */
#define HEAD_MOST 320
#define REST_MOST 512

static void pen_three(struct pen *pen, uint64_t value)
{
        const char digits[3] = { (char)('0' + value / 100 % 10), (char)('0' + value / 10 % 10),
                                 (char)('0' + value % 10) };

        pen_bytes(pen, digits, sizeof(digits));
}

static void pen_time(int64_t ms, struct pen *pen)
{
        char text[CLOCK_TEXT_SIZE];

        (void)clock_text(ms, text);
        pen_bytes(pen, text, CLOCK_TEXT_LENGTH);
}

/* "127.0.0.1:36306 CN=host" -> 127.0.0.1 */
static void pen_address(struct pen *pen, const char *peer)
{
        size_t n = strcspn(peer, " ");
        const char *port = memrchr(peer, ':', n);

        n = port ? (size_t)(port - peer) : n;
        if (n > 1 && peer[0] == '[' && peer[n - 1] == ']')
                peer++, n -= 2;
        pen_bytes(pen, peer, n);
}

/* "chsm-client/0.1.0" -> "chsm-client / 0.1.0", and the version alone. */
static void pen_client(struct pen *pen, const char *client)
{
        size_t n = strlen(client), name = n;
        bool plain = true; /* a peer's own words: no more than plain ones are passed on */

        for (size_t i = n; i-- > 0;) {
                if (client[i] == '/')
                        name = i;
                plain = plain && client[i] != '"' && client[i] != '\\';
        }
        PEN(pen, "\"ClientInfo\":\"");
        if (plain) {
                pen_bytes(pen, client, name);
                PEN(pen, " / ");
                pen_bytes(pen, client + name + (name < n), n - name - (name < n));
        }
        PEN(pen, "\",\"ClientSdkPackageVersion\":\"");
        if (plain)
                pen_bytes(pen, client + name + (name < n), n - name - (name < n));
}

static void put_head(int64_t time_ms, const char *operation, const char *address, struct buf *out)
{
        struct pen pen;

        if (!pen_begin(out, HEAD_MOST, &pen))
                return;
        PEN(&pen, "{\"TimeGenerated\":\"");
        pen_time(time_ms, &pen);
        PEN(&pen, "\",\"OperationName\":\"");
        pen_bytes(&pen, operation, strnlen(operation, 64));
        PEN(&pen, "\",\"CallerIpAddress\":\"");
        pen_address(&pen, address);
        pen_end(out, &pen);
}

static void put_failure(const char *signature, const char *description, struct buf *out)
{
        buf_put_text(out, "\",\"ResultType\":\"Failure\",\"ResultSignature\":\"");
        buf_put_text(out, signature);
        buf_put_text(out, "\",\"ResultDescription\":");
        buf_put_json(out, slice_str(description));
}

static void put_names(const struct events_slot *s, struct buf *out)
{
        buf_put_text(out, "\"UserName\":");
        buf_put_json(out, slice_str(s->user));
        buf_printf(out, ",\"KeyHandle\":%" PRIu64 ",\"SessionHandle\":\"0x%x\",", s->object, s->session);
}

/* Duration, opcode, id; and the end with the client. */
static void put_numbers(struct events_format *f, uint64_t us, uint32_t opcode, struct buf *out)
{
        struct pen pen;

        if (!pen_begin(out, REST_MOST, &pen))
                return;
        PEN(&pen, ",\"DurationMs\":");
        pen_number(&pen, us / 1000, 10);
        PEN(&pen, ".");
        pen_three(&pen, us);
        PEN(&pen, ",\"Opcode\":\"");
        if (opcode < 16)
                PEN(&pen, " ");
        pen_number(&pen, opcode, 16);
        PEN(&pen, "\",\"RecordId\":\"");
        pen_number(&pen, (uint64_t)f->start_ms, 16);
        PEN(&pen, "-");
        pen_number(&pen, f->number++, 10);
        PEN(&pen, "\",");
        pen_end(out, &pen);
}

static void put_end(struct events_format *f, const char *client, struct buf *out)
{
        struct pen pen;

        if (!pen_begin(out, REST_MOST + f->tail.n, &pen))
                return;
        pen_client(&pen, client);
        pen_bytes(&pen, f->tail.p, f->tail.n);
        pen_end(out, &pen);
}

void events_format_put(struct events_format *f, const struct events_slot *s, struct buf *out)
{
        put_head(s->time_ms, s->operation, s->address, out);
        if (s->reason == ERR_NONE)
                buf_put_text(out, "\",\"ResultType\":\"Success\",\"ResultSignature\":\"\","
                                  "\"ResultDescription\":\"\"");
        else
                put_failure(err_row((enum err_id)s->reason)->name, err_row((enum err_id)s->reason)->text,
                            out);
        put_numbers(f, s->duration_us, s->opcode, out);
        if (f->names)
                put_names(s, out);
        put_end(f, s->client, out);
}

void events_format_lost(struct events_format *f, uint64_t lost, struct buf *out)
{
        char text[64];

        (void)snprintf(text, sizeof(text), "%" PRIu64 " records could not be kept", lost);
        put_head(clock_system().wall_ms(NULL), "CHSM_EVENTS_LOST", "", out);
        put_failure("events-lost", text, out);
        buf_printf(out, ",\"Lost\":%" PRIu64, lost);
        put_numbers(f, 0, 0, out);
        put_end(f, "", out);
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
