// SPDX-License-Identifier: MIT
/*
 * fork.c - give a child its parent's memory without copying it.
 *
 * Theory      The child gets copies of the regions, and the nodes under the root's entries become the property of both
 *             (share.c), whatever lies below them. No page, no leaf and no frame is visited, so that fork costs the same for
 *             every size; only regions and descriptors are copied one by one. What was read-only stays so, since its
 *             region is.
 * Locking     The parent's lock for writing: no fault and no walk is under way. The child's, for who asserts it.
 * Failure     -ENOMEM before anything is shared: the child is torn down.
 * Not here    Making a path private on a write: share.c, called by fault.c.
 */
#include "lib/errno.h"
#include "lib/log.h"
#include "mm/share.h"
#include "mm/tlb.h"
#include "mm/vspace.h"

int vspace_fork(struct vspace *parent, struct vspace **result)
{
    struct vspace *child = vspace_create();
    if (!child)
        return -ENOMEM;

    rwlock_write_lock(&parent->lock);
    rwlock_write_lock_nested(&child->lock); // nobody else knows the child but verify, which takes locks in list order
    child->brk_start = parent->brk_start;
    child->brk = parent->brk;
    child->mmap_top = parent->mmap_top;
    atomic_store(&child->stack_limit, atomic_load(&parent->stack_limit));
    int error = vregions_copy(parent, child);
    if (!error && node_share_top(parent, child))
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
