// SPDX-License-Identifier: MIT
/*
 * read_nodes.c - page tables, from the roots down.
 *
 * A node that several spaces share is read once in a pass. Where core_map does not confirm what an entry leads to, somebody is at work
 * there: the node with the entry is torn.
 */
#include <string.h>

#include "mirror.h"
#include "mm/huge.h"
#include "mm/leaf.h"
#include "mm/node.h"
#include "vector.h"

#define HARDWARE_BITS (PTE_BIT_ACCESSED | PTE_BIT_DIRTY) // the CPU sets them at any time: no sign of a change

/* ---- One node ---- */

static const struct core_map_entry *entry_of(const struct mirror *mirror, uint32_t pfn)
{
    return &mirror->core_map[pfn];
}

/* Copy words. => whether they differ by more than `ignored` bits; *any: whether at all */
static bool refresh(uint64_t *copy, const uint64_t *from, size_t words, uint64_t ignored, bool *any)
{
    uint64_t difference = 0, all = 0;

    for (size_t i = 0; i < words; i++) {
        uint64_t word = __atomic_load_n(&from[i], __ATOMIC_RELAXED), changed = word ^ copy[i];
        difference |= changed & ~ignored;
        all |= changed;
        copy[i] = word;
    }
    *any |= all != 0;
    return difference != 0;
}

/* The infos beside a leaf, of which there may be a part only (leaf.h). => whether they differ */
static bool refresh_infos(struct mirror *mirror, struct mirror_node *node, bool *any)
{
    const struct core_map_entry *leaf = entry_of(mirror, node->pfn);
    unsigned part = leaf->node.part, count = part ? PART_INFOS : NODE_ENTRIES, first = part ? (part - 1) * PART_INFOS : 0;
    const uint64_t *from = first + count <= NODE_ENTRIES
                               ? memory_at_kernel(&mirror->guest->memory, (uint64_t)(uintptr_t)leaf->node.vpi + first * sizeof *from,
                                                  count * sizeof *from)
                               : NULL;
    static const uint64_t none[NODE_ENTRIES];

    if (!from)
        return true;
    bool differs = refresh(node->infos, none, first, 0, any);
    differs |= refresh(node->infos + first, from, count, 0, any);
    return differs | refresh(node->infos + first + count, none, NODE_ENTRIES - first - count, 0, any);
}

static struct mirror_node *node_meet(struct mirror *mirror, uint32_t pfn, int level, uint64_t base)
{
    struct mirror_node *node = mirror->node[pfn];

    if (!node) {
        node = mirror->node[pfn] = vector_alloc(1, sizeof *node);
        node->pfn = pfn;
        vector_add(&mirror->nodes, pfn);
    }
    if (node->level != level || node->base != base || mirror_frame_torn(mirror, pfn) || node->met + 1 < mirror->pass) {
        node->differed = mirror->pass; // new, or another one in the same frame
        node->version++;
        memset(node->entries, 0, sizeof node->entries); // of a root only half is read, of others no infos
        memset(node->infos, 0, sizeof node->infos);
    }
    node->level = (uint8_t)level;
    node->base = base;
    node->met = mirror->pass;
    return node;
}

static void node_refresh(struct mirror *mirror, struct mirror_node *node)
{
    const uint64_t *entries = memory_at(&mirror->guest->memory, (uint64_t)node->pfn << PAGE_SHIFT, PAGE_SIZE);
    uint16_t lock = entry_of(mirror, node->pfn)->lock;
    bool any = false, differs = lock != node->lock || !entries;

    node->lock = lock;
    if (entries)
        differs |= refresh(node->entries, entries, node->level == ROOT_LEVEL ? NODE_ENTRIES / 2 : NODE_ENTRIES, HARDWARE_BITS, &any);
    if (node->level == LEAF_LEVEL)
        differs |= refresh_infos(mirror, node, &any);
    node->version += any;
    if (differs)
        node->differed = mirror->pass;
}

/* ---- The tree ---- */

/* The node that an entry leads to; 0: core_map does not know of it. */
static uint32_t child_of(const struct mirror *mirror, const struct mirror_node *node, uint64_t entry, uint64_t base)
{
    uint64_t pfn = (entry & PTE_ADDRESS_MASK) >> PAGE_SHIFT;

    if (pfn < mirror->frames && (entry & PTE_BIT_LARGE)) {
        const struct core_map_entry *run = entry_of(mirror, (uint32_t)pfn);
        uint64_t core_map = guest_word(mirror->guest, mirror->guest->at.core_map);
        if (node->level != LEAF_LEVEL + 1 || run->kind != FRAME_HUGE)
            return 0;
        pfn = ((uint64_t)(uintptr_t)run->huge.leaf - core_map) / sizeof *run;
    }
    if (pfn == 0 || pfn >= mirror->frames)
        return 0;
    const struct core_map_entry *child = entry_of(mirror, (uint32_t)pfn);
    return child->kind == FRAME_NODE && child->level == node->level - 1 && child->node.base_2m * LEAF_SPAN == base ? (uint32_t)pfn : 0;
}

static unsigned read_node(struct mirror *mirror, uint32_t pfn, int level, uint64_t base)
{
    struct mirror_node *known = mirror->node[pfn];

    if (known && known->met == mirror->pass)
        return 0; // met below another space; what is told twice of it differs, and shows there
    struct mirror_node *node = node_meet(mirror, pfn, level, base);
    node_refresh(mirror, node);
    unsigned different = 0;
    for (unsigned i = 0; level > LEAF_LEVEL && i < (level == ROOT_LEVEL ? NODE_ENTRIES / 2 : NODE_ENTRIES); i++) {
        uint64_t below = base + ((uint64_t)i << level_shift(level));
        if (!(node->entries[i] & PTE_BIT_PRESENT))
            continue;
        uint32_t child = child_of(mirror, node, node->entries[i], below);
        if (child)
            different += read_node(mirror, child, level - 1, below);
        else
            node->differed = mirror->pass;
    }
    return different + (node->differed == mirror->pass);
}

unsigned read_nodes(struct mirror *mirror)
{
    unsigned different = 0;

    for (size_t i = 0; i < mirror->spaces.count; i++) {
        struct mirror_space *space = mirror->spaces.array[i];
        if (space->met != mirror->pass || !space->root)
            continue;
        const struct core_map_entry *root = entry_of(mirror, space->root);
        if (root->kind == FRAME_NODE && root->level == ROOT_LEVEL)
            different += read_node(mirror, space->root, ROOT_LEVEL, 0);
        else
            space->differed = mirror->pass;
    }
    return different;
}
