// SPDX-License-Identifier: MIT
/*
 * share.h - nodes that several address spaces own together. Private to mm.
 *
 * share.c tells the theory. Owners of a node are the entries that point to it; a node is private to a space when every
 * node from the root down to it has one owner. Only a private node is changed for one space.
 */
#ifndef MM_SHARE_H
#define MM_SHARE_H

#include "lib/types.h"
#include "mm/core_map.h"

struct vspace;

/* Which nodes of a range are to be private; huge pages below those are split. */
enum private_extent {
    PRIVATE_ALL,   // each that the range covers in part or whole: rights or empty entries change
    PRIVATE_EDGES, // only those that it covers in part: the others leave the tree as they are
    PRIVATE_WRITE, // all, for a write: a huge page that nobody else has may stay one; the others split it
};

/*
 * Let `child`, which has none yet, own together with `parent` all nodes under the top entries.
 *
 * => both locks held for writing; true if the parent lost the right to write to something: flush it before its lock is released
 */
__must_check bool node_share_top(struct vspace *parent, struct vspace *child);

/*
 * Make the nodes over [start, end) that exist private: copy those that others own as well, take over those that nobody else
 * owns any more.
 *
 * => space->lock for writing, no node lock; may wait for other CPUs; 0, or -ENOMEM: some are private, which changes nothing
 */
__must_check int node_make_private(struct vspace *space, vaddr_t start, vaddr_t end, enum private_extent extent);

/* Whether every node on the way to the leaf over `va` has one owner. => space->lock held; the leaf is there */
bool node_is_private(const struct vspace *space, vaddr_t va);

#endif
