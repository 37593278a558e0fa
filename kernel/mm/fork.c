// SPDX-License-Identifier: MIT
/*
 * fork.c - give a child its parent's memory without copying it.
 *
 * Theory      The child gets copies of the regions, and the nodes under the root's entries become the property of both
 *             (share.c), whatever lies below them. No page, no leaf and no frame is visited, so that fork costs the same for
 *             every size; only regions and descriptors are copied one by one. What was read-only stays so, since its
 *             region is.
 * Locking     The parent's lock for writing: no fault and no walk is under way. The child's, for who asserts it and who goes through all spaces.
 * Failure     -ENOMEM: the child is torn down.
 * Not here    Making a path private on a write: share.c, called by fault.c.
 */
#include "lib/errno.h"
#include "lib/log.h"
#include "mm/commit.h"
#include "mm/node.h"
#include "mm/range.h"
#include "mm/share.h"
#include "mm/tlb.h"
#include "mm/vspace.h"

/* What madvise has asked for one region of the child. */
static int edit_region(struct vspace *child, const struct vregion *region)
{
    vaddr_t start = vregion_start(region), end = vregion_end(region);
    struct removal removal;
    int error;

    if (region->flags & VR_DONTFORK) {
        error = range_prepare_remove(child, start, end, &removal);
        if (!error)
            range_remove(child, start, end, &removal);
        return error;
    }
    error = node_make_private(child, start, end, PRIVATE_EDGES);
    if (!error)
        node_release_range(child, start, end);
    return error;
}

/* Take from the child what it is not to have; it has not run, so nothing is flushed. => 0 or -ENOMEM */
static int edit_child(struct vspace *child)
{
    struct vregion *region = vregion_lowest(child), *next;
    int error = 0;

    child->fork_edits = true;
    for (; region && !error; region = next) {
        next = vregion_next(region);
        if (region->flags & (VR_DONTFORK | VR_WIPEONFORK))
            error = edit_region(child, region);
    }
    return error;
}

/* => 0; or -ENOMEM, and the child has none of the regions, and no promise for them */
static int copy_regions(struct vspace *parent, struct vspace *child)
{
    int error = vregions_copy(parent, child);

    if (error) {
        vregions_drop(child);
        vspace_uncommit(child, child->committed);
    }
    return error;
}

/*
 * The parent's lock, then the child's, which the list of all spaces has already: verify and who splits a huge page take all locks in the order
 * of that list, and the clock changes it. So nobody waits for the second while holding the first.
 */
static void lock_both(struct vspace *parent, struct vspace *child)
{
    rwlock_write_lock(&parent->lock);
    while (unlikely(!rwlock_try_write_lock(&child->lock))) {
        rwlock_write_unlock(&parent->lock);
        rwlock_write_lock(&child->lock); // until who goes through all spaces has left it
        rwlock_write_unlock(&child->lock);
        rwlock_write_lock(&parent->lock);
    }
}

int vspace_fork(struct vspace *parent, struct vspace **result)
{
    struct vspace *child = vspace_create();
    if (!child)
        return -ENOMEM;

    lock_both(parent, child);
    child->brk_start = parent->brk_start;
    child->brk = parent->brk;
    child->mmap_top = parent->mmap_top;
    atomic_store(&child->stack_limit, atomic_load(&parent->stack_limit));
    child->size_limit = parent->size_limit;
    child->data_limit = parent->data_limit;
    child->limited = parent->limited;
    child->no_huge = parent->no_huge;
    int error = vspace_commit_again(child, parent->committed);
    if (!error)
        error = copy_regions(parent, child);
    if (unlikely(parent->fork_edits))
        vspace_mark_locked(parent);
    if (!error && node_share_top(parent, child))
        tlb_flush_space(parent);
    if (!error && unlikely(parent->fork_edits))
        error = edit_child(child);
    rwlock_write_unlock(&child->lock);
    rwlock_write_unlock(&parent->lock);
    if (error) {
        vspace_put(child);
        return error;
    }
    *result = child;
    return 0;
}
