// SPDX-License-Identifier: MIT
/*
 * ahead.h - the pages that a first write to anonymous memory fills along with its own.
 */
#ifndef MM_AHEAD_H
#define MM_AHEAD_H

#include "lib/types.h"
#include "mm/leaf.h"

struct vregion;

#define AHEAD_PAGES 64u // that one fault fills at most

/* Zeroed frames for the pages right behind the touched one, as a list through their free.next. */
struct ahead {
    uint32_t count, first;
};

/*
 * Take frames for what the program is likely to write next after its first write to the page at `va`; none if nothing tells.
 *
 * => space->lock held, no lock of a node; the leaf covers va, which lies in `region`, private anonymous memory that may be written
 */
void ahead_take(struct ahead *ahead, const struct vregion *region, struct core_map_entry *leaf, vaddr_t va);

/* Give those frames to the pages behind `va`, as far as they are still untouched. => as above; the leaf is private and locked; how many */
unsigned ahead_fill(struct ahead *ahead, const struct vregion *region, struct core_map_entry *leaf, vaddr_t va);

/* Give back what was not used. => no lock of a node */
void ahead_drop(struct ahead *ahead);

/* Whether the leaf has the page right before the one at `va`, and it is in use. */
static inline bool ahead_follows(struct core_map_entry *leaf, vaddr_t va)
{
    return pte_index(va, LEAF_LEVEL) > 0 && leaf_covers(leaf, va - PAGE_SIZE) && vpage_load(leaf_info(leaf, va - PAGE_SIZE)).used;
}

#endif
