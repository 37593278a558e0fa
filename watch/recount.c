// SPDX-License-Identifier: MIT
#include "recount.h"

#include <stdlib.h>

#include "arch/x86/pte.h"
#include "message.h"
#include "mm/core_map.h"
#include "vector.h"

/* ---- Finding ---- */

static void find_at(uint32_t *found, const struct picture *picture, uint64_t pfn)
{
    if (pfn < picture->frames)
        found[pfn]++;
}

/* A huge entry stands for the leaf behind it, which is found by what it maps. */
static void find_huge(uint32_t *found, const struct picture *picture, uint64_t run, const uint32_t *leaf_of_run)
{
    if (run < picture->frames && leaf_of_run[run])
        found[leaf_of_run[run]]++;
}

static void find_in_node(uint32_t *found, const struct picture *picture, const struct picture_node *node, const uint32_t *leaf_of_run)
{
    for (unsigned i = 0; i < NODE_ENTRIES; i++) {
        uint64_t entry = node->entries[i];
        if (node->level == 1 && (node->infos[i] & VPI_PRESENT))
            find_at(found, picture, (node->infos[i] & PTE_ADDRESS_MASK) >> PAGE_SHIFT);
        else if (node->level > 1 && (entry & PTE_BIT_PRESENT) && (entry & PTE_BIT_LARGE))
            find_huge(found, picture, (entry & PTE_ADDRESS_MASK) >> PAGE_SHIFT, leaf_of_run);
        else if (node->level > 1 && (entry & PTE_BIT_PRESENT))
            find_at(found, picture, (entry & PTE_ADDRESS_MASK) >> PAGE_SHIFT);
    }
}

/* For each frame that begins a huge page the leaf that has it first. */
static uint32_t *find_huge_leaves(const struct picture *picture)
{
    uint32_t *leaf_of_run = vector_alloc(picture->frames, sizeof *leaf_of_run);

    for (size_t i = 0; i < picture->nodes.count; i++) {
        const struct picture_node *node = picture->node[picture->nodes.array[i]];
        uint64_t run = (node->infos[0] & PTE_ADDRESS_MASK) >> PAGE_SHIFT;
        if (node->level == 1 && (node->infos[0] & VPI_PRESENT) && run < picture->frames && picture->frame[run].kind == FRAME_HUGE)
            leaf_of_run[run] = node->pfn;
    }
    return leaf_of_run;
}

uint32_t *recount_find(const struct picture *picture)
{
    uint32_t *found = vector_alloc(picture->frames, sizeof *found), *leaf_of_run = find_huge_leaves(picture);

    for (size_t i = 0; i < picture->spaces.count; i++)
        if (picture->spaces.array[i].root)
            find_at(found, picture, picture->spaces.array[i].root);
    for (size_t i = 0; i < picture->nodes.count; i++)
        find_in_node(found, picture, picture->node[picture->nodes.array[i]], leaf_of_run);
    free(leaf_of_run);
    return found;
}

/* ---- Comparing ---- */

/* Whether a frame of that kind may have so many references when so many were found; caches hold one that nobody sees, and calls may pin. */
static bool agrees(uint8_t kind, uint32_t refs, uint32_t found)
{
    switch (kind) {
    case FRAME_NODE:
    case FRAME_ANON:
    case FRAME_HUGE:
        return refs == found;
    case FRAME_FILE:
        return refs >= found; // truncation takes a page out of the cache that calls or private mappings still have
    case FRAME_SWAP:
        return refs >= found + 1;
    case FRAME_ZERO:
        return true; // is not counted
    default:
        return found == 0;
    }
}

static bool is_clean(const struct mirror *mirror, const struct change *change)
{
    return !mirror->busy && change->torn_frames.count + change->torn_nodes.count + change->torn_spaces.count == 0;
}

struct recount recount_picture(const struct picture *picture, const struct mirror *mirror, struct change *change)
{
    struct recount recount = {.clean = is_clean(mirror, change)};
    uint32_t *found = recount_find(picture);

    for (uint32_t pfn = 0; pfn < picture->frames; pfn++) {
        const struct picture_frame *frame = &picture->frame[pfn];
        if (agrees(frame->kind, frame->refs, found[pfn]))
            continue;
        if (recount.clean && recount.wrong++ == 0)
            recount.first = (struct recount_difference){.pfn = pfn, .refs = frame->refs, .found = found[pfn], .kind = frame->kind};
        if (!recount.clean && !mirror_frame_torn(mirror, pfn)) // else it is told already
            vector_add(&change->torn_frames, pfn);
    }
    free(found);
    return recount;
}
