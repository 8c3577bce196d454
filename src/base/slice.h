/* A borrowed run of bytes. A slice never owns what it points to; whoever made the bytes keeps them alive. */
#ifndef CHSM_BASE_SLICE_H
#define CHSM_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
        const uint8_t *p; /* may be NULL only when n is 0 */
        size_t n;         /* bytes */
};

#define SLICE_EMPTY ((struct slice){ NULL, 0 })
/* A string literal or array without its final NUL. */
#define SLICE_LIT(text) ((struct slice){ (const uint8_t *)("" text), sizeof(text) - 1 })

static inline struct slice slice_of(const void *p, size_t n)
{
        return (struct slice){ (const uint8_t *)p, n };
}

/* The bytes of a C string without its NUL; NULL gives the empty slice. */
static inline struct slice slice_str(const char *text)
{
        return slice_of(text, text ? strlen(text) : 0);
}

/* Equal bytes. Variable time: for public values only, secrets use sec_equal. */
static inline bool slice_equal(struct slice a, struct slice b)
{
        return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Lexicographic order as the store keeps its keys: <0, 0, >0. Variable time. */
static inline int slice_compare(struct slice a, struct slice b)
{
        size_t n = a.n < b.n ? a.n : b.n;
        int order = n ? memcmp(a.p, b.p, n) : 0;
        if (order)
                return order;
        return a.n < b.n ? -1 : a.n > b.n;
}

#endif
