// SPDX-License-Identifier: MIT
#include "sys/buffer.h"

#include "mm/kalloc.h"
#include "mm/slab.h"

static unsigned buffer_order(size_t size)
{
    unsigned order = 0;

    while ((PAGE_SIZE << order) < size)
        order++;
    return order;
}

void *buffer_alloc(size_t size)
{
    struct core_map_entry *run;

    if (size <= SLAB_MAX)
        return slab_alloc(MAX(size, 1ul));
    if (size > BUFFER_MAX)
        return NULL;
    run = frame_alloc_run(FRAME_KERNEL, buffer_order(size));
    return run ? page2kva(run) : NULL;
}

void buffer_free(void *buffer, size_t size)
{
    if (!buffer)
        return;
    if (size <= SLAB_MAX)
        slab_free(buffer);
    else
        frame_free_run(kva2page(buffer), buffer_order(size));
}
