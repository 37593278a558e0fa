// SPDX-License-Identifier: MIT
/*
 * mlock.c - memory that stays present: what mlock, munlock and mlockall say of regions.
 *
 * A region is locked or not; its pages are made present by populate.c afterwards, without any lock held. A child does not inherit locks.
 * Leaves are told as well, so that a child that owns them too does not let the pages go (clock.c).
 */
#include "lib/errno.h"
#include "mm/map.h"
#include "mm/node.h"
#include "mm/range.h"

/* Bytes of [start, end) that lie in locked regions. */
static uint64_t locked_within(struct vspace *space, vaddr_t start, vaddr_t end)
{
    uint64_t bytes = 0;

    for (struct vregion *region = vregion_above(space, start); region && vregion_start(region) < end;
         region = vregion_next(region))
        if (region->flags & VR_LOCKED)
            bytes += MIN(vregion_end(region), end) - MAX(vregion_start(region), start);
    return bytes;
}

uint64_t vspace_locked_bytes(struct vspace *space)
{
    return locked_within(space, 0, USER_END);
}

bool vspace_may_lock(struct vspace *space, uint64_t more, uint64_t limit)
{
    return more <= limit && vspace_locked_bytes(space) <= limit - more;
}

static void mark_leaves(struct vspace *space, vaddr_t start, vaddr_t end)
{
    struct core_map_entry *leaf;

    for (vaddr_t va = start; (leaf = node_next_leaf(space, &va, end)); va = leaf_range_end(leaf, end)) {
        node_lock(leaf);
        leaf->node.locked = true;
        node_unlock(leaf);
    }
}

void vspace_mark_locked(struct vspace *space)
{
    for (struct vregion *region = vregion_lowest(space); region; region = vregion_next(region))
        if (region->flags & VR_LOCKED)
            mark_leaves(space, vregion_start(region), vregion_end(region));
}

/* Lock or unlock what is mapped. => 0 or -ENOMEM */
static int set_lock_flags(struct vspace *space, vaddr_t start, vaddr_t end, uint8_t flags)
{
    int error = range_set_flags(space, start, end, flags, VR_LOCK_FLAGS);

    if (!error && (flags & VR_LOCKED)) {
        space->fork_edits = true;
        mark_leaves(space, start, end); // others may own them, too
    }
    return error;
}

/* => space->lock for writing */
static int mlock_locked(struct vspace *space, vaddr_t start, vaddr_t end, uint8_t flags, uint64_t limit)
{
    uint64_t others = vspace_locked_bytes(space) - locked_within(space, start, end);

    if ((flags & VR_LOCKED) && (end - start > limit || others > limit - (end - start)))
        return -ENOMEM;
    vaddr_t covered = range_covered_end(space, start, end);
    int error = covered > start ? set_lock_flags(space, start, covered, flags) : 0;
    if (error)
        return error;
    return covered < end ? -ENOMEM : 0;
}

/* Sizes that wrap when they are rounded up come to nothing, as on Linux. */
int vspace_mlock(struct vspace *space, vaddr_t addr, uint64_t size, uint8_t flags, uint64_t limit)
{
    vaddr_t start = ALIGN_DOWN(addr, PAGE_SIZE), end = start + ALIGN_UP(size + (addr - start), PAGE_SIZE);

    if ((flags & VR_LOCKED) && end - start > limit)
        return -ENOMEM;
    if (end < start)
        return -EINVAL;
    if (start == end)
        return 0;
    if (start >= USER_END)
        return -ENOMEM;
    rwlock_write_lock(&space->lock);
    int error = mlock_locked(space, start, MIN(end, (vaddr_t)USER_END), flags, limit);
    rwlock_write_unlock(&space->lock);
    return error ? error : end > USER_END ? -ENOMEM : 0;
}

int vspace_mlockall(struct vspace *space, bool now, uint8_t flags, uint8_t future, uint64_t limit)
{
    uint64_t total = 0;
    int error = 0;

    rwlock_write_lock(&space->lock);
    for (struct vregion *region = vregion_lowest(space); region; region = vregion_next(region))
        total += region->size;
    if (now && (flags & VR_LOCKED) && total > limit)
        error = -ENOMEM;
    if (!error && now)
        error = set_lock_flags(space, 0, USER_END, flags);
    if (!error) {
        space->lock_future = future;
        space->fork_edits |= future != 0;
    }
    rwlock_write_unlock(&space->lock);
    return error;
}
