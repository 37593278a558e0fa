// SPDX-License-Identifier: MIT
/*
 * swap_off.c - bring everything back that is in one area.
 *
 * Theory      The area is closed: no page leaves for it any more, and who else wants to give it up is told that it is not in use. Then every leaf of every space is looked at, and what holds a slot of the area
 *             holds the frame instead, as after a fault for reading; then
 *             every file's pages. A child that is forked meanwhile may come to hold slots
 *             behind our back, so this is repeated until no slot is in use.
 * Locking     As a fault: a space's lock for reading and the leaf's. No lock while pages are read.
 * Failure     -ENOMEM or -EIO, or -EINTR: what has come back stays.
 */
#include "lib/errno.h"
#include "mm/commit.h"
#include "mm/node.h"
#include "mm/page_cache.h"
#include "mm/reclaim.h"
#include "mm/swap.h"
#include "mm/vspace.h"

/* A walk through one space. */
struct return_walk {
    struct vspace *space;
    int area;
    vaddr_t va;     // where it goes on
    uint32_t slot;  // that the page there is in; 0: the space is done
};

/* Find the next page that is in the area. => the space's lock held for reading */
static void find_next(struct return_walk *walk)
{
    struct core_map_entry *leaf;

    walk->slot = 0;
    for (; (leaf = node_next_leaf(walk->space, &walk->va, USER_END)); walk->va = leaf_range_end(leaf, USER_END)) {
        node_lock(leaf);
        struct leaf_range used = leaf_used_range(leaf, walk->va, leaf_range_end(leaf, USER_END));
        for (vaddr_t va = used.start; leaf->has_slots && va < used.end && !walk->slot; va += PAGE_SIZE) {
            struct vpage_info info = *leaf_info(leaf, va);
            if (vpage_is_swapped(info) && swap_slot_in((uint32_t)info.ppn, walk->area)) {
                walk->slot = (uint32_t)info.ppn;
                walk->va = va;
            }
        }
        node_unlock(leaf);
        if (walk->slot)
            return;
    }
}

/* Let the page hold its frame again, if it is still in the slot. => the caller's reference of `page` is used up */
static void put_back(struct return_walk *walk, struct core_map_entry *page)
{
    bool done = false;

    rwlock_read_lock(&walk->space->lock);
    struct core_map_entry *leaf = walk->space->root ? node_find_leaf(walk->space, walk->va) : NULL;
    if (leaf) {
        node_lock(leaf);
        struct vpage_info *info = leaf_covers(leaf, walk->va) ? leaf_info(leaf, walk->va) : NULL;
        done = info && vpage_same(*info, vpage_in_slot(walk->slot)) && swap_page_has_slot(page, walk->slot);
        if (done) {
            vpage_store(info, vpage_in_frame(page, true));
            swap_bring_in(page, true);
        }
        node_unlock(leaf);
    }
    rwlock_read_unlock(&walk->space->lock);
    if (!done)
        frame_put(page);
}

/* => 0 or -errno; -EAGAIN is none: the page has gone */
static int bring_back(struct return_walk *walk)
{
    struct core_map_entry *page = swap_find(walk->slot);
    int error = page ? 0 : swap_read(walk->slot, &page);

    for (unsigned i = 0; error == -ENOMEM && i < reclaim_attempts() && reclaim(); i++)
        error = swap_read(walk->slot, &page);
    if (!error)
        put_back(walk, page);
    return error == -EAGAIN ? 0 : error;
}

static int empty_space(struct vspace *space, int area, bool (*stop)(void))
{
    struct return_walk walk = {.space = space, .area = area};
    int error = 0;

    while (!error) {
        rwlock_read_lock(&space->lock);
        if (space->root)
            find_next(&walk);
        rwlock_read_unlock(&space->lock);
        if (!walk.slot)
            return 0;
        error = stop() ? -EINTR : bring_back(&walk);
        walk.va += PAGE_SIZE;
    }
    return error;
}

/* Every space there is now, and perhaps one twice. */
static int empty_spaces(int area, bool (*stop)(void))
{
    unsigned count, done = 0;
    int error = 0;

    do {
        struct vspace *space = vspaces_first(&count);
        if (!space)
            return 0;
        error = empty_space(space, area, stop);
        vspaces_to_end(space);
        vspace_put(space);
    } while (!error && ++done < count);
    return error;
}

int swap_off_closed(int area, bool (*stop)(void))
{
    int error;

    do {
        error = empty_spaces(area, stop);
        if (!error)
            error = page_caches_bring_back(area, stop);
        swap_part_all(area);
        if (!error)
            error = stop() ? -EINTR : swap_remove(area);
    } while (error == -EBUSY);
    if (error)
        swap_open(area);
    else
        commit_memory_changed();
    return error;
}

int swap_off(void *device, bool (*stop)(void))
{
    int area = swap_close(device);

    return area < 0 ? area : swap_off_closed(area, stop);
}
