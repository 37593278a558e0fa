// SPDX-License-Identifier: MIT
/*
 * remote.h - the kernel reads and writes the memory of a process that need not be the running one.
 */
#ifndef MM_REMOTE_H
#define MM_REMOTE_H

#include "lib/types.h"

struct vspace;

/*
 * Copy between kernel memory and [va, va + size) of a space, with the rights that its own program has there.
 *
 * => may fault and sleep: no spinlock, no vspace lock
 * => bytes copied; fewer than asked only where the program could not have gone on; -EFAULT or -ENOMEM if there were none
 */
__must_check int64_t vspace_read_memory(struct vspace *space, vaddr_t va, void *to, size_t size);
__must_check int64_t vspace_write_memory(struct vspace *space, vaddr_t va, const void *from, size_t size);

#endif
