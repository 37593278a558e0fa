// SPDX-License-Identifier: MIT
#include "mm/reclaim.h"

#include "mm/kalloc.h"
#include "mm/kstack.h"
#include "mm/node.h"
#include "mm/slab.h"
#include "mm/vspace.h"

bool reclaim(void)
{
    uint64_t before = frames_by_kind(FRAME_FREE);

    vspaces_compact(false);
    kstack_drain();
    node_drain();
    slab_drain();
    return frames_by_kind(FRAME_FREE) > before;
}

void reclaim_all(void)
{
    vspaces_compact(true);
    (void)!reclaim();
    kalloc_drain();
}
