// SPDX-License-Identifier: MIT
/*
 * layout.h - the address map of the host tests: physical memory is an arena of this process.
 *
 * The arena lies where the sanitizers let programs have memory. User addresses are as in the kernel; nothing ever
 * touches them but the software MMU of machine.c.
 */
#ifndef GAUR_ARCH_LAYOUT_H
#define GAUR_ARCH_LAYOUT_H

#include "lib/types.h"

#define USER_END 0x00007ffffffff000

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1 // clang's word for it
#endif
#endif

#ifdef __SANITIZE_THREAD__
#define KERNBASE 0x4000000000
#else
#define KERNBASE 0x200000000000
#endif

#define ARENA_SIZE 0x1000000      // 16 MiB: the memory of most tests' machines
#define ARENA_SIZE_MAX 0x20000000 // and the most that one may have
#define DIRECT_MAP_END (KERNBASE + ARENA_SIZE_MAX)

/* Kernel stacks lie in memory of their own, not in the frames that are counted for them. */
#define KSTACK_AREA (KERNBASE + 0x40000000)
#define KSTACK_SIZE 8192
#define KSTACK_PAGES (KSTACK_SIZE / PAGE_SIZE)
#define KSTACK_FRAMES KSTACK_PAGES
#define KSTACK_SLOT_SIZE (KSTACK_SIZE + PAGE_SIZE)
#define KSTACK_SLOTS 4096

#define V2P(a) ((paddr_t)(vaddr_t)(a) - KERNBASE)
#define P2V(a) ((void *)((vaddr_t)(a) + KERNBASE))
#define PGNUM(pa) ((pfn_t)(pa) >> PAGE_SHIFT)

#endif
