/* Each slot says whose turn it is: position p is free for the producer of p, p + 1 filled for the consumer of
 * p, and p + EVENTS_RING free again. */
#include "events/internal.h"

#include <stdlib.h>
#include <string.h>

bool events_ring_open(struct events_ring *r)
{
        size_t bytes = EVENTS_RING * sizeof(*r->slots);

        r->slots = aligned_alloc(_Alignof(struct events_slot), bytes);
        if (r->slots)
                memset(r->slots, 0, bytes);
        for (uint64_t i = 0; r->slots && i < EVENTS_RING; i++)
                atomic_init(&r->slots[i].turn, i);
        return r->slots != NULL;
}

void events_ring_close(struct events_ring *r)
{
        free(r->slots);
        r->slots = NULL;
}

struct events_slot *events_ring_claim(struct events_ring *r)
{
        uint64_t at = atomic_load_explicit(&r->tail, memory_order_relaxed);

        for (;;) {
                struct events_slot *slot = &r->slots[at & (EVENTS_RING - 1)];
                uint64_t turn = atomic_load_explicit(&slot->turn, memory_order_acquire);

                if (turn == at) {
                        if (atomic_compare_exchange_weak_explicit(&r->tail, &at, at + 1, memory_order_relaxed,
                                                                  memory_order_relaxed))
                                return slot;
                } else if (turn < at) {
                        return NULL;
                } else {
                        at = atomic_load_explicit(&r->tail, memory_order_relaxed);
                }
        }
}

void events_ring_publish(struct events_slot *slot)
{
        uint64_t turn = atomic_load_explicit(&slot->turn, memory_order_relaxed);

        atomic_store_explicit(&slot->turn, turn + 1, memory_order_release);
}

struct events_slot *events_ring_peek(struct events_ring *r)
{
        struct events_slot *slot = &r->slots[r->head & (EVENTS_RING - 1)];

        return atomic_load_explicit(&slot->turn, memory_order_acquire) == r->head + 1 ? slot : NULL;
}

void events_ring_release(struct events_ring *r, struct events_slot *slot)
{
        atomic_store_explicit(&slot->turn, r->head + EVENTS_RING, memory_order_release);
        r->head++;
}
