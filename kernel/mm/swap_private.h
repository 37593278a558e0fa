// SPDX-License-Identifier: MIT
/*
 * swap_private.h - slots and areas, between swap_slots.c, swap.c and page_cache_swap.c.
 */
#ifndef MM_SWAP_PRIVATE_H
#define MM_SWAP_PRIVATE_H

#include "arch/x86/time.h"
#include "lib/types.h"
#include "mm/swap.h"
#include "sync/spinlock.h"

#define SLOT_PAGE_BITS 22 // of a slot's number: its page in the area; the area's number is above
#define SLOT_BAD 0x7fffffffu
#define SLOT_OF_FILE UINT32_MAX // no frame has that number

static_assert(SWAP_AREA_PAGES == 1u << SLOT_PAGE_BITS, "a slot's number has room for its page");

/* One slot. Both fields: swap_lock. */
struct swap_slot {
    uint32_t holders; // vpage_infos, the swap cache, who reads it just now; or the page cache of a file. SLOT_BAD: never to be used
    uint32_t pfn;     // the frame in the swap cache; 0: none; SLOT_OF_FILE: a page cache holds the slot, and it never is there
};

#define SLOTS_PER_CHUNK (PAGE_SIZE / sizeof(struct swap_slot))

/* The slots of 2 MiB of an area: a frame, while one of them is in use. */
struct swap_chunk {
    struct swap_slot *slots; // NULL: none is in use
    uint32_t used;
};

/* Fields: (c) constant  the others: swap_lock */
struct swap_area {
    const struct swap_ops *ops; // (c)
    void *device;               // (c)
    uint32_t pages;             // (c) with the header, page 0
    uint32_t used, bad;         // slots
    uint32_t next;              // the page that the search for a free slot goes on with
    int priority;               // below 0: it was given none
    bool closed;                // it is being given up: no page leaves for it
    uint32_t errors;            // requests to write that failed,
    uint32_t failures;          // and how many of them since one did not
    uint64_t rest_until_ns;     // too many: no page leaves for it until then; 0: it does not rest
    unsigned order;             // (c) of the run of frames that `chunks` lies in
    struct swap_chunk *chunks;  // (c)
};

extern struct spinlock swap_lock;

/* Whether there is sense in writing to an area, and whether pages may leave for it. => swap_lock held */
static inline bool area_is_well(const struct swap_area *area)
{
    return likely(area->rest_until_ns == 0) || clock_ns() >= area->rest_until_ns;
}

static inline bool area_is_open(const struct swap_area *area)
{
    return !area->closed && area_is_well(area);
}

/* => all of them: swap_lock held, but where it says so */

/* A free slot, with one holder, in an area that is not closed; 0: there is none, or no memory for its chunk. */
uint32_t slot_take(void);

/* What is known of a slot; NULL: it is not in use. */
struct swap_slot *slot_find(uint32_t slot);

/* The same for any number, held by somebody or not; NULL: it is none, or its chunk is not there. */
struct swap_slot *slot_place(uint32_t slot);

/* One holder less. => it has one */
void slot_release(uint32_t slot);

/* => the slot is held, so that its area stays; without the lock, too */
struct swap_area *slot_area(uint32_t slot);

static inline uint32_t slot_page(uint32_t slot)
{
    return slot & (SWAP_AREA_PAGES - 1);
}

/*
 * Move pages between memory and at most SWAP_CLUSTER slots that follow each other. Of a write that fails each page is tried by itself. A device on
 * which nothing works any more rests for a while: its area is not open then. `again`: what is written has failed before.
 *
 * => the slots are held; sleeps; no lock held; write: a bit for each page that was written; read: 0 or -EIO
 */
uint32_t swap_device_write(uint32_t first, void *const *contents, unsigned count, bool again);
__must_check int swap_device_read(uint32_t first, void *const *contents, unsigned count);

/* Call `visit` for each slot in use, bad ones aside. */
void slots_for_each(void (*visit)(uint32_t number, struct swap_slot *slot, void *arg), void *arg);

#endif
