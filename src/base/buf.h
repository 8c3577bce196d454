/* The one writer and the one reader of bytes.
 *
 * A buf grows; a failed write (no memory, limit) sticks, so many writes can be asked about once with buf_ok.
 * A reader walks over a slice; a read succeeds whole or fails for good and leaves zero values, and reader_end
 * refuses leftovers. All integers are big-endian. Neither may hold secrets: those live in struct sec. */
#ifndef CHSM_BASE_BUF_H
#define CHSM_BASE_BUF_H

#include "base/slice.h"

struct buf {
        uint8_t *p;
        size_t n;    /* bytes written */
        size_t cap;  /* bytes allocated */
        bool failed; /* sticks until buf_reset or buf_clear */
};

#define BUF_INIT ((struct buf){ NULL, 0, 0, false })
/* A buf refuses to grow past this: nothing chsm handles in one piece is larger. */
#define BUF_MAX ((size_t)64 * 1024 * 1024)

void buf_reset(struct buf *); /* forget the content and any failure, keep the memory */
/* Gives back what is not used, of a buf that is kept long and grows no more. */
void buf_trim(struct buf *);
void buf_clear(struct buf *); /* free the memory; the buf is as after BUF_INIT */
bool buf_ok(const struct buf *);
struct slice buf_slice(const struct buf *); /* valid until the next write */

/* Makes room for n more bytes and returns where they go (they count as written), or NULL. */
uint8_t *buf_extend(struct buf *, size_t n);
void buf_put(struct buf *, const void *p, size_t n);
void buf_put_slice(struct buf *, struct slice);
void buf_put_u8(struct buf *, uint8_t);
void buf_put_u16(struct buf *, uint16_t);
void buf_put_u32(struct buf *, uint32_t);
void buf_put_u64(struct buf *, uint64_t);
/* u32 length, then the bytes. */
void buf_put_block(struct buf *, struct slice);
/* Text is appended without its NUL. */
void buf_put_text(struct buf *, const char *);
void buf_printf(struct buf *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A number in digits of base 10 or 16 (lower case), without leading zeros: where a record a request is
 * written, printf costs more than all the rest. */
void buf_put_number(struct buf *, uint64_t, unsigned base);
/* Lower-case hex digits of the bytes. */
void buf_put_hex(struct buf *, struct slice);
/* A JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void buf_put_json(struct buf *, struct slice text);
/* The content as a NUL-terminated string (the NUL is not counted in n), or NULL after a failure. */
const char *buf_text(struct buf *);

struct reader {
        struct slice rest;
        bool failed;
};

static inline struct reader reader_of(struct slice s)
{
        return (struct reader){ s, false };
}

uint8_t reader_u8(struct reader *);
uint16_t reader_u16(struct reader *);
uint32_t reader_u32(struct reader *);
uint64_t reader_u64(struct reader *);
/* Exactly n bytes, lent from the input. */
struct slice reader_bytes(struct reader *, size_t n);
/* What buf_put_block wrote; refused when its length is above max. */
struct slice reader_block(struct reader *, size_t max);
bool reader_ok(const struct reader *);
/* True when nothing failed and nothing is left over. */
bool reader_end(const struct reader *);

#endif
