/* Frames: a 4-byte big-endian length, then one protobuf message. DESIGN section 5.1.
 *
 * frame_reader gathers bytes from a socket into whole frames, refusing a length above the limit in force
 * before it allocates anything for it. Requests and responses are decoded into an arena and checked field by
 * field against wire_rows.c; nothing is trusted before that. */
#ifndef CHSM_WIRE_FRAME_H
#define CHSM_WIRE_FRAME_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "chsm.pb-c.h"

#define WIRE_HEADER_SIZE      4
#define WIRE_LIMIT_LOGIN      4096          /* frame bytes before a valid ticket was seen on the connection */
#define WIRE_LIMIT_PRESET     (1024 * 1024) /* frame bytes after; configurable */
#define WIRE_LIMIT_HIGHEST    (16 * 1024 * 1024)
#define WIRE_CONTEXT_SIZE     16
#define WIRE_IDEMPOTENCY_SIZE 16

/* Gathers frames from a byte stream. Not thread-safe. */
struct wire_reader;
struct wire_reader *wire_reader_new(size_t limit);
void wire_reader_free(struct wire_reader **); /* wipes */
void wire_reader_limit(struct wire_reader *, size_t limit);
/* Where to read the next bytes into: *room bytes at the result. NULL when out of memory. */
uint8_t *wire_reader_space(struct wire_reader *, size_t *room);
void wire_reader_filled(struct wire_reader *, size_t n);
enum wire_next { WIRE_FRAME, WIRE_MORE, WIRE_BAD };
/* The next whole frame without its header, writable (a relay changes the id in place), valid until the next
 * call of wire_reader_space. WIRE_BAD: err says why; the connection must be closed. */
enum wire_next wire_reader_next(struct wire_reader *, uint8_t **frame, size_t *n, struct err *);

/* The id of an undecoded message (first field, fixed64), and its replacement. False: not one of ours. */
bool wire_frame_id(struct slice frame, uint64_t *id);
bool wire_frame_set_id(uint8_t *frame, size_t n, uint64_t id);
/* Lends ticket and application context of an undecoded request; empty when absent. False: malformed. */
bool wire_frame_login(struct slice frame, struct slice *ticket, struct slice *context);
/* The revision of an undecoded response, and the lowest one that an undecoded request wants to see; 0: none.
 */
int64_t wire_frame_revision(struct slice response);
int64_t wire_frame_min_revision(struct slice request);
/* Appends a later min_revision to an undecoded request: in protobuf the last one holds. */
void wire_frame_put_min_revision(struct buf *request, int64_t revision);
/* The body's field number of an undecoded request or response: 0 when it has none. */
uint32_t wire_frame_body(struct slice frame);
/* The stream that an undecoded request goes on with; 0: it is no part of one. Cheap for all other requests.
 */
uint64_t wire_frame_stream(struct slice frame);

/* How long the sender of an undecoded request still waits; 0: it does not say. */
int64_t wire_frame_deadline_ms(struct slice request);
/* Is the undecoded request a use or a read, which two nodes may do at once? Not one that spends an
 * authorisation. */
bool wire_frame_use(struct slice frame);

/* Decoded messages live in the arena. ERR_FRAME names message and field of what is wrong. logged_in false:
 * only bodies that need no login are accepted (ERR_PROTOCOL otherwise). */
Chsm__Request *wire_request_decode(struct arena *, struct slice frame, struct err *);
Chsm__Response *wire_response_decode(struct arena *, struct slice frame, struct err *);
/* Appends header and message. False when larger than WIRE_LIMIT_HIGHEST or out of memory. */
bool wire_request_encode(const Chsm__Request *, struct buf *);
bool wire_response_encode(const Chsm__Response *, struct buf *);

/* What the wire knows of a request body; one row each in wire_rows.c. */
struct wire_row {
        uint32_t body;     /* field number in Request.body */
        const char *name;  /* "generate_key" */
        bool before_login; /* accepted on a connection that has no valid ticket yet */
        bool mutating;     /* carries an idempotency key; a login does, as its failures are counted */
        bool use;          /* uses a key or shows something, changes nothing: two nodes may do it at once */
        bool (*check)(const Chsm__Request *, struct err *); /* every field's length and range */
};
const struct wire_row *wire_row_find(uint32_t body); /* NULL: unknown */
const struct wire_row *wire_row_at(size_t i);        /* NULL past the end */

#endif
