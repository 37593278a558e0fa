// SPDX-License-Identifier: MIT
/*
 * ring.c - putting descriptors on a virtqueue, and getting them back.
 *
 * The free descriptors are linked by `next`, in the order in which they are taken: so each list of descriptors is linked
 * as it must be, and goes back as a whole. This processor's stores become visible in order; only looking at the device's
 * wish after an offer needs a barrier.
 */
#include "dev/virtio/ring.h"

#include <stdatomic.h>

#include "lib/errno.h"
#include "lib/string.h"

static_assert(sizeof(struct ring_descriptor) == 16 && sizeof(struct ring_used) == 8, "virtio 1.1, 2.6.5 and 2.6.8");
static_assert(offsetof(struct virtio_ring, offered_flags) == 16 * RING_SIZE, "virtio 1.1, 2.6.6");
static_assert(offsetof(struct virtio_ring, used) == offsetof(struct virtio_ring, used_flags) + 4, "virtio 1.1, 2.6.8");

void ring_init(struct ring_state *state, struct virtio_ring *ring)
{
    memset(ring, 0, sizeof *ring);
    for (unsigned i = 0; i < RING_SIZE; i++)
        ring->descriptors[i].next = (uint16_t)((i + 1) % RING_SIZE);
    *state = (struct ring_state){.ring = ring, .free_count = RING_SIZE};
}

uint16_t ring_add(struct ring_state *state, paddr_t address, uint32_t size, uint16_t flags)
{
    uint16_t number = state->free;
    struct ring_descriptor *descriptor = &state->ring->descriptors[number];

    descriptor->address = address;
    descriptor->size = size;
    descriptor->flags = flags;
    state->free = descriptor->next % RING_SIZE;
    state->free_count--;
    return number;
}

void ring_offer(struct ring_state *state, uint16_t head)
{
    struct virtio_ring *ring = state->ring;
    uint16_t index = ring->offered_index;

    ring->offered[index % RING_SIZE] = head;
    __atomic_store_n(&ring->offered_index, (uint16_t)(index + 1), __ATOMIC_RELEASE);
}

bool ring_wants_notice(const struct ring_state *state)
{
    atomic_thread_fence(memory_order_seq_cst);
    return !(__atomic_load_n(&state->ring->used_flags, __ATOMIC_RELAXED) & 1);
}

int ring_take_used(struct ring_state *state)
{
    struct virtio_ring *ring = state->ring;
    uint16_t left = (uint16_t)(__atomic_load_n(&ring->used_index, __ATOMIC_ACQUIRE) - state->seen);

    if (left == 0)
        return -EAGAIN;
    uint32_t head = ring->used[state->seen % RING_SIZE].head;

    if (left > RING_SIZE || head >= RING_SIZE)
        return -EPROTO;
    state->seen++;
    return (int)head;
}

void ring_free(struct ring_state *state, uint16_t head)
{
    struct ring_descriptor *descriptors = state->ring->descriptors;
    unsigned last = head, count = 1;

    for (; (descriptors[last].flags & RING_NEXT) && count < RING_SIZE; count++)
        last = descriptors[last].next % RING_SIZE;
    descriptors[last].next = state->free;
    state->free = head;
    state->free_count = (uint16_t)(state->free_count + count);
}
