#include "base/map.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

struct entry {
        struct entry *next;
        uint64_t hash;
        void *value;
        size_t n;
        uint8_t key[];
};

struct map {
        struct entry **slots;
        size_t slot_count; /* a power of two */
        size_t count;
};

static uint64_t hash_key[2];
static pthread_once_t hash_once = PTHREAD_ONCE_INIT;

static void hash_init(void)
{
        if (getrandom(hash_key, sizeof(hash_key), 0) != (ssize_t)sizeof(hash_key))
                hash_key[0] ^= (uint64_t)(uintptr_t)&hash_once;
}

static uint64_t rotate(uint64_t x, unsigned bits)
{
        return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
        v[0] += v[1];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[0] = rotate(v[0], 32);
        v[2] += v[3];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[2] = rotate(v[2], 32);
}

/* SipHash-2-4 (Aumasson and Bernstein 2012). */
uint64_t map_hash(struct slice s)
{
        uint64_t v[4], word = 0;
        size_t i = 0;

        pthread_once(&hash_once, hash_init);
        v[0] = hash_key[0] ^ 0x736f6d6570736575u;
        v[1] = hash_key[1] ^ 0x646f72616e646f6du;
        v[2] = hash_key[0] ^ 0x6c7967656e657261u;
        v[3] = hash_key[1] ^ 0x7465646279746573u;
        for (; i + 8 <= s.n; i += 8) {
                memcpy(&word, s.p + i, 8);
                v[3] ^= word;
                sip_round(v);
                sip_round(v);
                v[0] ^= word;
        }
        word = (uint64_t)s.n << 56;
        for (size_t k = 0; i + k < s.n; k++)
                word |= (uint64_t)s.p[i + k] << (8 * k);
        v[3] ^= word;
        sip_round(v);
        sip_round(v);
        v[0] ^= word;
        v[2] ^= 0xff;
        for (int k = 0; k < 4; k++)
                sip_round(v);
        return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct map *map_new(void)
{
        struct map *m = calloc(1, sizeof(*m));

        if (!m)
                return NULL;
        m->slot_count = 16;
        m->slots = calloc(m->slot_count, sizeof(struct entry *));
        if (!m->slots) {
                free(m);
                return NULL;
        }
        return m;
}

void map_free(struct map **mp)
{
        struct map *m = *mp;

        if (!m)
                return;
        *mp = NULL;
        for (size_t i = 0; i < m->slot_count; i++) {
                for (struct entry *e = m->slots[i], *next; e; e = next) {
                        next = e->next;
                        free(e);
                }
        }
        free(m->slots);
        free(m);
}

void map_free_values(struct map **mp, void (*free_value)(void *value))
{
        const struct map *m = *mp;

        for (size_t i = 0; m && i < m->slot_count; i++) {
                for (struct entry *e = m->slots[i]; e; e = e->next)
                        free_value(e->value);
        }
        map_free(mp);
}

size_t map_count(const struct map *m)
{
        return m->count;
}

/* The link that points to the entry of key, or to the end of its chain. */
static struct entry **entry_link(const struct map *m, struct slice key, uint64_t hash)
{
        struct entry **link = &m->slots[hash & (m->slot_count - 1)];

        while (*link && !((*link)->hash == hash && slice_equal(slice_of((*link)->key, (*link)->n), key)))
                link = &(*link)->next;
        return link;
}

void *map_get(const struct map *m, struct slice key)
{
        struct entry *e = *entry_link(m, key, map_hash(key));

        return e ? e->value : NULL;
}

static void map_grow(struct map *m)
{
        size_t wanted = m->slot_count * 2;
        struct entry **slots = calloc(wanted, sizeof(struct entry *));

        if (!slots)
                return; /* longer chains, still right */
        for (size_t i = 0; i < m->slot_count; i++) {
                for (struct entry *e = m->slots[i], *next; e; e = next) {
                        next = e->next;
                        e->next = slots[e->hash & (wanted - 1)];
                        slots[e->hash & (wanted - 1)] = e;
                }
        }
        free(m->slots);
        m->slots = slots;
        m->slot_count = wanted;
}

bool map_put(struct map *m, struct slice key, void *value, void **old)
{
        uint64_t hash = map_hash(key);
        struct entry **link = entry_link(m, key, hash), *e = *link;

        if (old)
                *old = e ? e->value : NULL;
        if (e) {
                e->value = value;
                return true;
        }
        e = malloc(sizeof(*e) + key.n);
        if (!e)
                return false;
        e->next = NULL;
        e->hash = hash;
        e->value = value;
        e->n = key.n;
        if (key.n)
                memcpy(e->key, key.p, key.n);
        *link = e;
        if (++m->count > m->slot_count)
                map_grow(m);
        return true;
}

void *map_remove(struct map *m, struct slice key)
{
        struct entry **link = entry_link(m, key, map_hash(key)), *e = *link;
        void *value = e ? e->value : NULL;

        if (e) {
                *link = e->next;
                free(e);
                m->count--;
        }
        return value;
}

void map_each(const struct map *m, bool (*visit)(void *arg, struct slice key, void *value), void *arg)
{
        for (size_t i = 0; i < m->slot_count; i++) {
                for (const struct entry *e = m->slots[i]; e; e = e->next) {
                        if (!visit(arg, slice_of(e->key, e->n), e->value))
                                return;
                }
        }
}
