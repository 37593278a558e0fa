// SPDX-License-Identifier: MIT
/*
 * paging.c - the kernel's half of the page tables.
 *
 * Theory      One top-level table with 129 entries of ours: the direct map from KERNBASE on, and the kernel stacks.
 *             RAM is mapped by 2 MiB pages, but for the image and its neighbours, whose 4 KiB pages differ in rights:
 *             text has no writable alias, since the direct map is the only map there is.
 *             Leaves are global: they survive a change of CR3, and only invlpg drops them.
 * Locking     None here. Until the first thread runs there is nobody else; later the kernel-stack area changes under
 *             its owner's lock, and device memory is mapped by drivers as they start, one after the other.
 * Failure     paging_init panics when memory is too small. Later only table pages may be missing: -ENOMEM.
 */
#include "arch/x86/paging.h"

#include "arch/x86/boot_info.h"
#include "arch/x86/image.h"
#include "arch/x86/pte.h"
#include "arch/x86/shadow.h"
#include "arch/x86/tlb.h"
#include "lib/errno.h"
#include "lib/kasan.h"
#include "lib/log.h"
#include "lib/string.h"

#define LARGE_SIZE    (PAGE_SIZE * PTES_PER_NODE)
#define KERNEL_TABLE  (PTE_BIT_PRESENT | PTE_BIT_WRITABLE)
#define KERNEL_TEXT   (PTE_BIT_PRESENT | PTE_BIT_GLOBAL)
#define KERNEL_RODATA (KERNEL_TEXT | PTE_BIT_NOEXEC)
#define KERNEL_DATA   (KERNEL_RODATA | PTE_BIT_WRITABLE)
#define KERNEL_DEVICE (KERNEL_DATA | PTE_BIT_UNCACHED)

static pte_t *kernel_root; // constant after paging_init

static void *boot_page(void)
{
    return P2V(boot_alloc_pages(1));
}

static void *(*page_source)(void) = boot_page;

void paging_set_page_source(void *(*alloc)(void))
{
    page_source = alloc;
}

/* The table that a present entry points to. */
static pte_t *table_of(pte_t pte)
{
    return P2V(pte_pa(pte));
}

/* Put a new, empty table in an empty entry. => false without memory */
static bool add_table(pte_t *entry)
{
    void *table = page_source();

    if (!table)
        return false;
    page_zero(table);
    pte_store(entry, (pte_t){V2P(table) | KERNEL_TABLE});
    return true;
}

/*
 * The entry for `va` at `level`, or the large leaf above it that maps `va` already.
 *
 * => NULL: a table was missing, and `create` is false or there is no memory
 */
static pte_t *walk(vaddr_t va, int level, bool create)
{
    pte_t *table = kernel_root;

    for (int l = 4;; l--) {
        pte_t *entry = &table[pte_index(va, l)];

        if (l == level || (l < 4 && pte_is_present(*entry) && pte_is_large(*entry)))
            return entry;
        if (!pte_is_present(*entry) && !(create && add_table(entry)))
            return NULL;
        table = table_of(*entry);
    }
}

static uint64_t rights_of(paddr_t pa)
{
    if (pa < V2P(image_start) || pa >= V2P(image_rodata_end))
        return KERNEL_DATA;
    return pa < V2P(image_text_end) ? KERNEL_TEXT : KERNEL_RODATA;
}

/* Map the 2 MiB around the image page by page. */
static void map_image_block(paddr_t block)
{
    for (paddr_t pa = block; pa < block + LARGE_SIZE; pa += PAGE_SIZE)
        pte_store(walk((vaddr_t)P2V(pa), 1, true), (pte_t){pa | rights_of(pa)});
}

/* Map the 2 MiB block at `block` as plain memory. => a block that is mapped already stays as it is; false: no memory */
static bool map_block(paddr_t block, uint64_t rights)
{
    pte_t *entry = walk((vaddr_t)P2V(block), 2, true);

    if (!entry)
        return false;
    if (!pte_is_present(*entry))
        pte_store(entry, (pte_t){block | rights | PTE_BIT_LARGE});
    return true;
}

static void map_range(const struct boot_range *range)
{
    paddr_t end = range->base + range->size;

    if (end > V2P(DIRECT_MAP_END))
        panic("memory at %#lx lies beyond the direct map", range->base);
    for (paddr_t block = ALIGN_DOWN(range->base, LARGE_SIZE); block < end; block += LARGE_SIZE)
        map_block(block, KERNEL_DATA);
}

/*
 * Debug: V2P and P2V undo each other, and agree with the hardware's own walk, for every frame of ordinary memory and for the
 * kernel's own symbols: text, constants, data.
 */
static void check_conversions(void)
{
#ifdef DEBUG
    const struct boot_info *info = boot_info();
    const void *const symbols[] = {image_start, (const void *)paging_init, "a constant", &kernel_root, boot_info()};

    for (unsigned i = 0; i < ARRAY_SIZE(symbols); i++)
        ASSERT(P2V(V2P(symbols[i])) == symbols[i] && kernel_translate((vaddr_t)symbols[i]) == V2P(symbols[i]));
    for (unsigned i = 0; i < info->range_count; i++)
        for (paddr_t pa = ALIGN_UP(info->ranges[i].base, PAGE_SIZE);
             info->ranges[i].usable && pa + PAGE_SIZE <= info->ranges[i].base + info->ranges[i].size; pa += PAGE_SIZE)
            ASSERT(V2P(P2V(pa)) == pa && kernel_translate((vaddr_t)P2V(pa)) == pa);
#endif
}

void paging_init(void)
{
    const struct boot_info *info = boot_info();

    kernel_root = boot_page();
    for (paddr_t block = 0; block < V2P(image_rodata_end); block += LARGE_SIZE)
        map_image_block(block);
    for (unsigned i = 0; i < info->range_count; i++) {
        if (info->ranges[i].usable)
            map_range(&info->ranges[i]);
    }
    if (!add_table(&kernel_root[pte_index(KSTACK_AREA, 4)]))
        panic("too little memory for page tables");
    shadow_map();
    paging_load(paging_kernel_root());
    kasan_enable();
    check_conversions();
}

paddr_t paging_kernel_root(void)
{
    return V2P(kernel_root);
}

void paging_copy_kernel_half(void *root_page)
{
    pte_t *root = root_page;

    memcpy(&root[PTES_PER_NODE / 2], &kernel_root[PTES_PER_NODE / 2], PAGE_SIZE / 2);
}

int kernel_map_page(vaddr_t va, paddr_t pa)
{
    pte_t *entry = walk(va, 1, true);

    if (!entry)
        return -ENOMEM;
    ASSERT(!pte_is_present(*entry));
    pte_store(entry, (pte_t){pa | KERNEL_DATA});
    return 0;
}

paddr_t kernel_unmap_page(vaddr_t va)
{
    pte_t *entry = walk(va, 1, false);

    ASSERT(entry && pte_is_present(*entry) && !pte_is_large(*entry));
    pte_t old = pte_exchange(entry, pte_none());

    tlb_flush_local_page(va);
    return pte_pa(old);
}

paddr_t kernel_take_empty_table(vaddr_t va)
{
    pte_t *parent = walk(va, 2, false);
    if (!parent || !pte_is_present(*parent) || pte_is_large(*parent))
        return 0;
    const pte_t *table = table_of(*parent);

    for (unsigned i = 0; i < PTES_PER_NODE; i++)
        if (pte_is_present(table[i]))
            return 0;
    return pte_pa(pte_exchange(parent, pte_none()));
}

paddr_t kernel_translate(vaddr_t va)
{
    const pte_t *table = kernel_root;

    if (va < KERNBASE)
        return 0;
    for (int level = 4; level >= 1; level--) {
        pte_t pte = pte_load(&table[pte_index(va, level)]);
        uint64_t offset = va & ((1ull << level_shift(level)) - 1);

        if (!pte_is_present(pte))
            return 0;
        if (level == 1 || (level < 4 && pte_is_large(pte)))
            return pte_pa(pte) + offset;
        table = table_of(pte);
    }
    return 0;
}

bool kernel_is_mapped(vaddr_t va)
{
    return kernel_translate(va) != 0;
}

/* In blocks of 2 MiB, so that one table serves all devices below 4 GiB. A block that holds RAM is mapped already. */
static void *map_physical(paddr_t pa, size_t size, uint64_t rights)
{
    if (pa + size < pa || pa + size > V2P(DIRECT_MAP_END))
        return NULL;
    for (paddr_t block = ALIGN_DOWN(pa, LARGE_SIZE); block < pa + size; block += LARGE_SIZE) {
        if (!map_block(block, rights))
            return NULL;
    }
    return P2V(pa);
}

void *paging_map_device(paddr_t pa, size_t size)
{
    return map_physical(pa, size, KERNEL_DEVICE);
}

void *paging_map_firmware(paddr_t pa, size_t size)
{
    return map_physical(pa, size, KERNEL_DATA);
}

int kstack_map(unsigned slot, const paddr_t frames[KSTACK_FRAMES])
{
    for (unsigned i = 0; i < KSTACK_FRAMES; i++) {
        if (kernel_map_page(kstack_page(slot, i), frames[i]) == 0)
            continue;
        while (i-- > 0)
            kernel_unmap_page(kstack_page(slot, i));
        return -ENOMEM;
    }
    return 0;
}

void kstack_unmap(unsigned slot, paddr_t frames[KSTACK_FRAMES])
{
    for (unsigned i = 0; i < KSTACK_FRAMES; i++)
        frames[i] = kernel_unmap_page(kstack_page(slot, i));
}

bool kstack_is_guard(vaddr_t va)
{
    return va >= KSTACK_AREA && va < KSTACK_AREA_END && (va - KSTACK_AREA) % KSTACK_SLOT_SIZE < KSTACK_SLOT_SIZE - KSTACK_SIZE;
}
