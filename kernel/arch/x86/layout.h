// SPDX-License-Identifier: MIT
/*
 * layout.h - the address map: which virtual addresses mean what.
 *
 * docs/layout.md tells it as prose. Host tests put a header of their own in place of this one, so no other file
 * may know the numbers (kernel.ld and the entry code include it too, hence no suffixes).
 */
#ifndef GAUR_ARCH_LAYOUT_H
#define GAUR_ARCH_LAYOUT_H

#ifndef __ASSEMBLER__
#include "lib/types.h"
#endif

/* First address that no user mapping reaches: the last page below the canonical hole stays unused, as on Linux, so
 * that no system call can return to a non-canonical address. */
#define USER_END 0x00007ffffffff000

/* All of physical memory, and the kernel image inside it: 128 top-level entries, 64 TiB. */
#define KERNBASE       0xffff800000000000
#define DIRECT_MAP_END 0xffffc00000000000

/* Kernel stacks: slots of one guard page (never mapped) and KSTACK_SIZE above it. */
#define KSTACK_AREA      0xffffc00000000000
#define KSTACK_PAGES     (KSTACK_SIZE / PAGE_SIZE)
#define KSTACK_SLOTS     65536
#ifdef SANITIZE
#define KSTACK_SIZE      16384 // what surrounds variables takes room
#define KSTACK_SLOT_SIZE 32768 // its shadow is one page, and its frame comes after those of the stack
#define KSTACK_FRAMES    (KSTACK_PAGES + 1)
#else
#define KSTACK_SIZE      8192
#define KSTACK_SLOT_SIZE (KSTACK_SIZE + PAGE_SIZE)
#define KSTACK_FRAMES    KSTACK_PAGES
#endif
#define KSTACK_AREA_END  (KSTACK_AREA + (vaddr_t)KSTACK_SLOTS * KSTACK_SLOT_SIZE)

/* The address sanitizer's shadow: a byte for each 8 from KERNBASE on. kernel.mk has the offset, for the compiler too. */
#define SHADOW(va) (((vaddr_t)(va) >> 3) + SHADOW_OFFSET)

/* Where the loader puts the kernel image in physical memory. */
#define IMAGE_PHYSICAL 0x100000

/* Conversions between kernel addresses (frames and the kernel's own symbols alike) and physical ones. Not for user
 * addresses, and not for kernel stacks. */
#define V2P(a) ((paddr_t)(vaddr_t)(a)-KERNBASE)
#define P2V(a) ((void *)((vaddr_t)(a) + KERNBASE))

/* The number of the frame that holds physical address `pa`. */
#define PGNUM(pa) ((pfn_t)(pa) >> PAGE_SHIFT)

#endif
