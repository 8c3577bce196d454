/* A cursor in memory reserved at the end of a buffer: where a record a request is written, a call of buf for
 * each of its thirty pieces costs more than the pieces. Reserve what the pieces need at most, write, end. */
#ifndef CHSM_BASE_PEN_H
#define CHSM_BASE_PEN_H

#include "base/buf.h"
#include "base/text.h"

#include <string.h>

struct pen {
        uint8_t *p;
};

/* At most bytes more; false: no memory, and the buffer has failed. */
static inline bool pen_begin(struct buf *out, size_t most, struct pen *pen)
{
        pen->p = buf_extend(out, most);
        return pen->p != NULL;
}

/* The buffer ends where the pen stands. */
static inline void pen_end(struct buf *out, const struct pen *pen)
{
        out->n = (size_t)(pen->p - out->p);
}

static inline void pen_bytes(struct pen *pen, const void *p, size_t n)
{
        memcpy(pen->p, p, n);
        pen->p += n;
}

/* A string literal: its length is known to the compiler. */
#define PEN(pen, literal) pen_bytes(pen, literal, sizeof(literal) - 1)

/* As buf_put_number; at most 20 bytes. */
static inline void pen_number(struct pen *pen, uint64_t value, unsigned base)
{
        char digits[20];
        size_t n = sizeof(digits);

        if (base == 16) {
                do
                        digits[--n] = "0123456789abcdef"[value & 15];
                while (value >>= 4);
        } else {
                do
                        digits[--n] = (char)('0' + value % 10);
                while (value /= 10);
        }
        pen_bytes(pen, digits + n, sizeof(digits) - n);
}

/* As buf_put_hex; 2 n bytes. */
static inline void pen_hex(struct pen *pen, const uint8_t *p, size_t n)
{
        static const char digits[] = "0123456789abcdef";
        uint8_t *at = pen->p; /* in a register: bytes written might be the pen's own */

        for (size_t i = 0; i < n; i++, at += 2) {
                at[0] = (uint8_t)digits[p[i] >> 4];
                at[1] = (uint8_t)digits[p[i] & 15];
        }
        pen->p = at;
}

/* As buf_put_json; at most TEXT_JSON_MOST(length) bytes. */
static inline void pen_json(struct pen *pen, struct slice text)
{
        pen->p = text_json(text, pen->p);
}

#endif
