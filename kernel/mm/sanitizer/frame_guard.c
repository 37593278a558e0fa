// SPDX-License-Identifier: MIT
#include "mm/frame_guard.h"

#include "mm/core_map.h"

struct core_map_entry *frame_guard_release(struct frame_quarantine *quarantine)
{
    if (quarantine->count == 0)
        return NULL;
    pfn_t pfn = quarantine->frames[quarantine->first];
    quarantine->first = (quarantine->first + 1) % FRAME_QUARANTINE;
    quarantine->count--;
    return &core_map[pfn];
}

struct core_map_entry *frame_guard_keep(struct frame_quarantine *quarantine, struct core_map_entry *page)
{
    struct core_map_entry *oldest = quarantine->count == FRAME_QUARANTINE ? frame_guard_release(quarantine) : NULL;

    quarantine->frames[(quarantine->first + quarantine->count++) % FRAME_QUARANTINE] = (uint32_t)page2pfn(page);
    return oldest;
}

void frame_guard_for_each(const struct frame_quarantine *quarantine, void (*visit)(struct core_map_entry *page, void *arg),
                          void *arg)
{
    for (unsigned i = 0; i < quarantine->count; i++)
        visit(&core_map[quarantine->frames[(quarantine->first + i) % FRAME_QUARANTINE]], arg);
}
