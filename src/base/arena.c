#include "base/arena.h"
#include "base/sec.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_ALIGN alignof(max_align_t)

struct arena_block {
        struct arena_block *next;
        size_t cap, used;
        bool zeroed; /* all that is not in use: of the block that is kept, as a reset wipes it */
        alignas(max_align_t) uint8_t bytes[];
};

struct arena {
        struct arena_block *blocks; /* newest first; the last one is kept */
        size_t limit, used;
};

static struct arena_block *block_new(size_t cap, bool zeroed)
{
        struct arena_block *block = zeroed ? calloc(1, sizeof(*block) + cap) : malloc(sizeof(*block) + cap);

        if (block) {
                block->next = NULL;
                block->cap = cap;
                block->used = 0;
                block->zeroed = zeroed;
        }
        return block;
}

struct arena *arena_new(size_t first_block, size_t limit)
{
        struct arena *a = calloc(1, sizeof(*a));

        if (!a)
                return NULL;
        a->limit = limit;
        a->blocks = block_new(first_block < 256 ? 256 : first_block, true);
        if (!a->blocks) {
                free(a);
                return NULL;
        }
        return a;
}

void arena_reset(struct arena *a)
{
        while (a->blocks->next) {
                struct arena_block *block = a->blocks;
                a->blocks = block->next;
                sec_wipe(block->bytes, block->used);
                free(block);
        }
        sec_wipe(a->blocks->bytes, a->blocks->used);
        a->blocks->used = 0;
        a->used = 0;
}

void arena_free(struct arena **a)
{
        if (!*a)
                return;
        arena_reset(*a);
        free((*a)->blocks);
        free(*a);
        *a = NULL;
}

void *arena_alloc(struct arena *a, size_t n)
{
        struct arena_block *block = a->blocks;
        uint8_t *at;

        if (n > a->limit || a->limit - n < a->used)
                return NULL;
        n = n ? (n + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1) : ARENA_ALIGN;
        if (block->cap - block->used < n) {
                size_t cap = block->cap * 2 > 65536 ? 65536 : block->cap * 2;

                block = block_new(n > cap ? n : cap, false);
                if (!block)
                        return NULL;
                block->next = a->blocks;
                a->blocks = block;
        }
        at = block->bytes + block->used;
        block->used += n;
        a->used += n;
        if (!block->zeroed)
                memset(at, 0, n);
        return at;
}

struct slice arena_copy(struct arena *a, struct slice s)
{
        uint8_t *p = arena_alloc(a, s.n);

        if (!p)
                return SLICE_EMPTY;
        if (s.n)
                memcpy(p, s.p, s.n);
        return slice_of(p, s.n);
}

char *arena_text(struct arena *a, struct slice s)
{
        char *p = s.n < SIZE_MAX ? arena_alloc(a, s.n + 1) : NULL;

        if (p && s.n)
                memcpy(p, s.p, s.n);
        return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
        va_list args;
        char *p;
        int n;

        va_start(args, fmt);
        n = vsnprintf(NULL, 0, fmt, args);
        va_end(args);
        p = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
        if (!p)
                return NULL;
        va_start(args, fmt);
        (void)vsnprintf(p, (size_t)n + 1, fmt, args);
        va_end(args);
        return p;
}

size_t arena_used(const struct arena *a)
{
        return a->used;
}
