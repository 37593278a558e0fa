// SPDX-License-Identifier: MIT
/*
 * paging.h - the kernel's half of the address space: the map of all physical memory, and kernel stacks.
 *
 * Its top-level entries are fixed by paging_init, so a new address space copies them once and never looks again.
 */
#ifndef GAUR_ARCH_PAGING_H
#define GAUR_ARCH_PAGING_H

#include "arch/x86/layout.h"
#include "lib/types.h"

/*
 * Build the kernel's page tables from the memory map and switch to them: image text read-only and executable, its
 * read-only data read-only, everything else writable and never executable. => once, before kalloc
 */
void paging_init(void);

/* The kernel's own top-level table: no user half. */
paddr_t paging_kernel_root(void);

/* Walk from the top-level table at `root` from now on; drops this CPU's translations of user addresses. */
static inline void paging_load(paddr_t root)
{
    __asm__ volatile("movq %0, %%cr3" : : "r"(root) : "memory");
}

/* The top-level table that this CPU walks. */
static inline paddr_t paging_current_root(void)
{
    paddr_t root;

    __asm__ volatile("movq %%cr3, %0" : "=r"(root));
    return root & ~(paddr_t)(PAGE_SIZE - 1);
}

/* Entries 256 .. 511 of a new top-level table, `root_page` being its kernel address. */
void paging_copy_kernel_half(void *root_page);

/* Where page-table pages of the kernel half come from: boot_alloc_pages at first; then the function that main sets,
 * which returns a page's kernel address (contents do not matter) or NULL. */
void paging_set_page_source(void *(*alloc)(void));

/*
 * Map one 4 KiB page at a kernel address outside the direct map, writable and not executable.
 *
 * => the caller excludes other changes near `va` (one lock for the kernel-stack area does)
 * => 0, or -ENOMEM when a table page was needed and there was none
 * => no flush: `va` was not mapped before, and its old translation was flushed when it was unmapped
 */
int __must_check kernel_map_page(vaddr_t va, paddr_t pa);

/*
 * Undo it; table pages stay. => the frame that was mapped; flushed on this CPU, the others are the caller's to flush
 */
paddr_t kernel_unmap_page(vaddr_t va);

/*
 * Take the lowest table over `va` out of the tree if nothing is mapped through it any more.
 *
 * => locking as kernel_map_page; the table's frame, to be given back after `va` was flushed on every CPU; 0: it is in use
 */
paddr_t kernel_take_empty_table(vaddr_t va);

/* Whether a kernel address is mapped (any page size). For checks and panics; takes no lock. */
bool kernel_is_mapped(vaddr_t va);

/* The frame behind a mapped kernel address, with the offset in it; 0 if it is not mapped. */
paddr_t kernel_translate(vaddr_t va);

/*
 * Make physical addresses reachable through P2V: device memory (uncached) or firmware tables (cached) outside RAM.
 *
 * => the kernel address of `pa`, or NULL without memory for tables; mapping the same range again is free
 */
void *paging_map_device(paddr_t pa, size_t size);
void *paging_map_firmware(paddr_t pa, size_t size);

/* The top (first address above) of kernel-stack slot `slot` < KSTACK_SLOTS. Its pages are
 * [top - KSTACK_SIZE, top), and the page below them is never mapped. */
static inline vaddr_t kstack_slot_top(unsigned slot)
{
    return KSTACK_AREA + (vaddr_t)(slot + 1) * KSTACK_SLOT_SIZE;
}

/* The address at which frame `i` < KSTACK_FRAMES of a stack is mapped. */
static inline vaddr_t kstack_page(unsigned slot, unsigned i)
{
#ifdef SANITIZE
    if (i == KSTACK_PAGES)
        return SHADOW(kstack_slot_top(slot) - KSTACK_SLOT_SIZE);
#endif
    return kstack_slot_top(slot) - KSTACK_SIZE + i * PAGE_SIZE;
}

/* The slot that a stack address (guard page included) lies in. => `va` in [KSTACK_AREA, KSTACK_AREA_END) */
static inline unsigned kstack_slot_of(vaddr_t va)
{
    return (unsigned)((va - KSTACK_AREA) / KSTACK_SLOT_SIZE);
}

/*
 * Map KSTACK_FRAMES frames as the stack of `slot`, the lowest address first.
 *
 * => locking as kernel_map_page; 0, or -ENOMEM with nothing mapped
 */
int __must_check kstack_map(unsigned slot, const paddr_t frames[KSTACK_FRAMES]);

/* Undo it and give the frames back in `frames`. => flushed on this CPU only */
void kstack_unmap(unsigned slot, paddr_t frames[KSTACK_FRAMES]);

/* Whether `va` lies in a stack's guard page, that is: a kernel stack overflowed. */
bool kstack_is_guard(vaddr_t va);

#endif
