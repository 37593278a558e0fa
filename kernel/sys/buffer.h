// SPDX-License-Identifier: MIT
/*
 * buffer.h - kernel memory for one system call whose size a program chooses: from the slab, or a run of frames.
 */
#ifndef SYS_BUFFER_H
#define SYS_BUFFER_H

#include "lib/types.h"

#define BUFFER_MAX (256 * 1024ul)

/*
 * => content undefined; NULL: no memory, or size above BUFFER_MAX. size 0 is 1.
 */
__must_check void *buffer_alloc(size_t size);

/* => size as it was given to buffer_alloc; NULL does nothing */
void buffer_free(void *buffer, size_t size);

#endif
