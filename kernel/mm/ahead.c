// SPDX-License-Identifier: MIT
/*
 * ahead.c - how many pages of anonymous memory one fault fills.
 *
 * Theory      A program that writes to new memory in order would take a fault for every page, though after some of them the next ones are
 *             known. What is likely is told by what has been written to already, as for files by what is in memory (page_cache_fill.c): a page
 *             that is touched while those right before it are dirty, as the CPU has marked them, brings as many with it as make up their
 *             number: 4, 8, 16, 32, then 64 at a time. So there is no state to keep, for who jumps about a fault is what it was, and who
 *             ceases to use what was filled for him gets no more. What is saved is the exception and the way to the leaf, not the zeroing,
 *             which is done before the leaf is locked.
 *             The CPU has not marked these pages as accessed: if they stay unused, the clock takes them first.
 * Bounds      As many pages as the program has written to in one place, and 63. Within the region and its leaf. Not for stacks, which grow
 *             the other way, nor where a page is locked as soon as it is there. While a quarter of all frames is free.
 * Failure     Nobody has asked for these pages: if a frame is not to be had fewer come, and where another CPU was faster they end.
 * Considered  Windows of 16 pages: two CPUs then do 197 % of what one does instead of 200 %, since QEMU lets one at a time into an
 *             exception (docs/bench.md). Looking into the leaf before: eight faults a leaf instead of fifteen, which nothing measured showed.
 *             Two pages at once from the first on, whatever is before them: half of what small programs have would be in vain.
 */
#include "mm/ahead.h"

#include "mm/kalloc.h"
#include "mm/node.h"
#include "mm/stat.h"
#include "mm/vregion.h"

#define LEAST_BEFORE 4u // dirty pages make an order
#define SHARE 4         // of all frames, one of so many stays free

/* How many pages of the region right before the one at `va` have been written to, as far as it matters. */
static unsigned pages_before(const struct vregion *region, struct core_map_entry *leaf, vaddr_t va)
{
    const pte_t *entries = node_entries(leaf);
    vaddr_t start = MAX(vregion_start(region), leaf_base(leaf));
    unsigned count = 0;

    for (; count < AHEAD_PAGES && va > start; count++) {
        va -= PAGE_SIZE;
        pte_t entry = pte_load(&entries[pte_index(va, LEAF_LEVEL)]);
        if (!pte_is_present(entry) || !pte_is_dirty(entry))
            break;
    }
    return count;
}

static bool may_fill(const struct vregion *region)
{
    return region->dir == VR_UP && !(region->flags & VR_LOCK_FLAGS) && frames_free_lately() >= core_map_frames / SHARE;
}

/* Whether the page was never touched. */
static bool is_new(struct core_map_entry *leaf, vaddr_t va)
{
    return leaf_covers(leaf, va) && !vpage_load(leaf_info(leaf, va)).used;
}

static bool add_frame(struct ahead *ahead)
{
    struct core_map_entry *page = frame_alloc_zeroed(FRAME_ANON);

    if (!page)
        return false;
    page->free.next = ahead->first;
    ahead->first = (uint32_t)page2pfn(page);
    ahead->count++;
    return true;
}

/* => ahead->count is not 0 */
static struct core_map_entry *take_one(struct ahead *ahead)
{
    struct core_map_entry *page = &core_map[ahead->first];

    ahead->first = page->free.next;
    ahead->count--;
    return page;
}

void ahead_take(struct ahead *ahead, const struct vregion *region, struct core_map_entry *leaf, vaddr_t va)
{
    vaddr_t next = va + PAGE_SIZE, end = leaf_range_end(leaf, vregion_end(region));

    if (!may_fill(region) || next >= end || !is_new(leaf, next))
        return;
    unsigned before = pages_before(region, leaf, va);
    if (before < LEAST_BEFORE)
        return;
    ahead->first = 0;
    for (; ahead->count + 1 < before && next < end && is_new(leaf, next) && add_frame(ahead); next += PAGE_SIZE)
        ;
}

unsigned ahead_fill(struct ahead *ahead, const struct vregion *region, struct core_map_entry *leaf, vaddr_t va)
{
    unsigned filled = 0;

    for (vaddr_t next = va + PAGE_SIZE; ahead->count > 0 && is_new(leaf, next); next += PAGE_SIZE) {
        vpage_store(leaf_info(leaf, next), vpage_in_frame(take_one(ahead), true));
        vspace_derive_grown(leaf, region, next);
        filled++;
    }
    if (filled > 0)
        leaf_infos_added(leaf, va + PAGE_SIZE, filled);
    vm_count_n(VM_ZERO_FILLED, filled);
    vm_count_n(VM_ZERO_FILLED_AHEAD, filled);
    return filled;
}

void ahead_drop(struct ahead *ahead)
{
    while (ahead->count > 0)
        frame_put(take_one(ahead));
}
