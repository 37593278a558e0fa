// SPDX-License-Identifier: MIT
/*
 * vdso.h - the vDSO, and the page of clock data that it reads, in a program's address space.
 */
#ifndef PROC_VDSO_H
#define PROC_VDSO_H

#include "lib/types.h"

struct vspace;

#define VDSO_DATA_SIZE PAGE_SIZE                    // [vvar], right below the image
#define VDSO_SIZE (VDSO_DATA_SIZE + PAGE_SIZE)      // of both

/* Make the two pages. => once, at boot, after time_init */
void vdso_init(void);

/*
 * Map [vvar] and behind it [vdso] at `address`, where nothing is yet.
 *
 * => a fresh space; 0 and the image's address, or -ENOMEM
 */
__must_check int vdso_map(struct vspace *space, vaddr_t address, vaddr_t *image);

#endif
