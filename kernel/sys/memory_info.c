// SPDX-License-Identifier: MIT
#include "sys/memory_info.h"

#include "mm/core_map.h"
#include "mm/kalloc.h"
#include "mm/swap.h"

void memory_info(struct memory_info *info)
{
    *info = (struct memory_info){
        .free = frames_by_kind(FRAME_FREE),
        .cached = frames_by_kind(FRAME_FILE),
        .anonymous = frames_by_kind(FRAME_ANON) + frames_by_kind(FRAME_HUGE) + swap_cached(),
        .swap_cached = swap_cached(),
        .swap_total = swap_slots_total(),
        .swap_free = swap_slots_total() - swap_slots_used(),
        .slab = frames_by_kind(FRAME_SLAB),
        .stacks = frames_by_kind(FRAME_STACK),
        .page_tables = frames_by_kind(FRAME_NODE) + frames_by_kind(FRAME_VPI),
        .kernel = frames_by_kind(FRAME_KERNEL),
    };
    info->available = info->free;
    info->shared = info->cached;
    for (int kind = 0; kind < FRAME_KINDS; kind++)
        if (kind != FRAME_RESERVED && kind != FRAME_IMAGE)
            info->total += frames_by_kind(kind);
}
