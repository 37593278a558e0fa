// SPDX-License-Identifier: MIT
/*
 * measure.c - what the pages of a range are.
 *
 * Theory      How many map a page is told by its frame's references: one for each leaf entry, and one of the page cache. A leaf
 *             that several spaces own after fork holds one reference for all of them, so for a page below such a node two is
 *             the least that is true; it is what we say.
 */
#include "mm/measure.h"

#include "mm/node.h"
#include "mm/page_cache.h"
#include "mm/vspace.h"

uint64_t page_mappers(const struct core_map_entry *page)
{
    enum frame_kind kind = frame_kind(page);
    uint64_t refs = frame_refs(page), cached = kind == FRAME_SWAP || (kind == FRAME_FILE && page->file.cache);

    return refs > cached ? refs - cached : 1;
}

/* => the page's leaf is locked */
static void sum_page(const struct vpage_info *info, pte_t entry, bool alone, struct page_sums *sums)
{
    const struct core_map_entry *page = vpage_frame(info);

    if (vpage_is_swapped(*info)) {
        sums->swapped += PAGE_SIZE;
        sums->swapped_proportional += PAGE_SIZE / MAX(swap_slot_holders((uint32_t)info->ppn), alone ? 1u : 2u);
        return;
    }
    if (!info->present || frame_kind(page) == FRAME_ZERO)
        return;
    bool dirty = info->writable;
    uint64_t count = alone ? page_mappers(page) : MAX(page_mappers(page), UINT64_C(2));
    sums->resident += PAGE_SIZE;
    sums->proportional += PAGE_SIZE / count;
    sums->proportional_dirty += dirty ? PAGE_SIZE / count : 0;
    *(count > 1 ? dirty ? &sums->shared_dirty : &sums->shared_clean
                : dirty ? &sums->private_dirty : &sums->private_clean) += PAGE_SIZE;
    if (frame_kind(page) != FRAME_FILE)
        sums->anonymous += PAGE_SIZE;
    if (pte_is_present(entry) && pte_is_accessed(entry))
        sums->referenced += PAGE_SIZE;
}

/* Bytes of the file behind a region that are in swap, where no mapping has them any more. => space->lock held; [start, end) lies in one region */
static uint64_t swapped_in_file(struct vspace *space, vaddr_t start, vaddr_t end)
{
    const struct vregion *region = va2vregion(space, start);

    if (!region || !region->file || !page_cache_may_swap(region->file))
        return 0;
    uint64_t first = vregion_file_index(region, start);
    return page_cache_count_swapped(region->file, first, first + ((end - start) >> PAGE_SHIFT)) * PAGE_SIZE;
}

void vspace_sum_pages(struct vspace *space, vaddr_t start, vaddr_t end, struct page_sums *sums)
{
    struct core_map_entry *leaf;

    rwlock_read_lock(&space->lock);
    sums->swapped += swapped_in_file(space, start, end);
    for (vaddr_t va = start; (leaf = node_next_leaf(space, &va, end)); va = leaf_range_end(leaf, end)) {
        bool alone = pte_is_writable(node_walk(space, va).rights);
        node_lock(leaf);
        struct leaf_range used = leaf_used_range(leaf, va, leaf_range_end(leaf, end));
        sums->huge += leaf->is_huge ? used.end - used.start : 0;
        for (vaddr_t page = used.start; page < used.end; page += PAGE_SIZE)
            sum_page(leaf_info(leaf, page), pte_load(&node_entries(leaf)[pte_index(page, LEAF_LEVEL)]), alone, sums);
        node_unlock(leaf);
    }
    rwlock_read_unlock(&space->lock);
}

/* => the largest there was */
static uint64_t note_peak(_Atomic uint64_t *peak, uint64_t now)
{
    uint64_t before = atomic_load_explicit(peak, memory_order_relaxed);

    if (now > before)
        atomic_store_explicit(peak, now, memory_order_relaxed); // two at once: the other saw much the same
    return MAX(now, before);
}

/* Pages in use below a node, as the leaves count them; what is no node there is a page itself, of a leaf's size. */
static uint64_t used_below(const struct core_map_entry *node)
{
    const pte_t *entries = node_entries(node);
    uint64_t pages = 0;

    if (node->level == LEAF_LEVEL)
        return node->node.live;
    for_each_group_entry(node, i) {
        pte_t entry = pte_load(&entries[i]);

        if (!pte_is_present(entry) || (node->level == ROOT_LEVEL && i >= PTES_PER_NODE / 2))
            continue;
        const struct core_map_entry *child = pa2page(pte_pa(entry));
        pages += frame_kind(child) == FRAME_NODE ? used_below(child) : PTES_PER_NODE;
    }
    return pages;
}

uint64_t vspace_peak_resident(struct vspace *space)
{
    uint64_t pages;

    rwlock_read_lock(&space->lock);
    pages = used_below(space->root);
    rwlock_read_unlock(&space->lock);
    return note_peak(&space->peak_resident, pages);
}

uint64_t vspace_peak_bytes(struct vspace *space, uint64_t bytes)
{
    return note_peak(&space->peak_bytes, bytes);
}
