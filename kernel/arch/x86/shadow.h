// SPDX-License-Identifier: MIT
/*
 * shadow.h - where the address sanitizer's shadow lies; nothing, in a kernel without it.
 */
#ifndef GAUR_ARCH_SHADOW_H
#define GAUR_ARCH_SHADOW_H

#include "arch/x86/layout.h"

#ifdef SANITIZE

/* Map the shadow of all memory, all zero, and what stands in for the shadow of all else. => paging_init, before the switch */
void shadow_map(void);

/* Nothing that lies on this stack from here up to its top is guarded any more: it is left without returning. */
void __asan_handle_no_return(void);

#else

static inline void shadow_map(void)
{
}

#endif
#endif
