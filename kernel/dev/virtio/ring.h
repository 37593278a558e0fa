// SPDX-License-Identifier: MIT
/*
 * ring.h - a split virtqueue: descriptors, those offered to the device, those that it has used. Source: virtio 1.1, 2.6.
 *
 * => the owner's lock held for all of this
 */
#ifndef DEV_VIRTIO_RING_H
#define DEV_VIRTIO_RING_H

#include "lib/types.h"

#define RING_SIZE 64u // a power of two; with what a disk needs besides, all is in one frame

#define RING_NEXT  1u // another descriptor follows
#define RING_WRITE 2u // the device writes there

struct ring_descriptor {
    uint64_t address;
    uint32_t size;
    uint16_t flags;
    uint16_t next;
};

struct ring_used {
    uint32_t head;
    uint32_t written;
};

/* What the device reads and writes. */
struct virtio_ring {
    struct ring_descriptor descriptors[RING_SIZE];
    uint16_t offered_flags;
    uint16_t offered_index; // counts for ever
    uint16_t offered[RING_SIZE];
    uint16_t unused_event;
    uint16_t used_flags __aligned(4);
    uint16_t used_index; // counts for ever
    struct ring_used used[RING_SIZE];
    uint16_t unused_event_too;
};

/* Our side of it. */
struct ring_state {
    struct virtio_ring *ring;
    uint16_t free;       // first descriptor that is free; `next` leads on
    uint16_t free_count;
    uint16_t seen;       // used entries that we have looked at; counts for ever
};

/* All descriptors free, nothing offered or used. => the device does not know the ring yet, or is reset */
void ring_init(struct ring_state *state, struct virtio_ring *ring);

/*
 * Descriptors are taken one after another, first to last: ring_add for each, with what follows told by `flags`; then ring_offer.
 * => state->free_count is enough; ring_add: the descriptor's number
 */
uint16_t ring_add(struct ring_state *state, paddr_t address, uint32_t size, uint16_t flags);
void ring_offer(struct ring_state *state, uint16_t head);

/* Does the device want to be told of what was offered? */
bool ring_wants_notice(const struct ring_state *state);

/*
 * The next list of descriptors that the device has used, which are free again.
 *
 * => its first descriptor's number; -EAGAIN: there is none; -EPROTO: what it says makes no sense
 */
int ring_take_used(struct ring_state *state);

/* Give back the descriptors that begin with `head`. => each was added, and the last one without RING_NEXT */
void ring_free(struct ring_state *state, uint16_t head);

#endif
