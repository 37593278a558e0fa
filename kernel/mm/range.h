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

/* Let [start, end) begin and end where regions do. => prepared for the same range; cannot fail */
void range_cut(struct vspace *space, vaddr_t start, vaddr_t end, struct spare_regions *spare);

/* Forget every page of a range; its regions stay. Cannot fail. */
void range_release(struct vspace *space, vaddr_t start, vaddr_t end);

/* Take nodes that the range has left empty out of the tree. => its regions are gone */
void range_prune(struct vspace *space, vaddr_t start, vaddr_t end);

/* Take all regions of a range away, with their pages and nodes. => the range is cut out; cannot fail */
void range_remove(struct vspace *space, vaddr_t start, vaddr_t end);

/* Derive the entries of a region again after its rights were `old_prot`. => true if one lost rights: flush */
__must_check bool range_derive(struct vspace *space, const struct vregion *region, unsigned old_prot);

/* Join a region with its neighbours where they are alike. => the region that `region` is part of now */
struct vregion *region_merge(struct vspace *space, struct vregion *region);

#endif
