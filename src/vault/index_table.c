#include "vault/index_table.h"
#include "base/map.h"

#include <stdlib.h>

#define PARTS 256 /* tables that grow each for itself: no insertion waits for all to be moved */

/* content: 0 free; handle << 1 | 1; or a struct vault_posting. */
struct slot {
        uint64_t name;
        uintptr_t content;
};

struct part {
        struct slot *slots;
        size_t n, size; /* size: a power of two */
};

struct vault_table {
        struct part parts[PARTS];
};

struct vault_table *vault_table_new(void)
{
        return calloc(1, sizeof(struct vault_table));
}

static struct vault_posting *list_of(uintptr_t content)
{
        return content & 1 ? NULL : (struct vault_posting *)content;
}

static void content_free(uintptr_t content)
{
        struct vault_posting *list = list_of(content);

        if (list)
                vault_posting_clear(list);
        free(list);
}

void vault_table_free(struct vault_table **tp)
{
        struct vault_table *t = *tp;

        *tp = NULL;
        for (size_t i = 0; t && i < PARTS; i++) {
                for (size_t k = 0; k < t->parts[i].size; k++)
                        content_free(t->parts[i].slots[k].content);
                free(t->parts[i].slots);
        }
        free(t);
}

/* Every bit of x moves every bit of the result, which is another for every other x (the finalizer of Murmur3,
 * Appleby). */
static uint64_t mix(uint64_t x)
{
        x = (x ^ x >> 33) * UINT64_C(0xff51afd7ed558ccd);
        x = (x ^ x >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
        return x ^ x >> 33;
}

/* The value is what people choose, so that is hashed under the process's key. */
uint64_t vault_table_name(uint64_t what, uint32_t scope, struct slice value)
{
        uint64_t name = mix(map_hash(value) + mix(what + mix(scope)));

        return name ? name : 1;
}

static struct part *part_of(const struct vault_table *t, uint64_t name)
{
        return (struct part *)(uintptr_t)&t->parts[name >> 56];
}

/* Where the name is, or would be. */
static size_t place(const struct part *p, uint64_t name)
{
        size_t i = name & (p->size - 1);

        while (p->slots[i].content && p->slots[i].name != name)
                i = (i + 1) & (p->size - 1);
        return i;
}

static bool grow(struct part *p)
{
        struct part larger = { .n = p->n, .size = p->size ? p->size * 2 : 16 };

        larger.slots = calloc(larger.size, sizeof(struct slot));
        if (!larger.slots)
                return false;
        for (size_t i = 0; i < p->size; i++) {
                if (p->slots[i].content)
                        larger.slots[place(&larger, p->slots[i].name)] = p->slots[i];
        }
        free(p->slots);
        *p = larger;
        return true;
}

/* One handle becomes a list. */
static struct vault_posting *list_made(struct slot *slot)
{
        struct vault_posting *list = list_of(slot->content);

        if (list)
                return list;
        list = calloc(1, sizeof(*list));
        if (!list || !vault_posting_add(list, (uint32_t)(slot->content >> 1))) {
                free(list);
                return NULL;
        }
        slot->content = (uintptr_t)list;
        return list;
}

bool vault_table_add(struct vault_table *t, uint64_t name, uint32_t handle)
{
        struct part *p = part_of(t, name);
        uintptr_t one = (uintptr_t)handle << 1 | 1;
        struct vault_posting *list;
        struct slot *slot;

        if (p->n * 4 >= p->size * 3 && !grow(p))
                return false;
        slot = &p->slots[place(p, name)];
        if (!slot->content) {
                *slot = (struct slot){ name, one };
                p->n++;
                return true;
        }
        if (slot->content == one)
                return true;
        list = list_made(slot);
        return list && vault_posting_add(list, handle);
}

/* Takes a slot out, and moves up what stood behind it because it was taken. */
static void slot_remove(struct part *p, size_t hole)
{
        size_t mask = p->size - 1, i = hole;

        content_free(p->slots[hole].content);
        p->n--;
        for (;;) {
                i = (i + 1) & mask;
                if (!p->slots[i].content)
                        break;
                if (((i - (p->slots[i].name & mask)) & mask) >= ((i - hole) & mask)) {
                        p->slots[hole] = p->slots[i];
                        hole = i;
                }
        }
        p->slots[hole] = (struct slot){ 0 };
}

void vault_table_remove(struct vault_table *t, uint64_t name, uint32_t handle)
{
        struct part *p = part_of(t, name);
        struct vault_posting *list;
        size_t at;

        if (!p->size || !p->slots[at = place(p, name)].content)
                return;
        list = list_of(p->slots[at].content);
        if (list)
                vault_posting_remove(list, handle);
        if (list ? list->n == 0 : p->slots[at].content >> 1 == handle)
                slot_remove(p, at);
}

size_t vault_table_find(const struct vault_table *t, uint64_t name, uint32_t after, struct vault_cursor *c)
{
        const struct part *p = part_of(t, name);
        uintptr_t content = p->size ? p->slots[place(p, name)].content : 0;
        const struct vault_posting *list = list_of(content);

        *c = (struct vault_cursor){ 0 };
        if (list) {
                *c = vault_posting_after(list, after);
                return list->n;
        }
        if (content && content >> 1 > after)
                c->one = (uint32_t)(content >> 1);
        return content ? 1 : 0;
}
