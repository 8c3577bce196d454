#include "vault/posting.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_MAX 1024 /* handles: 4 KiB to move at most */

struct vault_chunk {
        uint32_t n, cap;
        uint32_t handles[];
};

void vault_posting_clear(struct vault_posting *p)
{
        for (size_t i = 0; i < p->chunk_count; i++)
                free(p->chunks[i]);
        free(p->chunks);
        *p = (struct vault_posting){ 0 };
}

/* The first chunk whose last handle is above `after`. */
static size_t chunk_after(const struct vault_posting *p, uint32_t after)
{
        size_t low = 0, high = p->chunk_count;

        while (low < high) {
                size_t middle = (low + high) / 2;
                const struct vault_chunk *c = p->chunks[middle];
                if (c->handles[c->n - 1] <= after)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static size_t place_after(const struct vault_chunk *c, uint32_t after)
{
        size_t low = 0, high = c->n;

        while (low < high) {
                size_t middle = (low + high) / 2;
                if (c->handles[middle] <= after)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static struct vault_chunk *chunk_sized(struct vault_chunk *c, uint32_t cap)
{
        struct vault_chunk *more = realloc(c, sizeof(*more) + cap * sizeof(more->handles[0]));

        if (more && !c)
                more->n = 0;
        if (more)
                more->cap = cap;
        return more;
}

/* Puts an empty chunk at a position of the list. */
static struct vault_chunk *chunk_insert(struct vault_posting *p, size_t at, uint32_t cap)
{
        struct vault_chunk *c;

        if (p->chunk_count == p->chunk_cap) {
                size_t wanted = p->chunk_cap ? p->chunk_cap * 2 : 1;
                struct vault_chunk **more = realloc(p->chunks, wanted * sizeof(struct vault_chunk *));
                if (!more)
                        return NULL;
                p->chunks = more;
                p->chunk_cap = wanted;
        }
        c = chunk_sized(NULL, cap);
        if (!c)
                return NULL;
        memmove(&p->chunks[at + 1], &p->chunks[at], (p->chunk_count - at) * sizeof(struct vault_chunk *));
        p->chunks[at] = c;
        p->chunk_count++;
        return c;
}

/* Makes room in a full chunk: a longer one, or its second half as a chunk of its own. The caller looks for
 * the place again. */
static bool chunk_relieve(struct vault_posting *p, size_t at)
{
        struct vault_chunk *c = p->chunks[at], *half;

        if (c->cap < CHUNK_MAX) {
                c = chunk_sized(c, c->cap * 2);
                if (c)
                        p->chunks[at] = c;
                return c != NULL;
        }
        half = chunk_insert(p, at + 1, CHUNK_MAX);
        if (!half)
                return false;
        half->n = CHUNK_MAX / 2;
        c->n -= half->n;
        memcpy(half->handles, &c->handles[c->n], half->n * sizeof(c->handles[0]));
        return true;
}

bool vault_posting_add(struct vault_posting *p, uint32_t handle)
{
        size_t i = chunk_after(p, handle), at;
        struct vault_chunk *c;

        /* At the end: most handles are newer than all others. A full last chunk stays full then. */
        if (i == p->chunk_count) {
                c = i ? p->chunks[i - 1] : NULL;
                if (c && c->handles[c->n - 1] == handle)
                        return true;
                if (!c || c->n == CHUNK_MAX) {
                        if (!(c = chunk_insert(p, i, c ? CHUNK_MAX : 2)))
                                return false;
                        c->handles[c->n++] = handle;
                        p->n++;
                        return true;
                }
                i--;
        }
        c = p->chunks[i];
        at = place_after(c, handle);
        if ((at && c->handles[at - 1] == handle) ||
            (!at && i && p->chunks[i - 1]->handles[p->chunks[i - 1]->n - 1] == handle))
                return true;
        if (c->n == c->cap)
                return chunk_relieve(p, i) && vault_posting_add(p, handle);
        memmove(&c->handles[at + 1], &c->handles[at], (c->n - at) * sizeof(c->handles[0]));
        c->handles[at] = handle;
        c->n++;
        p->n++;
        return true;
}

void vault_posting_remove(struct vault_posting *p, uint32_t handle)
{
        size_t i = chunk_after(p, handle - 1), at;
        struct vault_chunk *c = i < p->chunk_count ? p->chunks[i] : NULL;

        at = c ? place_after(c, handle - 1) : 0;
        if (!c || at == c->n || c->handles[at] != handle)
                return;
        c->n--;
        p->n--;
        memmove(&c->handles[at], &c->handles[at + 1], (c->n - at) * sizeof(c->handles[0]));
        if (c->n)
                return;
        free(c);
        p->chunk_count--;
        memmove(&p->chunks[i], &p->chunks[i + 1], (p->chunk_count - i) * sizeof(struct vault_chunk *));
}

struct vault_cursor vault_posting_after(const struct vault_posting *p, uint32_t after)
{
        struct vault_cursor cursor = { .list = p, .chunk = chunk_after(p, after) };

        if (cursor.chunk < p->chunk_count)
                cursor.at = place_after(p->chunks[cursor.chunk], after);
        return cursor;
}

bool vault_cursor_peek(const struct vault_cursor *c, uint32_t *handle)
{
        if (!c->list) {
                *handle = c->one;
                return c->one != 0;
        }
        if (c->chunk >= c->list->chunk_count)
                return false;
        *handle = c->list->chunks[c->chunk]->handles[c->at];
        return true;
}

void vault_cursor_next(struct vault_cursor *c)
{
        c->one = 0;
        if (c->list && ++c->at == c->list->chunks[c->chunk]->n) {
                c->chunk++;
                c->at = 0;
        }
}
