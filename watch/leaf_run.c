// SPDX-License-Identifier: MIT
#include "arch/x86/pte.h"
#include "message.h"

#define VPI_BITS 0x1fu // present, writable, used, moving, leaving: struct vpage_info's first ones

/* One page. */
static struct leaf_run page_at(const struct picture_node *leaf, unsigned index)
{
    uint64_t info = leaf->infos[index], entry = leaf->entries[index];

    return (struct leaf_run){
        .index = index,
        .count = 1,
        .ppn = (info & PTE_ADDRESS_MASK) >> PAGE_SHIFT, // struct vpage_info has it where an entry has it
        .vpi_bits = info & VPI_BITS,
        .pte_pfn = (entry & PTE_ADDRESS_MASK) >> PAGE_SHIFT,
        .pte_bits = (unsigned)(entry & PAGE_MASK) | (entry & PTE_BIT_NOEXEC ? PTE_NO_EXECUTE : 0),
    };
}

static bool is_empty(const struct picture_node *leaf, unsigned index)
{
    return leaf->infos[index] == 0 && leaf->entries[index] == 0;
}

/* Whether `page` continues the run, if its pages are `step` apart. */
static bool continues(const struct leaf_run *run, const struct leaf_run *page, int step)
{
    uint64_t distance = (uint64_t)(int64_t)step * run->count;

    return page->vpi_bits == run->vpi_bits && page->pte_bits == run->pte_bits && page->ppn == run->ppn + distance &&
           (run->pte_bits == 0 || page->pte_pfn == run->pte_pfn + distance);
}

bool leaf_run_find(const struct picture_node *leaf, unsigned index, struct leaf_run *run)
{
    while (index < NODE_ENTRIES && is_empty(leaf, index))
        index++;
    if (index == NODE_ENTRIES)
        return false;
    *run = page_at(leaf, index);
    for (unsigned next = index + 1; next < NODE_ENTRIES && !is_empty(leaf, next); next++) {
        struct leaf_run page = page_at(leaf, next);
        int step = run->count == 1 ? (int)((int64_t)page.ppn - (int64_t)run->ppn) : run->step;
        if (step < -1 || step > 1 || !continues(run, &page, step))
            break;
        run->step = step;
        run->count++;
    }
    return true;
}
