// SPDX-License-Identifier: MIT
/*
 * huge_policy.c - who gets huge pages.
 *
 * Theory      A huge page is worth 512 faults, and wastes up to 511 frames. So it is given where memory is plentiful: if afterwards an
 *             eighth of all frames, and 64 MiB at least, are still free. A machine of 64 MiB or less thus never has one that was not asked
 *             for. Where madvise(MADV_HUGEPAGE) has asked, the program knows what it will touch, and 8 MiB are enough.
 * Considered  Gathering pages of 4 KiB into huge ones later (khugepaged): it copies in the background what a program may never touch again.
 */
#include "mm/huge.h"

#include <stdatomic.h>

#include "mm/kalloc.h"
#include "mm/leaf.h"
#include "mm/vspace.h"

#define MIB_FRAMES (UINT64_C(1) << (20 - PAGE_SHIFT))
#define SHARE 8 // of all frames, one of so many stays free

static struct {
    _Atomic enum huge_mode mode;
    _Atomic uint64_t spare, spare_advised;
} policy = {HUGE_ALWAYS, 64 * MIB_FRAMES, 8 * MIB_FRAMES};

void huge_policy_get(struct huge_policy *out)
{
    *out = (struct huge_policy){atomic_load(&policy.mode), atomic_load(&policy.spare), atomic_load(&policy.spare_advised)};
}

void huge_policy_set(const struct huge_policy *now)
{
    atomic_store(&policy.mode, now->mode);
    atomic_store(&policy.spare, now->spare);
    atomic_store(&policy.spare_advised, now->spare_advised);
}

/* Whether the region may have them at all: private anonymous memory, whose mode or whose program wants them. */
static bool region_may(const struct vspace *space, const struct vregion *region)
{
    enum huge_mode mode = atomic_load_explicit(&policy.mode, memory_order_relaxed);

    if (mode == HUGE_NEVER || space->no_huge || region->file || region->dir == VR_DOWN || (region->flags & VR_NOHUGEPAGE))
        return false;
    return mode == HUGE_ALWAYS || (region->flags & VR_HUGEPAGE);
}

static bool memory_is_plentiful(const struct vregion *region)
{
    uint64_t free = frames_by_kind(FRAME_FREE);
    uint64_t spare = atomic_load_explicit(region->flags & VR_HUGEPAGE ? &policy.spare_advised : &policy.spare, memory_order_relaxed);

    return free >= PTES_PER_NODE + MAX(spare, core_map_frames / SHARE);
}

bool huge_is_wanted(const struct vspace *space, const struct vregion *region, vaddr_t va)
{
    vaddr_t start = ALIGN_DOWN(va, LEAF_SPAN);

    return region_may(space, region) && start >= vregion_start(region) && start + LEAF_SPAN <= vregion_end(region) &&
           memory_is_plentiful(region);
}

bool huge_is_eligible(const struct vspace *space, const struct vregion *region)
{
    return region_may(space, region) && ALIGN_UP(vregion_start(region), LEAF_SPAN) + LEAF_SPAN <= vregion_end(region);
}
