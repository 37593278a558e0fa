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

bool vspace_underive(struct core_map_entry *leaf, vaddr_t va)
{
    DEBUG_ASSERT(node_is_locked(leaf));
    pte_t *entry = &node_entries(leaf)[pte_index(va, LEAF_LEVEL)];

    return pte_is_present(pte_load(entry)) && pte_is_present(pte_exchange(entry, pte_none()));
}

/* Let present pages that are their own be written again. Rights grow: nothing to flush. */
static bool leaf_allow_writing(struct core_map_entry *leaf, const struct vregion *region, unsigned first, unsigned end)
{
    const struct vpage_info *infos = leaf->node.vpi->info;
    pte_t *entries = node_entries(leaf);

    for (unsigned i = first; i < end; i++)
        if (infos[i].writable && pte_is_present(pte_load(&entries[i])) && !vpage_is_cow(region, &infos[i]))
            pte_set_writable(&entries[i]);
    return false;
}

static bool leaf_forbid_writing(struct core_map_entry *leaf, unsigned first, unsigned end)
{
    pte_t *entries = node_entries(leaf);
    bool any = false;

    for (unsigned i = first; i < end; i++)
        if (pte_is_writable(pte_load(&entries[i]))) {
            pte_clear_writable(&entries[i]);
            any = true;
        }
    return any;
}

bool leaf_derive(struct core_map_entry *leaf, const struct vregion *region, vaddr_t start, vaddr_t end,
                 unsigned old_prot)
{
    DEBUG_ASSERT(node_is_locked(leaf));
    unsigned first = pte_index(start, LEAF_LEVEL), past = first + (unsigned)((end - start) >> PAGE_SHIFT);
    bool shrank = false;

    if (old_prot && region->prot == (old_prot | VR_WRITE))
        return leaf_allow_writing(leaf, region, first, past);
    if (region->prot && region->prot == (old_prot & ~VR_WRITE))
        return leaf_forbid_writing(leaf, first, past);
    for (vaddr_t va = start; va < end; va += PAGE_SIZE)
        if (leaf_info(leaf, va)->used)
            shrank |= vspace_derive(leaf, region, va);
    return shrank;
}

struct vpage_info *va2vpage_info(struct vspace *space, vaddr_t va)
{
    struct core_map_entry *leaf = node_find_leaf(space, va);

    return leaf && leaf_covers(leaf, va) ? leaf_info(leaf, va) : NULL;
}
