// SPDX-License-Identifier: MIT
/*
 * shadow.c - memory for the address sanitizer's shadow.
 *
 * Theory      Memory has a shadow of its own: an eighth of it, taken at boot. All other addresses of the direct map (devices,
 *             holes) share one page of zeros, by way of one table per level: they may be touched. A kernel stack brings
 *             the page of its shadow along (kstack_map): it takes 32 KiB of addresses for that. User addresses have
 *             none: what would be their shadow is not canonical.
 */
#include "arch/x86/shadow.h"

#include "arch/x86/boot_info.h"
#include "arch/x86/boot_memory.h"
#include "arch/x86/image.h"
#include "arch/x86/paging.h"
#include "arch/x86/pte.h"
#include "lib/kasan.h"
#include "lib/log.h"

#define SHADOW_LEAF  (PTE_BIT_PRESENT | PTE_BIT_GLOBAL | PTE_BIT_NOEXEC)
#define SHADOW_TABLE (PTE_BIT_PRESENT | PTE_BIT_WRITABLE)

static_assert(SHADOW(KSTACK_AREA) % PAGE_SIZE == 0 && KSTACK_SLOT_SIZE / KASAN_GRANULE == PAGE_SIZE,
              "a stack has one page of shadow to itself");

static pte_t shared[4]; // what an empty entry becomes, by level, from the leaf's up

static pte_t *table_of(pte_t pte)
{
    return P2V(pte_pa(pte));
}

static void map_range(const struct boot_range *range)
{
    vaddr_t start = SHADOW((vaddr_t)P2V(range->base)), end = SHADOW((vaddr_t)P2V(range->base + range->size - 1)) + 1;

    for (vaddr_t va = ALIGN_DOWN(start, PAGE_SIZE); va < end; va += PAGE_SIZE)
        if (!kernel_is_mapped(va) && kernel_map_page(va, boot_alloc_pages(1)) != 0)
            panic("too little memory for the sanitizer's shadow");
}

static void make_shared(void)
{
    shared[0] = (pte_t){boot_alloc_pages(1) | SHADOW_LEAF};
    for (int level = 1; level < 4; level++) {
        shared[level] = (pte_t){boot_alloc_pages(1) | SHADOW_TABLE};
        for (unsigned i = 0; i < PTES_PER_NODE; i++)
            table_of(shared[level])[i] = shared[level - 1];
    }
}

/* Empty entries of a table of ours, and of those below it. */
static void fill(pte_t *table, int level, unsigned first, unsigned last)
{
    for (unsigned i = first; i <= last; i++) {
        if (!pte_is_present(table[i]))
            table[i] = shared[level - 1];
        else if (level > 1)
            fill(table_of(table[i]), level - 1, 0, PTES_PER_NODE - 1);
    }
}

void shadow_map(void)
{
    const struct boot_info *info = boot_info();
    pte_t *root = P2V(paging_kernel_root());

    for (unsigned i = 0; i < info->range_count; i++)
        if (info->ranges[i].usable)
            map_range(&info->ranges[i]);
    make_shared();
    fill(root, 4, pte_index(SHADOW(KERNBASE), 4), pte_index(SHADOW(DIRECT_MAP_END) - 1, 4));
    root[pte_index(SHADOW(KSTACK_AREA), 4)] = (pte_t){boot_alloc_pages(1) | SHADOW_TABLE};
}

void __asan_handle_no_return(void)
{
    vaddr_t here = ALIGN_DOWN((vaddr_t)__builtin_frame_address(0), (vaddr_t)KASAN_GRANULE), top = 0;

    if (here >= KSTACK_AREA && here < KSTACK_AREA_END)
        top = kstack_slot_top(kstack_slot_of(here));
    else if (here >= (vaddr_t)boot_stack_top - KSTACK_SIZE && here < (vaddr_t)boot_stack_top)
        top = (vaddr_t)boot_stack_top;
    if (top)
        kasan_unpoison((void *)here, top - here);
}
