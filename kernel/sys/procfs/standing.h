// SPDX-License-Identifier: MIT
/*
 * standing.h - how a process stands: what stat, statm and status tell, gathered in one go.
 */
#ifndef PROCFS_STANDING_H
#define PROCFS_STANDING_H

#include "mm/vspace.h"
#include "proc/process.h"

struct proc_inode;

/* On the heap: it is too large for a stack. */
struct standing {
    struct process_snapshot snapshot;
    struct vspace_sizes sizes;          // all zero: there is no address space (any more)
    uint64_t peak_bytes, peak_resident; // as far as they were measured
    bool has_space, no_huge;
    bool inspected;                     // addresses may be told
    vaddr_t brk_start;
};

/* Of the process and thread that the file is about. => slab_free it; NULL: no memory */
struct standing *standing_of(const struct proc_inode *inode);

/* Pages that are there: VmRSS. */
static inline uint64_t standing_resident(const struct standing *standing)
{
    return standing->sizes.anonymous + standing->sizes.file + standing->sizes.shared;
}

/* Bytes of the program's own text: VmExe. The rest of what may be executed are libraries. */
uint64_t standing_text(const struct standing *standing);

#endif
