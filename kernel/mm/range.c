// SPDX-License-Identifier: MIT
/*
 * range.c - what mmap, munmap, mprotect and brk do to the pages and regions of a range.
 *
 * Theory      Nodes that other spaces own as well are made private first (share.c), which may fail. Then regions are changed on
 *             paper: the range is cut out of the regions that straddle its ends, so that what follows meets whole regions
 *             only. Unmapping goes over the tree twice, with one flush for the whole range in between: entries are emptied
 *             while infos still know the frames; then frames and nodes are dropped. The space's write lock keeps faults away
 *             meanwhile, so no list of frames is needed. For a large range munmap goes on as a reader before frames are dropped:
 *             once its regions have gone no fault leads there, and those of other threads need not wait.
 * Invariants  I6  Regions are sorted, page-aligned and never overlap.   I7  A used page lies in a region.
 * Locking     space->lock for writing, but for the last part of a large munmap; leaf by leaf.
 * Failure     Memory for private nodes and for cutting regions is taken first. After that nothing can fail.
 */
#include "mm/range.h"

#include "lib/checked.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "mm/commit.h"
#include "mm/event.h"
#include "mm/node.h"
#include "mm/share.h"
#include "mm/tlb.h"
#include "mm/vpage.h"

#define LARGE_RANGE (2 * LEAF_SPAN) // some leaf lies in it as a whole

/* ---- Pages of a range ---- */

/* What a walk does to the part of one leaf that can hold used pages. => the leaf is locked */
typedef bool leaf_step(struct core_map_entry *leaf, struct leaf_range pages, const void *arg);

/* Do `step` to every leaf of a range. => true if it was for one of them */
static inline bool range_walk(struct vspace *space, vaddr_t start, vaddr_t end, leaf_step *step, const void *arg)
{
    struct core_map_entry *leaf;
    bool any = false;

    for (vaddr_t va = start; (leaf = node_next_leaf(space, &va, end)); va = leaf_range_end(leaf, end)) {
        node_lock(leaf);
        any |= step(leaf, leaf_used_range(leaf, va, leaf_range_end(leaf, end)), arg);
        node_unlock(leaf);
    }
    return any;
}

/* A region whose rights have changed. */
struct rights_change {
    const struct vregion *region;
    unsigned old_prot;
};

static bool leaf_change_rights(struct core_map_entry *leaf, struct leaf_range pages, const void *arg)
{
    const struct rights_change *change = arg;

    return leaf_derive(leaf, change->region, pages.start, pages.end, change->old_prot);
}

void range_prune(struct vspace *space, vaddr_t start, vaddr_t end)
{
    uint32_t pruned;

    if (!node_prune(space, start, end, &pruned))
        return;
    tlb_flush_nodes(space, 0, USER_END);
    node_release_pruned(pruned);
}

bool range_derive(struct vspace *space, const struct vregion *region, unsigned old_prot)
{
    struct rights_change change = {region, old_prot};

    return range_walk(space, vregion_start(region), vregion_end(region), leaf_change_rights, &change);
}

/* ---- Room ---- */

int range_from_user(vaddr_t addr, uint64_t size, vaddr_t *end)
{
    uint64_t bytes;

    if (!IS_ALIGNED(addr, PAGE_SIZE) || align_up_overflows(size, PAGE_SIZE, &bytes) ||
        !range_within(addr, bytes, USER_END))
        return -EINVAL;
    *end = addr + bytes;
    return 0;
}

int range_of_advice(vaddr_t addr, uint64_t size, vaddr_t *end, bool *outside)
{
    vaddr_t past;
    uint64_t bytes;

    if (align_up_overflows(size, PAGE_SIZE, &bytes) || add_overflows(addr, bytes, &past))
        return -EINVAL;
    *outside = past > USER_END;
    *end = MAX(addr, MIN(past, (vaddr_t)USER_END));
    return 0;
}

bool range_is_free(struct vspace *space, vaddr_t start, vaddr_t end)
{
    struct vregion *above = vregion_above(space, start);

    return !above || vregion_start(above) >= end;
}

bool range_is_room(struct vspace *space, vaddr_t start, vaddr_t end)
{
    struct vregion *above = vregion_above(space, start);

    return !above || vregion_room_end(above) >= end;
}

int64_t range_find_room(struct vspace *space, uint64_t size)
{
    vaddr_t end = space->mmap_top ? space->mmap_top : USER_END;
    struct vregion *region = vregion_above(space, end - 1);

    if (region)
        end = MIN(end, vregion_room_end(region));
    region = region ? vregion_prev(region) : vregion_highest(space);
    for (;;) {
        vaddr_t start = region ? vregion_end(region) : USER_MIN;
        if (end > start && end - start >= size)
            return (int64_t)(end - size);
        if (!region)
            return -ENOMEM;
        end = MIN(end, vregion_room_end(region));
        region = vregion_prev(region);
    }
}

int64_t range_find_room_from(struct vspace *space, vaddr_t start, vaddr_t end, uint64_t size)
{
    struct vregion *region = vregion_above(space, start);

    for (; start < end; region = vregion_next(region)) {
        vaddr_t room_end = region ? MIN(end, vregion_room_end(region)) : end;
        if (room_end > start && room_end - start >= size)
            return (int64_t)start;
        if (!region)
            break;
        start = MAX(start, vregion_end(region));
    }
    return -ENOMEM;
}

/* ---- Cutting and joining regions ---- */

/* Let `region` end at `start`, and `high`, outside the tree yet, go on as it from `end`. */
static void region_split(struct vspace *space, struct vregion *region, struct vregion *high, vaddr_t start, vaddr_t end)
{
    vaddr_t region_start = vregion_start(region), region_end = vregion_end(region);

    vregion_copy(high, region);
    if (high->file)
        high->file_offset += end - region_start;
    vregion_set_range(region, region_start, start);
    vregion_set_range(high, end, region_end);
    vregion_insert(space, high);
}

/* The region that `va` would cut in two, or NULL. */
static struct vregion *straddling(struct vspace *space, vaddr_t va)
{
    struct vregion *region = vregion_above(space, va);

    return region && vregion_start(region) < va ? region : NULL;
}

static void spare_release(struct spare_regions *spare)
{
    for (unsigned i = 0; i < ARRAY_SIZE(spare->region); i++)
        if (spare->region[i]) {
            spare->region[i]->file = NULL;
            vregion_free(spare->region[i]);
        }
}

void range_cancel_cut(struct spare_regions *spare)
{
    spare_release(spare);
}

int range_prepare_cut(struct vspace *space, vaddr_t start, vaddr_t end, struct spare_regions *spare)
{
    const vaddr_t cuts[] = {start, end};

    *spare = (struct spare_regions){{NULL, NULL}};
    for (unsigned i = 0; i < ARRAY_SIZE(cuts); i++) {
        if (!straddling(space, cuts[i]))
            continue;
        spare->region[i] = vregion_alloc();
        if (!spare->region[i]) {
            spare_release(spare);
            return -ENOMEM;
        }
    }
    return 0;
}

/* Cut the region that straddles `va`, if any; `*spare` becomes the upper part. */
static void cut_at(struct vspace *space, vaddr_t va, struct vregion **spare)
{
    struct vregion *low = *spare ? straddling(space, va) : NULL;

    if (low) {
        region_split(space, low, *spare, va, va);
        *spare = NULL;
    }
}

void range_cut(struct vspace *space, vaddr_t start, vaddr_t end, struct spare_regions *spare)
{
    cut_at(space, start, &spare->region[0]);
    cut_at(space, end, &spare->region[1]);
    spare_release(spare);
}

struct vregion *region_merge(struct vspace *space, struct vregion *region)
{
    struct vregion *low = vregion_prev(region), *high = vregion_next(region);

    if (high && vregion_can_merge(region, high)) {
        region->size += high->size;
        vregion_remove(space, high);
        vregion_free(high);
    }
    if (low && vregion_can_merge(low, region)) {
        low->size += region->size;
        vregion_remove(space, region);
        vregion_free(region);
        return low;
    }
    return region;
}

/* ---- Taking away ---- */

int range_prepare_remove(struct vspace *space, vaddr_t start, vaddr_t end, struct removal *removal)
{
    struct vregion *first = vregion_above(space, start);

    *removal = (struct removal){first, NULL, NULL};
    if (!first || vregion_start(first) >= end)
        return 0;
    int error = node_make_private(space, start, end, PRIVATE_EDGES);
    if (error || vregion_start(first) >= start || vregion_end(first) <= end)
        return error;
    removal->spare = vregion_alloc(); // a hole in its middle leaves two
    return removal->spare ? 0 : -ENOMEM;
}

/* Take [start, end) away from one region that overlaps it. */
static void region_trim(struct vspace *space, struct vregion *region, struct removal *removal, vaddr_t start, vaddr_t end)
{
    vaddr_t region_start = vregion_start(region), region_end = vregion_end(region);

    start = MAX(start, region_start);
    end = MIN(end, region_end);
    if (region->commit == VR_COMMITTED)
        vspace_uncommit(space, (end - start) >> PAGE_SHIFT);
    if (region_start < start && region_end > end) {
        region_split(space, region, removal->spare, start, end);
    } else if (region_start < start) {
        vregion_set_range(region, region_start, start);
    } else if (region_end > end) {
        if (region->file)
            region->file_offset += end - region_start;
        vregion_set_range(region, end, region_end);
    } else {
        vregion_remove(space, region);
        region->link.left = removal->gone ? &removal->gone->link : NULL;
        removal->gone = region;
    }
}

static void regions_trim(struct vspace *space, vaddr_t start, vaddr_t end, struct removal *removal)
{
    struct vregion *next;

    for (struct vregion *region = removal->first; region && vregion_start(region) < end; region = next) {
        next = vregion_next(region);
        region_trim(space, region, removal, start, end);
    }
}

static void regions_free(struct removal *removal)
{
    while (removal->gone) {
        struct vregion *region = removal->gone;
        removal->gone = region->link.left ? container_of(region->link.left, struct vregion, link) : NULL;
        vregion_free(region);
    }
}

/* Whether there is anything in a range that was prepared for. */
static bool has_regions(const struct removal *removal, vaddr_t end)
{
    return removal->first && vregion_start(removal->first) < end;
}

void range_remove(struct vspace *space, vaddr_t start, vaddr_t end, struct removal *removal)
{
    if (!has_regions(removal, end))
        return;
    event_range(EVENT_UNMAP, start, end - start, 0);
    bool emptied = node_release_range(space, start, end);
    regions_trim(space, start, end, removal);
    regions_free(removal);
    if (emptied)
        range_prune(space, start, end);
}

/* Without its regions nobody comes to what was detached, but for who drops it; and nobody else can map there, since that takes a writer. */
static void range_remove_large(struct vspace *space, vaddr_t start, vaddr_t end, struct removal *removal)
{
    event_range(EVENT_UNMAP, start, end - start, 0);
    node_detach_range(space, start, end);
    regions_trim(space, start, end, removal);
    rwlock_downgrade(&space->lock);
    bool emptied = node_drop_range(space, start, end);
    rwlock_read_unlock(&space->lock);
    regions_free(removal);
    if (!emptied)
        return;
    rwlock_write_lock(&space->lock);
    range_prune(space, start, end);
    rwlock_write_unlock(&space->lock);
}

void range_remove_and_unlock(struct vspace *space, vaddr_t start, vaddr_t end, struct removal *removal)
{
    if (end - start >= LARGE_RANGE && has_regions(removal, end)) {
        range_remove_large(space, start, end, removal);
        return;
    }
    range_remove(space, start, end, removal);
    rwlock_write_unlock(&space->lock);
}

/* ---- Flags ---- */

vaddr_t range_covered_end(struct vspace *space, vaddr_t start, vaddr_t end)
{
    struct vregion *region = va2vregion(space, start);

    while (region && start < end && vregion_start(region) <= start) {
        start = vregion_end(region);
        region = vregion_next(region);
    }
    return MIN(start, end);
}

int range_set_flags(struct vspace *space, vaddr_t start, vaddr_t end, uint8_t set, uint8_t clear)
{
    struct spare_regions spare;
    int error = range_prepare_cut(space, start, end, &spare);

    if (error)
        return error;
    range_cut(space, start, end, &spare);
    for (vaddr_t va = start; va < end;) {
        struct vregion *region = vregion_above(space, va);
        if (!region || vregion_start(region) >= end)
            break;
        va = vregion_end(region);
        region->flags = (region->flags & ~clear) | set;
        region_merge(space, region);
    }
    struct vregion *after = end < USER_END ? va2vregion(space, end) : NULL;
    if (after)
        region_merge(space, after);
    return 0;
}
