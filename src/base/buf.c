#include "base/buf.h"
#include "base/sec.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buf_reset(struct buf *b)
{
        b->n = 0;
        b->failed = false;
}

void buf_clear(struct buf *b)
{
        if (b->p)
                sec_wipe(b->p, b->cap);
        free(b->p);
        *b = BUF_INIT;
}

void buf_trim(struct buf *b)
{
        uint8_t *p;

        if (b->failed || b->n == b->cap || b->n == 0)
                return;
        p = malloc(b->n);
        if (!p)
                return; /* larger than needed is no harm */
        memcpy(p, b->p, b->n);
        sec_wipe(b->p, b->cap);
        free(b->p);
        b->p = p;
        b->cap = b->n;
}

bool buf_ok(const struct buf *b)
{
        return !b->failed;
}

struct slice buf_slice(const struct buf *b)
{
        return slice_of(b->p, b->failed ? 0 : b->n);
}

/* Grows by copying into fresh memory and wiping the old, so that no trace of the content stays behind. */
static bool buf_grow(struct buf *b, size_t need)
{
        size_t cap = b->cap ? b->cap : 64;
        uint8_t *p;

        while (cap < need)
                cap *= 2;
        p = malloc(cap);
        if (!p)
                return false;
        if (b->n)
                memcpy(p, b->p, b->n);
        if (b->p)
                sec_wipe(b->p, b->cap);
        free(b->p);
        b->p = p;
        b->cap = cap;
        return true;
}

uint8_t *buf_extend(struct buf *b, size_t n)
{
        uint8_t *at;

        if (b->failed)
                return NULL;
        if (n > BUF_MAX || b->n > BUF_MAX - n || (b->n + n > b->cap && !buf_grow(b, b->n + n)) ||
            (!b->p && !buf_grow(b, 1))) {
                b->failed = true;
                return NULL;
        }
        at = b->p + b->n;
        b->n += n;
        return at;
}

void buf_put(struct buf *b, const void *p, size_t n)
{
        uint8_t *at = buf_extend(b, n);

        if (at && n)
                memcpy(at, p, n);
}

void buf_put_slice(struct buf *b, struct slice s)
{
        buf_put(b, s.p, s.n);
}

static void put_integer(struct buf *b, uint64_t value, unsigned bytes)
{
        uint8_t *at = buf_extend(b, bytes);

        for (unsigned i = bytes; at && i > 0; i--, value >>= 8)
                at[i - 1] = (uint8_t)value;
}

void buf_put_u8(struct buf *b, uint8_t value)
{
        put_integer(b, value, 1);
}

void buf_put_u16(struct buf *b, uint16_t value)
{
        put_integer(b, value, 2);
}

void buf_put_u32(struct buf *b, uint32_t value)
{
        put_integer(b, value, 4);
}

void buf_put_u64(struct buf *b, uint64_t value)
{
        put_integer(b, value, 8);
}

void buf_put_block(struct buf *b, struct slice s)
{
        if (s.n > UINT32_MAX) {
                b->failed = true;
                return;
        }
        buf_put_u32(b, (uint32_t)s.n);
        buf_put_slice(b, s);
}

void buf_put_text(struct buf *b, const char *text)
{
        buf_put_slice(b, slice_str(text));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
        char line[512], *p = line;
        va_list args;
        int n;

        va_start(args, fmt);
        n = vsnprintf(line, sizeof(line), fmt, args);
        va_end(args);
        if (n >= (int)sizeof(line)) {
                va_start(args, fmt);
                n = vasprintf(&p, fmt, args);
                va_end(args);
        }
        if (n < 0) {
                b->failed = true;
                return;
        }
        buf_put(b, p, (size_t)n);
        if (p != line)
                free(p);
}

void buf_put_number(struct buf *b, uint64_t n, unsigned base)
{
        char digits[20];
        size_t at = sizeof(digits);

        do
                digits[--at] = "0123456789abcdef"[n % base];
        while (n /= base);
        buf_put(b, digits + at, sizeof(digits) - at);
}

void buf_put_hex(struct buf *b, struct slice s)
{
        static const char digits[] = "0123456789abcdef";
        uint8_t *at = s.n <= BUF_MAX ? buf_extend(b, s.n * 2) : NULL;

        if (!at) {
                b->failed = true;
                return;
        }
        for (size_t i = 0; i < s.n; i++) {
                at[2 * i] = (uint8_t)digits[s.p[i] >> 4];
                at[2 * i + 1] = (uint8_t)digits[s.p[i] & 15];
        }
}

const char *buf_text(struct buf *b)
{
        if (!buf_extend(b, 1))
                return NULL;
        b->n--;
        b->p[b->n] = '\0';
        return (const char *)b->p;
}

struct slice reader_bytes(struct reader *r, size_t n)
{
        struct slice s;

        if (r->failed || n > r->rest.n) {
                r->failed = true;
                return SLICE_EMPTY;
        }
        s = slice_of(r->rest.p, n);
        r->rest = n ? slice_of(r->rest.p + n, r->rest.n - n) : r->rest;
        return s;
}

static uint64_t read_integer(struct reader *r, unsigned bytes)
{
        struct slice s = reader_bytes(r, bytes);
        uint64_t value = 0;

        for (size_t i = 0; i < s.n; i++)
                value = value << 8 | s.p[i];
        return value;
}

uint8_t reader_u8(struct reader *r)
{
        return (uint8_t)read_integer(r, 1);
}

uint16_t reader_u16(struct reader *r)
{
        return (uint16_t)read_integer(r, 2);
}

uint32_t reader_u32(struct reader *r)
{
        return (uint32_t)read_integer(r, 4);
}

uint64_t reader_u64(struct reader *r)
{
        return read_integer(r, 8);
}

struct slice reader_block(struct reader *r, size_t max)
{
        struct reader before = *r;
        uint32_t n = reader_u32(r);

        if (r->failed || n > max || n > r->rest.n) {
                *r = before;
                r->failed = true;
                return SLICE_EMPTY;
        }
        return reader_bytes(r, n);
}

bool reader_ok(const struct reader *r)
{
        return !r->failed;
}

bool reader_end(const struct reader *r)
{
        return !r->failed && r->rest.n == 0;
}
