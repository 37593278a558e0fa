// SPDX-License-Identifier: MIT
/*
 * leaf.h - what is in a leaf node: the vpage_infos of its 512 pages, and where among them some are in use.
 *
 * Most leaves have a whole vpi_page beside them. A leaf that was copied after a fork and has all its pages close together makes do with
 * a part: 64 infos in an object of the slab, an eighth of a frame. `vpi` then points so far before that object that an index means the
 * same, but only pages that the leaf *covers* may be asked for. When one beyond is needed, the leaf is made whole.
 */
#ifndef MM_LEAF_H
#define MM_LEAF_H

#include "arch/x86/pte.h"
#include "lib/log.h"
#include "lib/types.h"
#include "mm/core_map.h"
#include "mm/vpage.h"

#define LEAF_SPAN ((uint64_t)PTES_PER_NODE << PAGE_SHIFT) // 2 MiB
#define PART_INFOS 64

bool node_is_locked(const struct core_map_entry *node); // node.h

/* Whether there is an info for the page at `va`. Where there is none the page was never touched. */
static inline bool leaf_covers(const struct core_map_entry *leaf, vaddr_t va)
{
    return likely(leaf->node.part == 0) || leaf->node.part - 1u == pte_index(va, LEAF_LEVEL) / PART_INFOS;
}

/* => the leaf covers va */
static inline struct vpage_info *leaf_info(struct core_map_entry *leaf, vaddr_t va)
{
    DEBUG_ASSERT(leaf_covers(leaf, va));
    return &leaf->node.vpi->info[pte_index(va, LEAF_LEVEL)];
}

/* The first page that the leaf maps. */
static inline vaddr_t leaf_base(const struct core_map_entry *leaf)
{
    return (vaddr_t)leaf->node.base_2m * LEAF_SPAN;
}

/* The end of the leaf's 2 MiB, or `end` if that is nearer. */
static inline vaddr_t leaf_range_end(const struct core_map_entry *leaf, vaddr_t end)
{
    return MIN(leaf_base(leaf) + LEAF_SPAN, end);
}

/* No page in use of a leaf comes before its first, or after its last. => live is not 0 */
static inline unsigned leaf_first(const struct core_map_entry *leaf)
{
    return leaf->node.first_pair * 2u;
}

static inline unsigned leaf_last(const struct core_map_entry *leaf)
{
    return leaf->node.last_pair * 2u + 1;
}

/*
 * The part of [va, end), within one leaf, that can hold used pages; empty if none can. The leaf covers it.
 *
 * => the leaf is locked, or space->lock held for writing
 */
struct leaf_range {
    vaddr_t start, end;
};
struct leaf_range leaf_used_range(const struct core_map_entry *leaf, vaddr_t va, vaddr_t end);

/* Account for vpage_infos from that of `va` on that become used. => the leaf is locked, and has them; count is not 0 */
static inline void leaf_infos_added(struct core_map_entry *leaf, vaddr_t va, unsigned count)
{
    DEBUG_ASSERT(node_is_locked(leaf));
    unsigned index = pte_index(va, LEAF_LEVEL);
    uint8_t first = index / 2, last = (index + count - 1) / 2;
    uint16_t before = leaf->node.live;

    leaf->node.live = before + count;
    if (before == 0 || first < leaf->node.first_pair)
        leaf->node.first_pair = first;
    if (before == 0 || last > leaf->node.last_pair)
        leaf->node.last_pair = last;
}

static inline void leaf_info_added(struct core_map_entry *leaf, vaddr_t va)
{
    leaf_infos_added(leaf, va, 1);
}

/* Account for one that no longer is. => the leaf is locked */
void leaf_info_removed(struct core_map_entry *leaf);

/* Which part would hold all infos in use, as in core_map_entry; 0: none would. */
unsigned leaf_part_needed(const struct core_map_entry *leaf);

/* The infos of a part, all zero; and giving back a leaf's. NULL: no memory. => `part` is not 0 */
__must_check struct vpi_page *leaf_part_create(unsigned part);
void leaf_part_destroy(struct core_map_entry *leaf);

/*
 * Give a leaf a whole vpi_page.
 *
 * => no lock of a node; the leaf is private, and its space's lock held for writing, since faults look at infos without the leaf's lock
 * => 0 or -ENOMEM
 */
__must_check int leaf_make_whole(struct core_map_entry *leaf);

/* The opposite, to save memory, where the pages in use allow it. => as above; true if a frame came free */
bool leaf_compact(struct core_map_entry *leaf);

/* Empty a leaf for ever: give every frame back and zero what was used. => nobody else uses it */
void leaf_clear(struct core_map_entry *leaf);

/* Make the slab cache of parts. => once, at boot */
void leaf_init(void);

#endif
