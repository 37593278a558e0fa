// SPDX-License-Identifier: MIT
/*
 * populate.h - make pages present before the program touches them, and tell which are.
 */
#ifndef MM_POPULATE_H
#define MM_POPULATE_H

#include "lib/types.h"

struct vspace;

enum populate_how {
    POPULATE_READ,    // as reads would: madvise
    POPULATE_WRITE,   // as writes would: madvise
    POPULATE_MAPPING, // as MAP_POPULATE and mlock do: for writing where private memory may be written, else for reading
};

/* Set at boot from above: whether the running thread is to end, so that it need not populate the rest first. */
void populate_set_stop(bool (*stop)(void));

/*
 * Fault in the pages of [start, end), both page-aligned.
 *
 * => no lock held; may sleep
 * => 0; -ENOMEM: a hole, or no memory; -EINVAL: a region does not allow it; -EFAULT: the access would be a bus error, or
 *    (POPULATE_MAPPING) the region has no rights at all; -EINTR: a fatal signal. Pages before the first bad one are there
 */
__must_check int vspace_populate(struct vspace *space, vaddr_t start, vaddr_t end, enum populate_how how);

/*
 * One byte for each page from `start` on into `vector`: 1 if touching it would need no device, for mincore(2).
 *
 * => how many pages, which ends before one that lies in no region; -ENOMEM: the first one does; -EINTR: a fatal signal
 */
__must_check int64_t vspace_residence(struct vspace *space, vaddr_t start, size_t pages, uint8_t *vector);

#endif
