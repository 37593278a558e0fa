// SPDX-License-Identifier: MIT
/*
 * reclaim.h - find memory when there is none.
 */
#ifndef MM_RECLAIM_H
#define MM_RECLAIM_H

#include "lib/types.h"

/*
 * Give back what the kernel keeps only to be faster: idle kernel stacks, zeroed tables, empty slab frames, metadata of leaves that is not in use.
 *
 * => no spinlock and no vspace lock held; may wait for other CPUs; true if a frame came free, so that it is worth trying again
 */
__must_check bool reclaim(void);

/* The same for drop_caches, and every CPU's cached frames to the buddy allocator. */
void reclaim_all(void);

#endif
