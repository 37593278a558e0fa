// SPDX-License-Identifier: MIT
/*
 * vpage.c - from what the kernel knows of a page to what the hardware reads.
 *
 * Theory      A leaf entry is a function of three things: the region (what the user may do), the vpage_info (which frame, and
 *             whether writes may go into it) and the frame's references (whether somebody shares it). Changing one of them
 *             changes nothing for the CPU until the entry is derived again, and, where rights shrank or the frame changed,
 *             the TLB flushed. An entry may lag behind with fewer rights: the next fault brings it up.
 * Invariants  I8  A present entry maps the frame of its info.
 *             I9  It grants no right that region, info and references do not.
 * Locking     The leaf's lock around info and entry.
 */
#include "mm/vpage.h"

#include "lib/log.h"
#include "mm/node.h"
#include "mm/vspace.h"

static_assert(VR_READ == (int)PTE_PROT_READ && VR_WRITE == (int)PTE_PROT_WRITE && VR_EXEC == (int)PTE_PROT_EXEC,
              "a region's rights are the entry's");

bool vpage_is_cow(const struct vregion *region, const struct vpage_info *info)
{
    return !region->shared && frame_refs(vpage_frame(info)) != 1;
}

pte_t vpage_entry(const struct vregion *region, const struct vpage_info *info)
{
    if (!info->present || info->moving || region->prot == 0)
        return pte_none();
    unsigned prot = region->prot;
    if ((prot & VR_WRITE) && (!info->writable || vpage_is_cow(region, info)))
        prot &= ~VR_WRITE;
    return pte_make((paddr_t)info->ppn << PAGE_SHIFT, prot);
}

/* Whether a CPU that remembers `old` could do with it what `now` forbids. */
static bool entry_shrank(pte_t old, pte_t now)
{
    if (!pte_is_present(old))
        return false;
    return !pte_is_present(now) || pte_pa(old) != pte_pa(now) || (pte_is_writable(old) && !pte_is_writable(now)) ||
           (pte_is_exec(old) && !pte_is_exec(now));
}

bool vspace_derive(struct core_map_entry *leaf, const struct vregion *region, vaddr_t va)
{
    DEBUG_ASSERT(node_is_locked(leaf));
    unsigned index = pte_index(va, LEAF_LEVEL);
    pte_t *entry = &node_entries(leaf)[index];
    pte_t now = vpage_entry(region, &leaf->node.vpi->info[index]);
    pte_t old = pte_load(entry);

    if (pte_same(old, now))
        return false;
    if (!pte_is_present(old)) {
        pte_store(entry, now);
        return false;
    }
    pte_exchange(entry, now);
    return entry_shrank(old, now);
}

bool vspace_underive(struct core_map_entry *leaf, vaddr_t va)
{
    DEBUG_ASSERT(node_is_locked(leaf));
    pte_t *entry = &node_entries(leaf)[pte_index(va, LEAF_LEVEL)];

    return pte_is_present(pte_load(entry)) && pte_is_present(pte_exchange(entry, pte_none()));
}

struct vpage_info *va2vpage_info(struct vspace *space, vaddr_t va)
{
    struct core_map_entry *leaf = node_find_leaf(space, va);

    return leaf ? leaf_info(leaf, va) : NULL;
}
