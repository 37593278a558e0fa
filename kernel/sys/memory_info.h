// SPDX-License-Identifier: MIT
/*
 * memory_info.h - how much memory there is and what it is used for, as sysinfo(2) and /proc/meminfo tell it.
 */
#ifndef SYS_MEMORY_INFO_H
#define SYS_MEMORY_INFO_H

#include "lib/types.h"

/* All in frames. */
struct memory_info {
    uint64_t total;         // all but what the firmware, the kernel's image and boot took
    uint64_t free;
    uint64_t available;     // free, or could be given back
    uint64_t cached;        // pages of files: in tmpfs, so none of them can be dropped
    uint64_t shared;        // the same: Linux counts tmpfs as shared memory
    uint64_t anonymous;     // those that have a slot of swap as well included
    uint64_t swap_cached, swap_total, swap_free;
    uint64_t slab, stacks, page_tables, kernel;
};

void memory_info(struct memory_info *info);

#endif
