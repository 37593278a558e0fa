// SPDX-License-Identifier: MIT
/*
 * range.h - steps that the operations on a range of addresses are made of. Private to mm.
 *
 * => all of them: space->lock held for writing; start and end are page-aligned user addresses
 */
#ifndef MM_RANGE_H
#define MM_RANGE_H

#include "lib/types.h"
#include "mm/vregion.h"
#include "mm/vspace.h"

/* Regions taken in advance, for cutting a range out: one for each end. */
struct spare_regions {
    struct vregion *region[2];
};

/* Take a region for each end of [start, end) that cuts one. => 0 or -ENOMEM, nothing taken */
__must_check int range_prepare_cut(struct vspace *space, vaddr_t start, vaddr_t end, struct spare_regions *spare);

/* Give back what was taken. */
void range_cancel_cut(struct spare_regions *spare);

/* Let [start, end) begin and end where regions do. => prepared for the same range; cannot fail */
void range_cut(struct vspace *space, vaddr_t start, vaddr_t end, struct spare_regions *spare);

/* What taking a range away needs. */
struct removal {
    struct vregion *first; // the lowest region that ends above its start, or NULL
    struct vregion *spare; // for the upper part of a region that the range is a hole in; else NULL
    struct vregion *gone;  // regions that have been taken out, through link.left; they hold their files until their pages have gone
};

/* Take what is needed. => 0, or -ENOMEM and nothing taken */
__must_check int range_prepare_remove(struct vspace *space, vaddr_t start, vaddr_t end, struct removal *removal);

/* Take what lies in a range away: pages, regions or parts of them, and nodes. => prepared; cannot fail */
void range_remove(struct vspace *space, vaddr_t start, vaddr_t end, struct removal *removal);

/* The same, and give space->lock back: as early as others may fault again, if the range is large. */
void range_remove_and_unlock(struct vspace *space, vaddr_t start, vaddr_t end, struct removal *removal);

/* Take nodes over the range that hold nothing, lie over no region and are private out of the tree. */
void range_prune(struct vspace *space, vaddr_t start, vaddr_t end);

/* Derive the entries of a region again after its rights were `old_prot`. => true if one lost rights: flush */
__must_check bool range_derive(struct vspace *space, const struct vregion *region, unsigned old_prot);

/* Check a range from a program, in bytes. => 0, or -EINVAL: it is not page-aligned, wraps, or leaves the user's half */
__must_check int range_from_user(vaddr_t addr, uint64_t size, vaddr_t *end);

/*
 * The same for calls that say something of memory that is mapped: beyond the user's half there is none, as in any other hole.
 *
 * => 0: [addr, *end) is the part below USER_END, *outside: there is more; -EINVAL: it wraps
 */
__must_check int range_of_advice(vaddr_t addr, uint64_t size, vaddr_t *end, bool *outside);

/* Whether no region reaches into [start, end); and whether the gap that a stack above it needs stays free, too. */
bool range_is_free(struct vspace *space, vaddr_t start, vaddr_t end);
bool range_is_room(struct vspace *space, vaddr_t start, vaddr_t end);

/* The highest room of `size` bytes below mmap_top. => its address, or -ENOMEM */
__must_check int64_t range_find_room(struct vspace *space, uint64_t size);

/* The lowest room of `size` bytes in [start, end). => its address, or -ENOMEM */
__must_check int64_t range_find_room_from(struct vspace *space, vaddr_t start, vaddr_t end, uint64_t size);

/* Where the regions that cover `start` without a hole end, at most `end`; `start` if none does. */
vaddr_t range_covered_end(struct vspace *space, vaddr_t start, vaddr_t end);

/* Set and clear flags (vregion.h) of what lies in [start, end); holes do not matter. => 0, or -ENOMEM and nothing changed */
__must_check int range_set_flags(struct vspace *space, vaddr_t start, vaddr_t end, uint8_t set, uint8_t clear);

/* Tell the leaves of locked regions so (mlock.c). => before the space's nodes become a child's, too */
void vspace_mark_locked(struct vspace *space);

/* Join a region with its neighbours where they are alike. => the region that `region` is part of now */
struct vregion *region_merge(struct vspace *space, struct vregion *region);

#endif
