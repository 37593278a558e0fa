// SPDX-License-Identifier: MIT
/*
 * reclaim.h - find memory when there is little or none.
 */
#ifndef MM_RECLAIM_H
#define MM_RECLAIM_H

#include "lib/types.h"

/*
 * Give back what the kernel keeps only to be faster, and pages that have not been used lately and whose content is, or can be, elsewhere.
 *
 * => no spinlock and no sleeping lock held; sleeps; true if frames came free, so that it is worth trying again
 */
__must_check bool reclaim(void);

/*
 * How often it is worth trying. Without a device to put pages on: once, since what a failed attempt keeps for the next one would come
 * free for ever.
 */
unsigned reclaim_attempts(void);

/* For a call that has changed nothing, and failed: reclaim, if memory is what it lacked (kalloc_failed). => true: try again */
__must_check bool reclaim_for_call(unsigned attempt);

/*
 * The names of files that are kept only to be found faster: let up to so many go, with their inodes.
 *
 * => with reclaim's lock held: it waits for no lock of lower rank, and writes nothing
 */
void reclaim_set_names(void (*shrink)(unsigned count));

/* What drop_caches gives back: what the kernel keeps to be faster, and every CPU's cached frames. */
void reclaim_all(void);

/*
 * From now on there is something to reclaim pages to: keep some frames free by a thread of our own, and a few for who needs memory to
 * give memory back.
 *
 * => 0 or -ENOMEM; done once, more calls do nothing
 */
__must_check int reclaim_start(void);

#endif
