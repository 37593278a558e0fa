// SPDX-License-Identifier: MIT
/* paging.h - the part of the kernel's header that mm uses, made by machine.c. */
#ifndef GAUR_ARCH_PAGING_H
#define GAUR_ARCH_PAGING_H

#include "arch/x86/layout.h"
#include "lib/types.h"

/* The kernel's own top-level table. */
paddr_t paging_kernel_root(void);

/* Walk from `root` on this CPU from now on; forgets what it remembered. */
void paging_load(paddr_t root);

/* Entries 256 .. 511 of a new top-level table. */
void paging_copy_kernel_half(void *root_page);

static inline vaddr_t kstack_slot_top(unsigned slot)
{
    return KSTACK_AREA + (vaddr_t)(slot + 1) * KSTACK_SLOT_SIZE;
}

static inline vaddr_t kstack_page(unsigned slot, unsigned i)
{
    return kstack_slot_top(slot) - KSTACK_SIZE + i * PAGE_SIZE;
}

static inline unsigned kstack_slot_of(vaddr_t va)
{
    return (unsigned)((va - KSTACK_AREA) / KSTACK_SLOT_SIZE);
}

int __must_check kstack_map(unsigned slot, const paddr_t frames[KSTACK_PAGES]);
void kstack_unmap(unsigned slot, paddr_t frames[KSTACK_PAGES]);
paddr_t kernel_take_empty_table(vaddr_t va);

#endif
