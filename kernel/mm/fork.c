// SPDX-License-Identifier: MIT
/*
 * fork.c - give a child its parent's memory without copying it.
 *
 * Theory      Private pages: the child's vpage_info says the same frame as the parent's, and the frame has one reference more;
 *             so both entries are derived without W, and the first write, by either, copies the page (fault.c). Nothing
 *             else marks a page as copy-on-write. Shared regions are not copied: the child finds their pages in the page
 *             cache when it touches them. A page that was read-only stays so, since its region is.
 * Locking     The parent's lock for writing, so that no fault runs; a leaf of the parent, then the child's under construction.
 * Failure     -ENOMEM: the child is torn down; the parent's entries may have lost W, which its next write restores.
 * Not here    Breaking the sharing on a write: fault.c.
 */
#include "lib/errno.h"
#include "lib/log.h"
#include "mm/node.h"
#include "mm/tlb.h"
#include "mm/vpage.h"
#include "mm/vspace.h"

static int fork_regions(struct vspace *parent, struct vspace *child)
{
    for (struct vregion *region = vregion_lowest(parent); region; region = vregion_next(region)) {
        struct vregion *copy = vregion_alloc();
        if (!copy)
            return -ENOMEM;
        vregion_copy(copy, region);
        vregion_insert(child, copy);
    }
    return 0;
}

/* Share one page. => both leaves locked; true if the parent's entry lost rights */
static bool fork_page(const struct vregion *region, struct core_map_entry *from, struct core_map_entry *to, vaddr_t va)
{
    struct vpage_info *info = leaf_info(from, va);

    if (!info->used)
        return false;
    frame_get(vpage_frame(info));
    *leaf_info(to, va) = *info;
    leaf_info_added(to, va);
    bool shrank = vspace_derive(from, region, va);
    vspace_derive_grown(to, region, va);
    return shrank;
}

/* Share a private region's pages. => 0 or -ENOMEM; *shrank is set if an entry of the parent lost rights */
static int fork_pages(struct vspace *parent, struct vspace *child, const struct vregion *region, bool *shrank)
{
    vaddr_t end = vregion_end(region);
    struct core_map_entry *from, *to;

    for (vaddr_t va = vregion_start(region); (from = node_next_leaf(parent, &va, end)); va = leaf_range_end(from, end)) {
        struct leaf_range used = leaf_used_range(from, va, leaf_range_end(from, end));
        if (used.start == used.end)
            continue;
        int error = node_make_leaf(child, va, &to);
        if (error)
            return error;
        node_lock(from);
        node_lock_copy(to);
        for (vaddr_t page = used.start; page < used.end; page += PAGE_SIZE)
            *shrank |= fork_page(region, from, to, page);
        node_unlock_copy(to);
        node_unlock(from);
    }
    return 0;
}

static int fork_all(struct vspace *parent, struct vspace *child, bool *shrank)
{
    int error = fork_regions(parent, child);

    for (struct vregion *region = vregion_lowest(parent); region && !error; region = vregion_next(region))
        if (!region->shared)
            error = fork_pages(parent, child, region, shrank);
    return error;
}

int vspace_fork(struct vspace *parent, struct vspace **result)
{
    struct vspace *child = vspace_create();
    bool shrank = false;
    if (!child)
        return -ENOMEM;

    rwlock_write_lock(&parent->lock);
    rwlock_write_lock_nested(&child->lock); // nobody else knows the child but verify, which takes locks in list order
    child->brk_start = parent->brk_start;
    child->brk = parent->brk;
    child->mmap_top = parent->mmap_top;
    atomic_store(&child->stack_limit, atomic_load(&parent->stack_limit));
    int error = fork_all(parent, child, &shrank);
    if (shrank)
        tlb_flush_space(parent);
    rwlock_write_unlock(&child->lock);
    rwlock_write_unlock(&parent->lock);
    if (error) {
        vspace_put(child);
        return error;
    }
    *result = child;
    return 0;
}
