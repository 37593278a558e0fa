// SPDX-License-Identifier: MIT
#include "mirror.h"
#include "mm/core_map.h"

#define WORDS (sizeof(struct core_map_entry) / sizeof(uint64_t))

/* Whether what the picture shows of a frame is another. Locks and marks of the clock's come and go. */
static bool differs(const struct core_map_entry *a, const struct core_map_entry *b)
{
    if (a->refs != b->refs || a->kind != b->kind)
        return true;
    return a->kind == FRAME_NODE && (a->level != b->level || a->node.base_2m != b->node.base_2m || a->node.part != b->node.part ||
                                     a->node.live != b->node.live || (a->level == 1 && a->node.vpi != b->node.vpi));
}

unsigned read_frames(struct mirror *mirror)
{
    const struct guest *guest = mirror->guest;
    const struct core_map_entry *from = memory_at_kernel(&guest->memory, guest_word(guest, guest->at.core_map),
                                                         mirror->frames * sizeof *from);
    unsigned different = 0;

    if (!from)
        return 1;
    for (uint32_t pfn = 0; pfn < mirror->frames; pfn++) {
        struct core_map_entry *copy = &mirror->core_map[pfn], before = *copy;
        bool changed = memory_refresh((uint64_t *)copy, &from[pfn], WORDS);
        if (pfn == 0)
            copy->refs = 0; // absent entries of nodes that are copied count there (mm/share.c): nobody's references
        if (!changed || !differs(&before, copy))
            continue;
        mirror->frame_differed[pfn] = mirror->pass;
        different++;
    }
    return different;
}
