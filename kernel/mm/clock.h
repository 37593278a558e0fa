// SPDX-License-Identifier: MIT
/*
 * clock.h - take pages that have not been used lately out of the leaves that map them.
 */
#ifndef MM_CLOCK_H
#define MM_CLOCK_H

#include "lib/types.h"

struct vspace;

/*
 * Move the clock's hand on until so many pages have left their leaves, or it has met every page a few times.
 *
 * => sleeps; no spinlock and no vspace lock held; one at a time; how many left
 */
unsigned clock_evict(unsigned target);

/* Let the pages of a range leave that can, used or not (MADV_PAGEOUT). => sleeps; no lock held */
void clock_page_out(struct vspace *space, vaddr_t start, vaddr_t end);

#endif
