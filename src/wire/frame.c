/* Gathering frames, looking into undecoded ones, decoding into an arena and encoding. */
#include "wire/frame.h"
#include "base/sec.h"

#include <stdlib.h>

#define SPACE_LOGIN 4096  /* bytes there is room for at each read, before login */
#define SPACE_LEAST 16384 /* and after it: a TLS record */

struct wire_reader {
        uint8_t *p;
        size_t cap, start, end; /* unread bytes are [start, end) */
        size_t limit;
};

struct wire_reader *wire_reader_new(size_t limit)
{
        struct wire_reader *r = calloc(1, sizeof(*r));

        if (r)
                r->limit = limit;
        return r;
}

void wire_reader_free(struct wire_reader **rp)
{
        if (!*rp)
                return;
        if ((*rp)->p)
                sec_wipe((*rp)->p, (*rp)->cap);
        free((*rp)->p);
        free(*rp);
        *rp = NULL;
}

void wire_reader_limit(struct wire_reader *r, size_t limit)
{
        r->limit = limit;
}

static size_t frame_size(const struct wire_reader *r)
{
        const uint8_t *h = r->p + r->start;

        return (size_t)h[0] << 24 | (size_t)h[1] << 16 | (size_t)h[2] << 8 | h[3];
}

uint8_t *wire_reader_space(struct wire_reader *r, size_t *room)
{
        size_t have = r->end - r->start;
        size_t want = have + (r->limit > WIRE_LIMIT_LOGIN ? SPACE_LEAST : SPACE_LOGIN);

        if (have >= WIRE_HEADER_SIZE && frame_size(r) <= r->limit && frame_size(r) + WIRE_HEADER_SIZE > want)
                want = frame_size(r) + WIRE_HEADER_SIZE;
        if (r->start) {
                memmove(r->p, r->p + r->start, have);
                sec_wipe(r->p + have, r->start); /* what the moved bytes left behind */
                r->start = 0;
                r->end = have;
        }
        if (want > r->cap) {
                size_t cap = r->cap * 2 > want ? r->cap * 2 : want;
                uint8_t *p = malloc(cap);

                if (!p)
                        return NULL;
                if (have)
                        memcpy(p, r->p, have);
                if (r->p)
                        sec_wipe(r->p, r->cap);
                free(r->p);
                r->p = p;
                r->cap = cap;
        }
        *room = r->cap - r->end;
        return r->p + r->end;
}

void wire_reader_filled(struct wire_reader *r, size_t n)
{
        r->end += n;
}

enum wire_next wire_reader_next(struct wire_reader *r, uint8_t **frame, size_t *n, struct err *err)
{
        size_t have = r->end - r->start, size;

        if (have < WIRE_HEADER_SIZE)
                return WIRE_MORE;
        size = frame_size(r);
        if (size == 0 || size > r->limit) {
                err_set(err, ERR_FRAME, "a frame of %zu bytes; 1 to %zu are taken on this connection", size,
                        r->limit);
                return WIRE_BAD;
        }
        if (have < WIRE_HEADER_SIZE + size)
                return WIRE_MORE;
        *frame = r->p + r->start + WIRE_HEADER_SIZE;
        *n = size;
        r->start += WIRE_HEADER_SIZE + size;
        return WIRE_FRAME;
}

/* ---- undecoded messages ---- */

#define ID_TAG        0x09 /* field 1, fixed64 */
#define TICKET_TAG    0x12 /* field 2, bytes */
#define WANTED_TAG    0x18 /* field 3 of a request, varint */
#define DEADLINE_TAG  0x20 /* field 4 of a request, varint */
#define SHOWN_TAG     0x28 /* field 5 of a response, varint */
#define ONCE_TAG      0x2a /* field 5 of a request, bytes: what must not be done twice has it */
#define CONTEXT_TAG   0x32 /* field 6, bytes */
#define BODY_TAG      0x52 /* field 10, the first body; the envelope comes before */
#define ID_SIZE       9
#define STREAM_TAG    (63 << 3 | 2) /* of stream_part */
#define STREAM_ID_TAG (1 << 3)

bool wire_frame_id(struct slice frame, uint64_t *id)
{
        if (frame.n < ID_SIZE || frame.p[0] != ID_TAG)
                return false;
        *id = 0;
        for (int i = 8; i >= 1; i--)
                *id = *id << 8 | frame.p[i];
        return *id != 0;
}

bool wire_frame_set_id(uint8_t *frame, size_t n, uint64_t id)
{
        if (n < ID_SIZE || frame[0] != ID_TAG)
                return false;
        for (int i = 1; i <= 8; i++, id >>= 8)
                frame[i] = (uint8_t)id;
        return true;
}

/* A protobuf varint; fails the reader when longer than 64 bits. */
static uint64_t varint(struct reader *r)
{
        uint64_t value = 0;

        for (unsigned shift = 0; shift < 64; shift += 7) {
                uint8_t byte = reader_u8(r);

                value |= (uint64_t)(byte & 0x7f) << shift;
                if (!(byte & 0x80))
                        return value;
        }
        r->failed = true;
        return 0;
}

/* Skips one field's value; fails on what proto3 does not know. */
static void field_skip(struct reader *r, unsigned type)
{
        switch (type) {
        case 0:
                (void)varint(r);
                break;
        case 1:
                (void)reader_bytes(r, 8);
                break;
        case 2:
                (void)reader_bytes(r, (size_t)varint(r));
                break;
        case 5:
                (void)reader_bytes(r, 4);
                break;
        default:
                r->failed = true;
        }
}

bool wire_frame_login(struct slice frame, struct slice *ticket, struct slice *context)
{
        struct reader r = reader_of(frame);
        uint64_t tag = ID_TAG;

        *ticket = *context = SLICE_EMPTY;
        if (frame.n < ID_SIZE || frame.p[0] != ID_TAG)
                return false;
        while (reader_ok(&r) && r.rest.n && tag < BODY_TAG) {
                tag = varint(&r);
                if (tag == TICKET_TAG)
                        *ticket = reader_bytes(&r, (size_t)varint(&r));
                else if (tag == CONTEXT_TAG)
                        *context = reader_bytes(&r, (size_t)varint(&r));
                else
                        field_skip(&r, (unsigned)(tag & 7));
        }
        return reader_ok(&r);
}

/* The last varint of that tag before the body. */
static int64_t envelope_number(struct slice frame, uint64_t wanted)
{
        struct reader r = reader_of(frame);
        uint64_t tag = 0, value = 0;

        while (reader_ok(&r) && r.rest.n && tag < BODY_TAG) {
                tag = varint(&r);
                if (tag == wanted)
                        value = varint(&r);
                else
                        field_skip(&r, (unsigned)(tag & 7));
        }
        return reader_ok(&r) && value <= INT64_MAX ? (int64_t)value : 0;
}

int64_t wire_frame_revision(struct slice response)
{
        return envelope_number(response, SHOWN_TAG);
}

int64_t wire_frame_min_revision(struct slice request)
{
        return envelope_number(request, WANTED_TAG);
}

int64_t wire_frame_deadline_ms(struct slice request)
{
        return envelope_number(request, DEADLINE_TAG);
}

void wire_frame_put_min_revision(struct buf *request, int64_t revision)
{
        uint64_t rest = (uint64_t)revision;

        buf_put_u8(request, WANTED_TAG);
        for (; rest >= 0x80; rest >>= 7)
                buf_put_u8(request, (uint8_t)(rest | 0x80));
        buf_put_u8(request, (uint8_t)rest);
}

uint32_t wire_frame_body(struct slice frame)
{
        struct reader r = reader_of(frame);
        uint32_t body = 0;

        while (reader_ok(&r) && r.rest.n) {
                uint64_t tag = varint(&r);

                if (tag >> 3 >= 10 && tag >> 3 < 1000 && (tag & 7) == 2)
                        body = (uint32_t)(tag >> 3);
                field_skip(&r, (unsigned)(tag & 7));
        }
        return reader_ok(&r) ? body : 0;
}

bool wire_frame_use(struct slice frame)
{
        struct reader r = reader_of(frame);
        uint64_t tag = 0;
        const struct wire_row *row;

        if (frame.n < ID_SIZE || frame.p[0] != ID_TAG)
                return false;
        while (reader_ok(&r) && r.rest.n && tag != ONCE_TAG) {
                tag = varint(&r);
                if (tag >= BODY_TAG)
                        break;
                field_skip(&r, (unsigned)(tag & 7));
        }
        row = reader_ok(&r) && tag >= BODY_TAG ? wire_row_find((uint32_t)(tag >> 3)) : NULL;
        return row && row->use;
}

uint64_t wire_frame_stream(struct slice frame)
{
        struct reader r = reader_of(frame), body;
        uint64_t tag = 0;

        if (frame.n < ID_SIZE || frame.p[0] != ID_TAG)
                return 0;
        while (reader_ok(&r) && r.rest.n && tag < BODY_TAG) {
                tag = varint(&r);
                if (tag == STREAM_TAG) {
                        body = reader_of(reader_bytes(&r, (size_t)varint(&r)));
                        return varint(&body) == STREAM_ID_TAG ? varint(&body) : 0;
                }
                if (tag < BODY_TAG)
                        field_skip(&r, (unsigned)(tag & 7));
        }
        return 0;
}

/* ---- decoding and encoding ---- */

static void *decode_alloc(void *arena, size_t n)
{
        return arena_alloc(arena, n);
}

static void decode_free(void *arena, void *p)
{
        (void)arena;
        (void)p; /* the arena's reset takes all */
}

Chsm__Request *wire_request_decode(struct arena *arena, struct slice frame, struct err *err)
{
        ProtobufCAllocator allocator = { decode_alloc, decode_free, arena };
        Chsm__Request *request = chsm__request__unpack(&allocator, frame.n, frame.p);
        const struct wire_row *row;

        if (!request) {
                err_set(err, ERR_FRAME, "a request of %zu bytes cannot be decoded", frame.n);
                return NULL;
        }
        if (request->id == 0) {
                err_set(err, ERR_FRAME, "a request without an id");
                return NULL;
        }
        row = wire_row_find((uint32_t)request->body_case);
        if (!row) {
                err_set(err, ERR_FRAME,
                        "a request whose body is not known: use matching versions on both sides");
                return NULL;
        }
        if (request->ticket.len > 1024 || request->authorisation.len > 1024 ||
            (request->context.len && request->context.len != WIRE_CONTEXT_SIZE) ||
            (request->idempotency.len && request->idempotency.len != WIRE_IDEMPOTENCY_SIZE) ||
            request->min_revision < 0) {
                err_set(err, ERR_FRAME,
                        "%s: ticket, authorisation, context, idempotency key or revision out of range",
                        row->name);
                return NULL;
        }
        if (row->check && !row->check(request, err)) {
                err_prefix(err, "%s", row->name);
                return NULL;
        }
        return request;
}

Chsm__Response *wire_response_decode(struct arena *arena, struct slice frame, struct err *err)
{
        ProtobufCAllocator allocator = { decode_alloc, decode_free, arena };
        Chsm__Response *response = chsm__response__unpack(&allocator, frame.n, frame.p);

        if (!response || response->id == 0) {
                err_set(err, ERR_FRAME, "an answer of %zu bytes cannot be decoded", frame.n);
                return NULL;
        }
        return response;
}

static bool encode(const ProtobufCMessage *message, struct buf *out)
{
        size_t n = protobuf_c_message_get_packed_size(message);
        uint8_t *at;

        if (n == 0 || n > WIRE_LIMIT_HIGHEST)
                return false;
        buf_put_u32(out, (uint32_t)n);
        at = buf_extend(out, n);
        return at && protobuf_c_message_pack(message, at) == n;
}

bool wire_request_encode(const Chsm__Request *request, struct buf *out)
{
        return encode(&request->base, out);
}

bool wire_response_encode(const Chsm__Response *response, struct buf *out)
{
        return encode(&response->base, out);
}
