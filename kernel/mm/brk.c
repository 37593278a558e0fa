// SPDX-License-Identifier: MIT
/*
 * brk.c - the two regions that grow: the heap upwards by brk(2), the stack downwards by faults.
 *
 * The break is kept to the byte; the heap's region covers the pages that it touches. The stack starts small here and is
 * extended in fault.c.
 */
#include "arch/x86/pte.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "mm/commit.h"
#include "mm/event.h"
#include "mm/map.h"
#include "mm/range.h"
#include "mm/reclaim.h"
#include "mm/share.h"

/* The heap's region, which ends at `heap_end` below the region `above` (or NULL); NULL while the heap is empty. */
static struct vregion *heap_below(struct vspace *space, struct vregion *above, vaddr_t heap_end)
{
    struct vregion *region = above ? vregion_prev(above) : vregion_highest(space);

    return region && region->purpose == VR_HEAP && vregion_end(region) == heap_end ? region : NULL;
}

/* Extend the heap by [from, to), which lies in the user's half. => 0, -ENOMEM, -EAGAIN */
static int heap_grow(struct vspace *space, vaddr_t from, vaddr_t to, uint64_t lock_limit)
{
    struct vregion *above = vregion_above(space, from), *heap = heap_below(space, above, from);
    if (above && to > vregion_room_end(above))
        return -ENOMEM;
    if (unlikely(space->lock_future) && !vspace_may_lock(space, to - from, lock_limit))
        return -EAGAIN;
    int64_t pages = (int64_t)((to - from) >> PAGE_SHIFT);
    if (!vspace_may_grow(space, pages, pages) || node_make_private(space, from, to, PRIVATE_ALL) ||
        vspace_commit(space, (uint64_t)pages))
        return -ENOMEM;
    if (heap && heap->prot == (VR_READ | VR_WRITE) && heap->flags == space->lock_future) {
        heap->size += to - from;
        return 0;
    }
    heap = vregion_alloc();
    if (!heap) {
        vspace_uncommit(space, (uint64_t)pages);
        return -ENOMEM;
    }
    *heap = (struct vregion){
        .dir = VR_UP,
        .va_base = from,
        .size = to - from,
        .prot = VR_READ | VR_WRITE,
        .max_prot = VR_READ | VR_WRITE | VR_EXEC,
        .flags = space->lock_future,
        .commit = VR_COMMITTED,
        .purpose = VR_HEAP,
    };
    vregion_insert(space, heap);
    return 0;
}

/* Give [from, to), the end of the heap, back. => 0, -ENOMEM */
static int heap_shrink(struct vspace *space, vaddr_t from, vaddr_t to)
{
    struct removal removal;

    int error = range_prepare_remove(space, from, to, &removal);
    if (!error)
        range_remove(space, from, to, &removal);
    return error;
}

/* => 0, -ENOMEM, -EAGAIN, nothing changed */
static int heap_move(struct vspace *space, vaddr_t end, uint64_t lock_limit)
{
    vaddr_t old_end = ALIGN_UP(space->brk, PAGE_SIZE), new_end = ALIGN_UP(end, PAGE_SIZE);
    int error = 0;

    if (end < space->brk_start || end > USER_END)
        return 0;
    if (new_end > old_end)
        error = heap_grow(space, old_end, new_end, lock_limit);
    else if (new_end < old_end)
        error = heap_shrink(space, new_end, old_end);
    if (error)
        return error;
    space->brk = end;
    if (new_end > old_end)
        event_range(EVENT_MAP, old_end, new_end - old_end, VR_READ | VR_WRITE);
    return 0;
}

/* brk(2) has no error to tell, so that it looks for memory itself. */
vaddr_t vspace_brk_limited(struct vspace *space, vaddr_t end, uint64_t lock_limit)
{
    unsigned attempt = 0;
    vaddr_t result;
    int error;

    do {
        rwlock_write_lock(&space->lock);
        error = heap_move(space, end, lock_limit);
        result = space->brk;
        rwlock_write_unlock(&space->lock);
    } while (unlikely(error) && reclaim_for_call(attempt++));
    return result;
}

void vspace_set_brk_start(struct vspace *space, vaddr_t start)
{
    rwlock_write_lock(&space->lock);
    space->brk_start = space->brk = start;
    rwlock_write_unlock(&space->lock);
}

/* ---- The stack ---- */

/*
 * mmap starts below the room that the stack may grow into: its limit, at least 128 MiB, at most 5/6 of all. And it starts in
 * another GiB: the node over the stack's is copied after every fork, and should have no entries but the stack's.
 */
static vaddr_t mmap_top_below(vaddr_t stack_top, uint64_t limit)
{
    uint64_t room = MIN(MAX(limit, UINT64_C(128) << 20), (uint64_t)USER_END / 6 * 5);

    return ALIGN_DOWN(stack_top - room - STACK_GUARD_GAP, UINT64_C(1) << level_shift(3));
}

int vspace_map_stack(struct vspace *space, vaddr_t top, uint64_t size, bool executable)
{
    struct vregion *stack = vregion_alloc();
    if (!stack)
        return -ENOMEM;
    *stack = (struct vregion){
        .dir = VR_DOWN,
        .va_base = top,
        .size = ALIGN_UP(size, PAGE_SIZE),
        .prot = VR_READ | VR_WRITE | (executable ? VR_EXEC : 0),
        .max_prot = VR_READ | VR_WRITE | VR_EXEC,
        .commit = VR_COMMITTED,
        .purpose = VR_STACK,
    };
    rwlock_write_lock(&space->lock);
    int error = vspace_commit(space, stack->size >> PAGE_SHIFT);
    if (error) {
        rwlock_write_unlock(&space->lock);
        vregion_free(stack);
        return error;
    }
    vregion_insert(space, stack);
    event_range(EVENT_MAP, top - stack->size, stack->size, stack->prot);
    space->mmap_top = mmap_top_below(top, atomic_load(&space->stack_limit));
    rwlock_write_unlock(&space->lock);
    return 0;
}

void vspace_lower_mmap(struct vspace *space, uint64_t bytes)
{
    rwlock_write_lock(&space->lock);
    ASSERT(bytes < space->mmap_top);
    space->mmap_top -= bytes;
    rwlock_write_unlock(&space->lock);
}
