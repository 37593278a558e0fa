// SPDX-License-Identifier: MIT
/*
 * leaf.c - what is in a leaf node.
 *
 * Theory      leaf.h tells of whole vpi_pages and parts. Only copies that fork causes begin with a part: of the 12 frames that an idle child
 *             would take, two would be vpi_pages with three infos in use each. When memory is short, reclaim makes parts of other leaves.
 * Invariants  I10 A leaf's bounds enclose the infos in use; where it has a part, that part does.
 * Locking     The leaf's lock; making one whole needs its space's lock for writing besides.
 */
#include "mm/leaf.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/huge.h"
#include "mm/kalloc.h"
#include "mm/node.h"
#include "mm/slab.h"

static struct slab_cache part_cache;

void leaf_init(void)
{
    slab_cache_init(&part_cache, "vpi part", PART_INFOS * sizeof(struct vpage_info));
}

/* ---- What is in use ---- */

/* Bounds are not drawn in: they may enclose more than what is live. */
void leaf_info_removed(struct core_map_entry *leaf)
{
    DEBUG_ASSERT(node_is_locked(leaf) && leaf->node.live > 0);
    leaf->node.live--;
}

struct leaf_range leaf_used_range(const struct core_map_entry *leaf, vaddr_t va, vaddr_t end)
{
    vaddr_t base = leaf_base(leaf);

    if (leaf->node.live == 0)
        return (struct leaf_range){va, va};
    vaddr_t first = MAX(va, base + leaf_first(leaf) * PAGE_SIZE);
    vaddr_t last = MIN(end, base + (leaf_last(leaf) + 1) * PAGE_SIZE);
    return (struct leaf_range){first, MAX(first, last)};
}

void leaf_clear(struct core_map_entry *leaf)
{
    pte_t *entries = node_entries(leaf);

    if (leaf->node.live == 0 || (unlikely(leaf->is_huge) && huge_clear(leaf)))
        return;
    for (unsigned i = leaf_first(leaf); i <= leaf_last(leaf); i++) {
        struct vpage_info info = leaf->node.vpi->info[i];
        if (!info.used)
            continue;
        entries[i] = pte_none();
        leaf->node.vpi->info[i] = (struct vpage_info){0};
        vpage_put(info);
    }
}

/* ---- Parts ---- */

unsigned leaf_part_needed(const struct core_map_entry *leaf)
{
    unsigned first = leaf_first(leaf) / PART_INFOS;

    if (leaf->node.live == 0)
        return 1;
    return first == leaf_last(leaf) / PART_INFOS ? first + 1 : 0;
}

/* Where a vpi_page would begin whose infos of the part lie at `infos`, and back. */
static struct vpi_page *whole_around(struct vpage_info *infos, unsigned part)
{
    return (struct vpi_page *)((uintptr_t)infos - (part - 1) * PART_INFOS * sizeof *infos);
}

/* Draw the bounds in to what is in use. */
static void leaf_fit_bounds(struct core_map_entry *leaf)
{
    const struct vpage_info *infos = leaf->node.vpi->info;
    unsigned first = leaf_first(leaf), last = leaf_last(leaf);

    if (leaf->node.live == 0)
        return;
    while (!infos[first].used)
        first++;
    while (!infos[last].used)
        last--;
    leaf->node.first_pair = first / 2;
    leaf->node.last_pair = last / 2;
}

static struct vpage_info *part_of(const struct core_map_entry *leaf)
{
    return &leaf->node.vpi->info[(leaf->node.part - 1) * PART_INFOS];
}

struct vpi_page *leaf_part_create(unsigned part)
{
    struct vpage_info *infos = slab_cache_alloc(&part_cache);

    if (!infos)
        return NULL;
    memset(infos, 0, PART_INFOS * sizeof *infos);
    return whole_around(infos, part);
}

void leaf_part_destroy(struct core_map_entry *leaf)
{
    slab_cache_free(&part_cache, part_of(leaf));
}

int leaf_make_whole(struct core_map_entry *leaf)
{
    struct core_map_entry *page = frame_alloc_zeroed(FRAME_VPI);
    if (!page)
        return -ENOMEM;
    struct vpi_page *whole = page2kva(page);
    struct vpage_info *old = part_of(leaf);

    node_lock(leaf);
    memcpy(&whole->info[(leaf->node.part - 1) * PART_INFOS], old, PART_INFOS * sizeof *old);
    leaf->node.vpi = whole;
    leaf->node.part = 0;
    node_unlock(leaf);
    slab_cache_free(&part_cache, old);
    return 0;
}

bool leaf_compact(struct core_map_entry *leaf)
{
    if (leaf->node.part)
        return false;
    node_lock(leaf);
    leaf_fit_bounds(leaf);
    unsigned part = leaf_part_needed(leaf);
    struct vpi_page *old = leaf->node.vpi, *now = part ? leaf_part_create(part) : NULL;
    if (now) {
        unsigned first = (part - 1) * PART_INFOS;
        memcpy(&now->info[first], &old->info[first], PART_INFOS * sizeof old->info[0]);
        leaf->node.vpi = now;
        leaf->node.part = part;
    }
    node_unlock(leaf);
    if (now)
        frame_put(kva2page(old));
    return now;
}
