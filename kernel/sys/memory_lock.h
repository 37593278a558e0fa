// SPDX-License-Identifier: MIT
/*
 * memory_lock.h - what mmap and mremap need to know of locked memory.
 */
#ifndef SYS_MEMORY_LOCK_H
#define SYS_MEMORY_LOCK_H

#include "lib/types.h"

/* Make a new mapping present if that was asked for (`wanted`), or if it is locked. Pages that cannot be are left, as on Linux. */
void memory_populate(vaddr_t addr, uint64_t size, bool wanted);

#endif
