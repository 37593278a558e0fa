// SPDX-License-Identifier: MIT
/*
 * boot_memory.h - the part of boot memory that only arch/x86 and main use; boot_info.h has the rest.
 */
#ifndef GAUR_ARCH_BOOT_MEMORY_H
#define GAUR_ARCH_BOOT_MEMORY_H

#include "lib/types.h"

/* Note what is taken before anything is allocated: page 0, the image, the initial RAM disk. => after boot_info_init */
void boot_memory_init(void);

/* Take a range; whole pages around it. => before boot_reserved_ranges */
void boot_memory_reserve(paddr_t base, uint64_t size);

/* Take pages below `end`, for what real-mode code needs. => their address, or 0 if there are none */
paddr_t boot_memory_take_low(uint64_t count, paddr_t end);

#endif
