// SPDX-License-Identifier: MIT
#include "pages.h"

#include <string.h>

#include "message.h"
#include "mm/core_map.h"
#include "arch/x86/pte.h"

#define LEAF_SPAN (UINT64_C(1) << 21)

/* The way to a page's leaf. */
struct way {
    const struct picture_node *leaf; // NULL: there is none
    bool shared, huge;
    uint64_t skip;                   // bytes that have no leaf either
};

static const struct picture_node *node_at(const struct picture *picture, uint64_t pfn)
{
    return pfn < picture->frames ? picture->node[pfn] : NULL;
}

/* The leaf behind a huge entry: its first page is the run's first frame. */
static const struct picture_node *huge_leaf(const struct picture *picture, uint64_t base, uint64_t run)
{
    for (size_t i = 0; i < picture->nodes.count; i++) {
        const struct picture_node *node = picture->node[picture->nodes.array[i]];
        if (node->level == 1 && node->base == base && (node->infos[0] & PTE_ADDRESS_MASK) >> PAGE_SHIFT == run)
            return node;
    }
    return NULL;
}

static struct way way_to(const struct picture *picture, const struct picture_space *space, uint64_t va)
{
    struct way way = {.leaf = node_at(picture, space->root), .skip = LEAF_SPAN};

    while (way.leaf && way.leaf->level > 1) {
        int level = way.leaf->level;
        uint64_t entry = way.leaf->entries[pte_index(va, level)], pfn = (entry & PTE_ADDRESS_MASK) >> PAGE_SHIFT;
        way.skip = UINT64_C(1) << level_shift(level);
        if (!(entry & PTE_BIT_PRESENT))
            return (struct way){.skip = way.skip};
        way.huge = level == 2 && (entry & PTE_BIT_LARGE);
        way.leaf = way.huge ? huge_leaf(picture, va & ~(LEAF_SPAN - 1), pfn) : node_at(picture, pfn);
        way.shared |= way.leaf && way.leaf->refs > 1;
    }
    return way;
}

static enum page_state state_of(const struct picture *picture, const struct mirror_region *region, const struct page_view *page)
{
    bool present = page->info & VPI_PRESENT, used = page->info & VPI_USED;

    if (!used)
        return PAGE_UNTOUCHED;
    if (!present)
        return PAGE_SWAPPED;
    enum frame_kind kind = page->pfn < picture->frames ? picture->frame[page->pfn].kind : FRAME_RESERVED;
    if (kind == FRAME_ZERO)
        return PAGE_ZEROS;
    if (region->shared)
        return PAGE_SHARED;
    if (kind == FRAME_FILE)
        return PAGE_FILE;
    return page->refs > 1 || page->node_shared ? PAGE_COW : PAGE_OWN;
}

static struct page_view view(const struct picture *picture, const struct mirror_region *region, const struct way *way, unsigned index)
{
    struct page_view page = {.huge = way->huge, .node_shared = way->shared, .info = way->leaf->infos[index],
                             .entry = way->leaf->entries[index]};

    page.pfn = (uint32_t)((page.info & PTE_ADDRESS_MASK) >> PAGE_SHIFT);
    page.refs = (page.info & VPI_PRESENT) && page.pfn < picture->frames ? picture->frame[page.pfn].refs : 0;
    page.state = state_of(picture, region, &page);
    return page;
}

void pages_visit(const struct picture *picture, const struct picture_space *space, const struct mirror_region *region,
                 void (*visit)(void *arg, uint64_t va, const struct page_view *page), void *arg)
{
    for (uint64_t va = region->start; va < region->end;) {
        struct way way = way_to(picture, space, va);
        uint64_t next = (va | ((way.leaf ? LEAF_SPAN : way.skip) - 1)) + 1;
        for (; way.leaf && va < MIN(next, region->end); va += PAGE_SIZE) {
            struct page_view page = view(picture, region, &way, pte_index(va, 1));
            if (page.info || page.entry)
                visit(arg, va, &page);
        }
        va = next;
    }
}

static void count_page(void *arg, uint64_t va, const struct page_view *page)
{
    struct page_counts *counts = arg;

    (void)va;
    counts->states[page->state]++;
    counts->huge += page->huge;
}

void pages_count(const struct picture *picture, const struct picture_space *space, const struct mirror_region *region,
                 struct page_counts *counts)
{
    uint64_t touched = 0;

    memset(counts, 0, sizeof *counts);
    pages_visit(picture, space, region, count_page, counts);
    for (unsigned state = PAGE_OWN; state < PAGE_STATES; state++)
        touched += counts->states[state];
    counts->states[PAGE_UNTOUCHED] = (region->end - region->start) / PAGE_SIZE - touched;
}

/* ---- Nodes ---- */

static void count_node(const struct picture *picture, const struct picture_node *node, bool shared, struct node_counts *counts)
{
    shared |= node->refs > 1;
    counts->own += !shared;
    counts->shared += shared;
    for (unsigned i = 0; node->level > 1 && i < NODE_ENTRIES; i++) {
        uint64_t entry = node->entries[i], pfn = (entry & PTE_ADDRESS_MASK) >> PAGE_SHIFT;
        const struct picture_node *child = entry & PTE_BIT_LARGE ? NULL : node_at(picture, pfn);
        if ((entry & PTE_BIT_PRESENT) && child && child->level < node->level)
            count_node(picture, child, shared, counts);
    }
}

struct node_counts pages_count_nodes(const struct picture *picture, const struct picture_space *space)
{
    struct node_counts counts = {0};
    const struct picture_node *root = node_at(picture, space->root);

    if (root)
        count_node(picture, root, false, &counts);
    return counts;
}

const char *page_state_name(enum page_state state)
{
    static const char *const names[PAGE_STATES] = {
        [PAGE_UNTOUCHED] = "untouched", [PAGE_OWN] = "own",       [PAGE_COW] = "copy-on-write", [PAGE_ZEROS] = "zero frame",
        [PAGE_FILE] = "of its file",    [PAGE_SHARED] = "shared", [PAGE_SWAPPED] = "in swap",
    };

    return names[state];
}
