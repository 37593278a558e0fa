// SPDX-License-Identifier: MIT
/*
 * swap_slots.c - the slots of swap areas.
 *
 * Theory      An area is a device or file whose page 0 is mkswap's header; each of the others is a slot. What is known of the slots of 2 MiB
 *             is one frame, which is there only while one of them is in use: an area costs what is in it. Free slots are
 *             searched from where the last one was found, so that pages that leave together come to lie together.
 * Locking     swap_lock, for all of this and the swap cache: it is held for a few instructions, next to milliseconds of a disk.
 * Failure     No slot: the page stays where it is. No frame for a chunk is the same.
 */
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/commit.h"
#include "mm/kalloc.h"
#include "mm/slab.h"
#include "mm/swap_private.h"

struct spinlock swap_lock = SPINLOCK_INIT("swap", RANK_SWAP);

#define TURN SWAP_CLUSTER // slots that are taken from one area before it is another one's turn

static struct swap_area *areas[SWAP_AREAS]; // swap_lock

/* Among areas of one priority. swap_lock */
static struct {
    unsigned area, taken;
} turn;

static int least_priority = -1; // of those that were given none. swap_lock

/* Of all areas. Changed under swap_lock. */
static struct {
    _Atomic uint64_t slots, used;
} totals;

/* ---- One area ---- */

static uint32_t chunk_pages(const struct swap_area *area, uint32_t chunk)
{
    return MIN((uint32_t)SLOTS_PER_CHUNK, area->pages - chunk * (uint32_t)SLOTS_PER_CHUNK);
}

static struct swap_slot *area_slot(const struct swap_area *area, uint32_t page)
{
    struct swap_slot *slots = area->chunks[page / SLOTS_PER_CHUNK].slots;

    return slots ? &slots[page % SLOTS_PER_CHUNK] : NULL;
}

/* One more slot of the chunk of a page is in use: make the chunk. => the slot, or NULL: no memory */
static struct swap_slot *chunk_use(struct swap_area *area, uint32_t page)
{
    struct swap_chunk *chunk = &area->chunks[page / SLOTS_PER_CHUNK];

    if (!chunk->slots) {
        struct core_map_entry *frame = frame_alloc_zeroed(FRAME_KERNEL);
        if (!frame)
            return NULL;
        chunk->slots = page2kva(frame);
    }
    chunk->used++;
    return &chunk->slots[page % SLOTS_PER_CHUNK];
}

static void chunk_unuse(struct swap_area *area, uint32_t page)
{
    struct swap_chunk *chunk = &area->chunks[page / SLOTS_PER_CHUNK];

    if (--chunk->used == 0) {
        kfree(chunk->slots);
        chunk->slots = NULL;
    }
}

/* The first free page among [first, first + count) of one chunk, or 0. */
static uint32_t free_in_chunk(const struct swap_area *area, uint32_t first, uint32_t count)
{
    for (uint32_t page = first; page < first + count; page++) {
        const struct swap_slot *slot = area_slot(area, page);
        if (page > 0 && (!slot || slot->holders == 0))
            return page;
    }
    return 0;
}

/* A free page of an area, from `next` on and then from its begin; 0: there is none. */
static uint32_t free_in_area(struct swap_area *area)
{
    uint32_t chunks = (area->pages + SLOTS_PER_CHUNK - 1) / SLOTS_PER_CHUNK;

    for (uint32_t i = 0; i <= chunks; i++) {
        uint32_t chunk = area->next / SLOTS_PER_CHUNK, end = chunk * SLOTS_PER_CHUNK + chunk_pages(area, chunk);
        uint32_t page = free_in_chunk(area, area->next, end - area->next);
        area->next = end < area->pages ? end : 0;
        if (page) {
            area->next = page + 1 < area->pages ? page + 1 : 0;
            return page;
        }
    }
    return 0;
}

/* All but the header and what is bad. */
static uint32_t area_slots(const struct swap_area *area)
{
    return area->pages - 1 - area->bad;
}

static bool area_has_room(const struct swap_area *area)
{
    return area && area_is_open(area) && area->used < area_slots(area);
}

/* ---- Slots ---- */

/* The number of the area that the next slot comes from, or -1. The search begins where it is whose turn it is. */
static int best_area(void)
{
    int best = -1;

    for (unsigned i = 0; i < SWAP_AREAS; i++) {
        unsigned number = (turn.area + i) % SWAP_AREAS;
        if (area_has_room(areas[number]) && (best < 0 || areas[number]->priority > areas[best]->priority))
            best = (int)number;
    }
    return best;
}

static void take_turn(unsigned number)
{
    turn.taken = turn.area == number ? turn.taken + 1 : 1;
    turn.area = number;
    if (turn.taken == TURN) {
        turn.area = (number + 1) % SWAP_AREAS;
        turn.taken = 0;
    }
}

uint32_t slot_take(void)
{
    int number = best_area();
    uint32_t page = number < 0 ? 0 : free_in_area(areas[number]);
    struct swap_slot *slot = page ? chunk_use(areas[number], page) : NULL;

    if (!slot)
        return 0;
    *slot = (struct swap_slot){.holders = 1};
    areas[number]->used++;
    take_turn((unsigned)number);
    atomic_fetch_add_explicit(&totals.used, 1, memory_order_relaxed);
    return (uint32_t)number << SLOT_PAGE_BITS | page;
}

struct swap_area *slot_area(uint32_t slot)
{
    uint32_t number = slot >> SLOT_PAGE_BITS;

    return number < SWAP_AREAS ? areas[number] : NULL;
}

struct swap_slot *slot_place(uint32_t number)
{
    const struct swap_area *area = slot_area(number);

    return area && slot_page(number) < area->pages ? area_slot(area, slot_page(number)) : NULL;
}

struct swap_slot *slot_find(uint32_t number)
{
    struct swap_slot *slot = slot_place(number);

    return slot && slot->holders && slot->holders != SLOT_BAD ? slot : NULL;
}

void slot_release(uint32_t number)
{
    struct swap_slot *slot = slot_find(number);

    if (!slot)
        panic("slot %#x is given back at %p, but nobody holds it", number, __builtin_return_address(0));
    if (--slot->holders > 0)
        return;
    slot_area(number)->used--;
    atomic_fetch_sub_explicit(&totals.used, 1, memory_order_relaxed);
    chunk_unuse(slot_area(number), slot_page(number));
}

void slots_for_each(void (*visit)(uint32_t number, struct swap_slot *slot, void *arg), void *arg)
{
    for (uint32_t number = 0; number < SWAP_AREAS; number++)
        for (uint32_t page = 1; areas[number] && page < areas[number]->pages; page++) {
            struct swap_slot *slot = area_slot(areas[number], page);
            if (!slot)
                page |= SLOTS_PER_CHUNK - 1; // on to the next chunk
            else if (slot->holders != SLOT_BAD)
                visit(number << SLOT_PAGE_BITS | page, slot, arg);
        }
}

/* ---- Areas come and go ---- */

static void area_free(struct swap_area *area)
{
    for (uint32_t i = 0; i < (area->pages + SLOTS_PER_CHUNK - 1) / SLOTS_PER_CHUNK; i++)
        if (area->chunks[i].slots)
            kfree(area->chunks[i].slots); // of bad pages only
    frame_free_run(kva2page(area->chunks), area->order);
    slab_free(area);
}

/* => 0 or -ENOMEM */
static int mark_bad(struct swap_area *area, const uint32_t *bad, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (bad[i] == 0 || bad[i] >= area->pages)
            continue;
        struct swap_slot *slot = chunk_use(area, bad[i]);
        if (!slot)
            return -ENOMEM;
        if (slot->holders == SLOT_BAD)
            chunk_unuse(area, bad[i]); // named twice
        else
            area->bad++;
        slot->holders = SLOT_BAD;
    }
    return 0;
}

static struct swap_area *area_create(const struct swap_ops *ops, void *device, uint32_t pages, int priority)
{
    struct swap_area *area = slab_zalloc(sizeof *area);
    uint64_t bytes = (pages + SLOTS_PER_CHUNK - 1) / SLOTS_PER_CHUNK * sizeof(struct swap_chunk);

    if (!area)
        return NULL;
    area->ops = ops;
    area->device = device;
    area->pages = pages;
    area->priority = priority;
    while (PAGE_SIZE << area->order < bytes)
        area->order++;
    struct core_map_entry *run = frame_alloc_run(FRAME_KERNEL, area->order);
    if (!run) {
        slab_free(area);
        return NULL;
    }
    area->chunks = page2kva(run);
    memset(area->chunks, 0, PAGE_SIZE << area->order);
    return area;
}

/* => the number, -EBUSY or -EPERM */
static int area_insert(struct swap_area *area)
{
    int place = -EPERM;

    for (int i = SWAP_AREAS - 1; i >= 0; i--) {
        if (areas[i] && areas[i]->device == area->device)
            return -EBUSY;
        if (!areas[i])
            place = i;
    }
    if (place >= 0) {
        if (area->priority < 0)
            area->priority = --least_priority;
        areas[place] = area;
        atomic_fetch_add_explicit(&totals.slots, area_slots(area), memory_order_relaxed);
    }
    return place;
}

int swap_add(const struct swap_ops *ops, void *device, uint32_t pages, int *priority, const uint32_t *bad,
             unsigned bad_count)
{
    struct swap_area *area = area_create(ops, device, MIN(pages, SWAP_AREA_PAGES), *priority);
    if (!area)
        return -ENOMEM;
    int result = mark_bad(area, bad, bad_count);
    if (!result) {
        spin_lock(&swap_lock);
        result = area_insert(area);
        *priority = area->priority;
        spin_unlock(&swap_lock);
    }
    if (result < 0)
        area_free(area);
    else
        commit_memory_changed();
    return MIN(result, 0);
}

int swap_close(void *device)
{
    int found = -EINVAL;

    spin_lock(&swap_lock);
    for (int i = 0; i < SWAP_AREAS; i++)
        if (areas[i] && areas[i]->device == device && !areas[i]->closed) {
            areas[i]->closed = true;
            found = i;
        }
    spin_unlock(&swap_lock);
    return found;
}

void swap_open(int area)
{
    spin_lock(&swap_lock);
    areas[area]->closed = false;
    spin_unlock(&swap_lock);
}

bool swap_slot_in(uint32_t slot, int area)
{
    return (int)(slot >> SLOT_PAGE_BITS) == area;
}

/* Those below it that were given no priority either move up, as on Linux. */
static void priority_free(int priority)
{
    if (priority >= 0)
        return;
    least_priority++;
    for (int i = 0; i < SWAP_AREAS; i++)
        if (areas[i] && areas[i]->priority < priority)
            areas[i]->priority++;
}

int swap_remove(int number)
{
    spin_lock(&swap_lock);
    struct swap_area *area = areas[number];
    bool empty = area->used == 0;
    if (empty) {
        areas[number] = NULL;
        priority_free(area->priority);
        atomic_fetch_sub_explicit(&totals.slots, area_slots(area), memory_order_relaxed);
    }
    spin_unlock(&swap_lock);
    if (!empty)
        return -EBUSY;
    area_free(area);
    return 0;
}

bool swap_area_info(unsigned number, struct swap_area_info *info)
{
    *info = (struct swap_area_info){0};
    if (number >= SWAP_AREAS)
        return false;
    spin_lock(&swap_lock);
    const struct swap_area *area = areas[number];
    if (area)
        *info = (struct swap_area_info){area->ops->name(area->device), area->ops->is_file, area_slots(area), area->used, area->priority};
    spin_unlock(&swap_lock);
    return true;
}

/* ---- Sums ---- */

bool swap_has_room(void)
{
    spin_lock(&swap_lock);
    bool room = best_area() >= 0;
    spin_unlock(&swap_lock);
    return room;
}

uint64_t swap_slots_total(void)
{
    return atomic_load_explicit(&totals.slots, memory_order_relaxed);
}

uint64_t swap_slots_used(void)
{
    return atomic_load_explicit(&totals.used, memory_order_relaxed);
}
