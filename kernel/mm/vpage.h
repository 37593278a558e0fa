// SPDX-License-Identifier: MIT
/*
 * vpage.h - what the kernel knows of one virtual page, and the page-table entry that follows from it.
 */
#ifndef MM_VPAGE_H
#define MM_VPAGE_H

#include "arch/x86/pte.h"
#include "lib/log.h"
#include "lib/types.h"
#include "mm/core_map.h"
#include "mm/swap.h"
#include "mm/vregion.h"

#define LEAF_LEVEL 1

struct vspace;

/*
 * One virtual page.    All fields: under the lock of the leaf node that it lies beside. All zero: never touched.
 *
 * `writable` says whose frame it is: set when a write may go into this frame, clear when the frame belongs to somebody else
 * (the zero frame; a page of a file that is mapped privately, or shared and still clean). It does not say that nobody shares
 * the frame: that is computed from the frame's references. Nor that the user may write: that is the region's to say.
 */
struct vpage_info {
    uint64_t present : 1;  // it is in the frame `ppn`
    uint64_t writable : 1; // a write may go into that frame
    uint64_t used : 1;     // the page has content: in a frame if it is present, else in the slot `ppn` of swap
    uint64_t moving : 1;   // being copied to another frame: a fault here looks again
    uint64_t leaving : 1;  // the clock has emptied its entry, and some CPU may still remember that: a fault here looks again
    uint64_t unused1 : 7;  // named, so that an initialiser zeroes them: clang leaves nameless bits as they fall
    uint64_t ppn : 40;     // physical page number, where an entry has it too: derived by a mask instead of shifts; or a slot
    uint64_t unused2 : 12;
};

static_assert(sizeof(struct vpage_info) == 8, "a vpi_page is one frame");

/* The metadata of the 512 pages that one leaf node maps. */
struct vpi_page {
    struct vpage_info info[PTES_PER_NODE];
};

static inline struct core_map_entry *vpage_frame(const struct vpage_info *info)
{
    return &core_map[info->ppn];
}

/*
 * The address of the page's frame; 0 for a page that was never touched. One mask, since ppn lies where an entry has it.
 *
 * => the page is not in swap
 */
static inline paddr_t vpage_pa(struct vpage_info info)
{
    union {
        struct vpage_info info;
        uint64_t word;
    } page = {info};

    return page.word & PTE_ADDRESS_MASK;
}

/*
 * Look at a page's metadata, and change it, in one piece: a fault looks before it locks, and again afterwards.
 *
 * => change: the leaf is locked, and faults may be under way (under space->lock for writing a plain assignment will do)
 */
static inline struct vpage_info vpage_load(const struct vpage_info *info)
{
    struct vpage_info value;

    __atomic_load(info, &value, __ATOMIC_ACQUIRE);
    return value;
}

static inline void vpage_store(struct vpage_info *info, struct vpage_info value)
{
    __atomic_store(info, &value, __ATOMIC_RELEASE);
}

static inline bool vpage_same(struct vpage_info a, struct vpage_info b)
{
    union {
        struct vpage_info info;
        uint64_t word;
    } left = {a}, right = {b};

    return left.word == right.word;
}

/* Metadata for a page that is in `page`. */
static inline struct vpage_info vpage_in_frame(const struct core_map_entry *page, bool writable)
{
    return (struct vpage_info){.used = 1, .present = 1, .writable = writable, .ppn = page2pfn(page)};
}

/* Whether somebody is at work on the page, so that a fault on it has to look again. */
static inline bool vpage_in_transit(struct vpage_info info)
{
    return info.moving || info.leaving;
}

/* Metadata for a page in swap. */
static inline struct vpage_info vpage_in_slot(uint32_t slot)
{
    return (struct vpage_info){.used = 1, .ppn = slot};
}

static inline bool vpage_is_swapped(struct vpage_info info)
{
    return info.used && !info.present;
}

/* Give back what a page's content is in. => it is used, and nobody finds the info any more, or its leaf is locked */
static inline void vpage_put(struct vpage_info info)
{
    if (likely(info.present))
        frame_put(vpage_frame(&info));
    else
        swap_slot_put((uint32_t)info.ppn);
}

/* Whether two or more hold the page's frame, so that a write must copy it: computed, never stored. */
static inline bool vpage_is_cow(const struct vregion *region, const struct vpage_info *info)
{
    return !region->shared && frame_refs(vpage_frame(info)) != 1;
}

/*
 * The page-table entry that a region and a page's metadata call for, with the frame's references as they are now.
 * This is the only place that decides what the hardware may do.
 */
static inline pte_t vpage_entry(const struct vregion *region, const struct vpage_info *info)
{
    unsigned prot = region->prot;

    if (!info->present || vpage_in_transit(*info) || prot == 0)
        return pte_none();
    if ((prot & VR_WRITE) && (!info->writable || vpage_is_cow(region, info)))
        prot &= ~VR_WRITE;
    return pte_make((paddr_t)info->ppn << PAGE_SHIFT, prot);
}

/*
 * Derive the entry of the page at `va` again and store it in its leaf.
 *
 * => the leaf is locked; va lies in `region` and in the leaf's range
 * => true if a CPU may still hold the old entry with more rights, or another frame: flush before the frame goes
 */
static inline bool __must_check vspace_derive(struct core_map_entry *leaf, const struct vregion *region, vaddr_t va)
{
    unsigned index = pte_index(va, LEAF_LEVEL);
    pte_t *entry = &((pte_t *)page2kva(leaf))[index];
    pte_t now = vpage_entry(region, &leaf->node.vpi->info[index]);
    pte_t old = pte_load(entry);

    if (pte_same(old, now))
        return false;
    if (!pte_is_present(old)) {
        pte_store(entry, now);
        return false;
    }
    return pte_shrank(pte_exchange(entry, now), now);
}

/*
 * The same for the used pages among [start, end) of one leaf, after their region's rights were `old_prot`. Taking or giving
 * the right to write alone, by far the usual change, needs one locked operation a page.
 */
__must_check bool leaf_derive(struct core_map_entry *leaf, const struct vregion *region, vaddr_t start, vaddr_t end,
                              unsigned old_prot);

/* The same where rights can only have grown, so that no CPU has anything to forget. */
static inline void vspace_derive_grown(struct core_map_entry *leaf, const struct vregion *region, vaddr_t va)
{
    bool shrank = vspace_derive(leaf, region, va);

    ASSERT(!shrank);
}

/* Empty the entry of the page at `va`. => the leaf is locked; true if a CPU may still hold the old entry */
__must_check bool vspace_underive(struct core_map_entry *leaf, vaddr_t va);

/*
 * The metadata of the page at `va`, or NULL where the space has none: it was never touched. The slides' look-up.
 *
 * => space->lock held, and the leaf's lock for what is in it
 */
struct vpage_info *va2vpage_info(struct vspace *space, vaddr_t va);

#endif
