// SPDX-License-Identifier: MIT
/*
 * mremap.c - make a mapping longer or shorter, or let it move.
 *
 * Theory      Moving takes each vpage_info, with its reference of the frame, from a leaf of the old range to one of the new range; no page
 *             is copied. All entries of the old range are emptied first, with one flush for all of them, so that no CPU
 *             reads a page at both places.
 * Steps       As Linux: what lies at a fixed new place is unmapped first, then what is too much at the old one; each of these is
 *             whole by itself, and stays done if a later step finds no memory. The move itself checks, prepares (a region for the
 *             new place, private nodes at both, leaves at the new one), and commits.
 * Locking     space->lock for writing throughout; one leaf at a time.
 */
#include <linux/mman.h>

#include "lib/checked.h"
#include "lib/errno.h"
#include "mm/commit.h"
#include "mm/event.h"
#include "mm/kalloc.h"
#include "mm/map.h"
#include "mm/node.h"
#include "mm/range.h"
#include "mm/share.h"
#include "mm/tlb.h"

/* One request, sizes rounded up to pages, and what becomes of it. */
struct remap {
    vaddr_t from, to;
    uint64_t old_size, new_size;
    uint32_t flags;
    vaddr_t hint;
    uint64_t lock_limit;
};

/* ---- Check ---- */

/* With a place, or a hint of one. */
static int check_place(const struct remap *remap)
{
    if (!IS_ALIGNED(remap->hint, PAGE_SIZE) || !range_within(remap->hint, remap->new_size, USER_END))
        return -EINVAL;
    if (remap->from + remap->old_size > remap->hint && remap->hint + remap->new_size > remap->from)
        return -EINVAL;
    return 0;
}

/* A size that wraps when it is rounded up comes to 0, as on Linux. */
static int check_arguments(const struct remap_request *request, struct remap *remap)
{
    uint32_t flags = request->flags;

    *remap = (struct remap){
        .from = request->addr, .flags = flags, .hint = request->new_addr, .lock_limit = request->lock_limit,
        .old_size = ALIGN_UP(request->old_size, PAGE_SIZE), .new_size = ALIGN_UP(request->new_size, PAGE_SIZE),
    };
    if (flags & ~(uint32_t)(MREMAP_FIXED | MREMAP_MAYMOVE | MREMAP_DONTUNMAP))
        return -EINVAL;
    if (!IS_ALIGNED(request->addr, PAGE_SIZE) || remap->new_size == 0 || remap->new_size > USER_END)
        return -EINVAL;
    if (!(flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)))
        return 0;
    if (!(flags & MREMAP_MAYMOVE) || ((flags & MREMAP_DONTUNMAP) && remap->old_size != remap->new_size))
        return -EINVAL;
    return check_place(remap);
}

/* Whether growing a locked region stays within the limit. */
static bool lock_allows(struct vspace *space, const struct vregion *region, const struct remap *remap)
{
    if (!(region->flags & VR_LOCKED) || remap->new_size <= remap->old_size)
        return true;
    return vspace_may_lock(space, remap->new_size - remap->old_size, remap->lock_limit);
}

/* Whether the space may become larger by as much as the mapping does. */
static bool limits_allow(struct vspace *space, const struct vregion *region, const struct remap *remap)
{
    uint64_t kept = remap->flags & MREMAP_DONTUNMAP ? 0 : MIN(remap->old_size, remap->new_size);
    int64_t pages = (int64_t)((remap->new_size - kept) >> PAGE_SHIFT);

    return vspace_may_grow(space, pages, vregion_is_data(region) ? pages : 0);
}

/* Whether the region at the old place can become what is wanted. => 0, -EFAULT, -EINVAL, -EAGAIN, -ENOMEM */
static int check_region(struct vspace *space, const struct vregion *region, const struct remap *remap)
{
    uint64_t offset, end;

    if (!region)
        return -EFAULT;
    if (remap->old_size == 0 && !region->shared)
        return -EINVAL;
    if (remap->old_size > vregion_end(region) - remap->from)
        return -EFAULT;
    if (region->file) {
        offset = region->file_offset + (remap->from - vregion_start(region));
        if (add_overflows(offset, remap->new_size, &end))
            return -EINVAL;
    }
    if (!lock_allows(space, region, remap))
        return -EAGAIN;
    return unlikely(space->limited) && !limits_allow(space, region, remap) ? -ENOMEM : 0;
}

/* ---- In place ---- */

static int unmap(struct vspace *space, vaddr_t start, uint64_t size)
{
    struct removal removal;
    int error = range_prepare_remove(space, start, start + size, &removal);

    if (!error)
        range_remove(space, start, start + size, &removal);
    return error;
}

/* Grow the region where it is. => false: it cannot; *error is -ENOMEM or 0 */
static bool grow_in_place(struct vspace *space, struct vregion *region, const struct remap *remap, int *error)
{
    vaddr_t old_end = remap->from + remap->old_size, new_end = remap->from + remap->new_size;

    *error = 0;
    if (old_end != vregion_end(region) || !range_within(remap->from, remap->new_size, USER_END) ||
        !range_is_room(space, old_end, new_end))
        return false;
    *error = node_make_private(space, old_end, new_end, PRIVATE_ALL);
    if (!*error && region->commit == VR_COMMITTED)
        *error = vspace_commit(space, (new_end - old_end) >> PAGE_SHIFT);
    if (*error)
        return true;
    vregion_set_range(region, vregion_start(region), new_end);
    event_range(EVENT_MAP, old_end, new_end - old_end, region->prot);
    region_merge(space, region);
    return true;
}

/* ---- Moving ---- */

/* A leaf for the page at `va` that can take its info. => 0 or -ENOMEM */
static int prepare_leaf(struct vspace *space, vaddr_t va)
{
    struct core_map_entry *leaf;
    int error = node_make_leaf(space, va, &leaf);

    return error || leaf_covers(leaf, va) ? error : leaf_make_whole(leaf);
}

/* Leaves at the new place for all pages in use at the old one. => 0 or -ENOMEM: those made so far hold nothing */
static int prepare_leaves(struct vspace *space, vaddr_t start, vaddr_t end, vaddr_t delta)
{
    struct core_map_entry *leaf;
    int error = 0;

    for (vaddr_t va = start; !error && (leaf = node_next_leaf(space, &va, end)); va = leaf_range_end(leaf, end)) {
        struct leaf_range used = leaf_used_range(leaf, va, leaf_range_end(leaf, end));
        if (used.start == used.end)
            continue;
        error = prepare_leaf(space, used.start + delta);
        if (!error)
            error = prepare_leaf(space, used.end - PAGE_SIZE + delta);
    }
    return error;
}

/* Empty all entries of the range, so that no CPU goes on using the old place. */
static void underive_range(struct vspace *space, vaddr_t start, vaddr_t end)
{
    struct core_map_entry *leaf;
    bool flush = false;

    for (vaddr_t va = start; (leaf = node_next_leaf(space, &va, end)); va = leaf_range_end(leaf, end)) {
        node_lock(leaf);
        struct leaf_range used = leaf_used_range(leaf, va, leaf_range_end(leaf, end));
        for (vaddr_t page = used.start; page < used.end; page += PAGE_SIZE)
            flush |= vspace_underive(leaf, page);
        node_unlock(leaf);
    }
    if (flush)
        tlb_flush_range(space, start, end);
}

/* The info of a page, taken out of its leaf. => not in use: nothing was there */
static struct vpage_info take_info(struct core_map_entry *leaf, vaddr_t va)
{
    struct vpage_info *info = leaf_info(leaf, va), taken = *info;

    if (taken.used) {
        *info = (struct vpage_info){0};
        leaf_info_removed(leaf);
    }
    return taken;
}

#define CHUNK 32

/* Move up to CHUNK pages from one leaf to one other. => prepared; the entries of the old place are empty */
static void move_chunk(struct vspace *space, const struct vregion *region, vaddr_t va, vaddr_t end, vaddr_t delta)
{
    struct core_map_entry *from = node_find_leaf(space, va), *to = node_find_leaf(space, va + delta);
    struct vpage_info infos[CHUNK];
    size_t count = (end - va) >> PAGE_SHIFT;

    node_lock(from);
    for (size_t i = 0; i < count; i++)
        infos[i] = take_info(from, va + i * PAGE_SIZE);
    node_unlock(from);
    node_lock(to);
    to->has_slots |= from->has_slots;
    for (size_t i = 0; i < count; i++) {
        vaddr_t page = va + delta + i * PAGE_SIZE;
        if (!infos[i].used)
            continue;
        *leaf_info(to, page) = infos[i];
        leaf_info_added(to, page);
        vspace_derive_grown(to, region, page);
    }
    node_unlock(to);
}

/* Where the chunk that begins at `va` ends: at the end of the range, or where a leaf begins at the old or the new place. */
static vaddr_t chunk_end(vaddr_t va, vaddr_t end, vaddr_t delta)
{
    vaddr_t old_leaf = ALIGN_DOWN(va, LEAF_SPAN) + LEAF_SPAN, new_leaf = ALIGN_DOWN(va + delta, LEAF_SPAN) + LEAF_SPAN - delta;

    return MIN(MIN(va + CHUNK * PAGE_SIZE, end), MIN(old_leaf, new_leaf));
}

static void move_pages(struct vspace *space, const struct vregion *region, vaddr_t start, vaddr_t end, vaddr_t delta)
{
    struct core_map_entry *leaf;

    for (vaddr_t va = start; (leaf = node_next_leaf(space, &va, end)); va = leaf_range_end(leaf, end)) {
        struct leaf_range used = leaf_used_range(leaf, va, leaf_range_end(leaf, end));
        vaddr_t past;
        for (vaddr_t page = used.start; page < used.end; page = past) {
            past = chunk_end(page, used.end, delta);
            move_chunk(space, region, page, past, delta);
        }
    }
}

/* Everything that moving needs. => 0 or -ENOMEM, nothing changed */
static int prepare_nodes(struct vspace *space, const struct remap *remap, struct removal *removal)
{
    vaddr_t end = remap->from + remap->old_size, delta = remap->to - remap->from;
    int error = node_make_private(space, remap->to, remap->to + remap->new_size, PRIVATE_ALL);

    if (error || remap->old_size == 0)
        return error;
    error = node_make_private(space, remap->from, end, PRIVATE_ALL);
    if (!error)
        error = prepare_leaves(space, remap->from, end, delta);
    if (error || (remap->flags & MREMAP_DONTUNMAP))
        return error;
    return range_prepare_remove(space, remap->from, end, removal);
}

/* The same, and the promise of memory for the new place; that of the old one goes with it. */
static int prepare_move(struct vspace *space, const struct vregion *region, const struct remap *remap,
                        struct removal *removal)
{
    uint64_t pages = region->commit == VR_COMMITTED ? remap->new_size >> PAGE_SHIFT : 0;
    int error = vspace_commit(space, pages);

    if (error)
        return error;
    error = prepare_nodes(space, remap, removal);
    if (error)
        vspace_uncommit(space, pages);
    return error;
}

/* `copy` as `region`, but for the new place. */
static void place_copy(struct vregion *copy, const struct vregion *region, const struct remap *remap)
{
    vregion_copy(copy, region);
    if (copy->file)
        copy->file_offset += remap->from - vregion_start(region);
    copy->purpose = VR_GENERAL;
    vregion_set_range(copy, remap->to, remap->to + remap->new_size);
}

/* Move the mapping to remap->to, where nothing lies. => 0 or -ENOMEM, nothing changed */
static int move(struct vspace *space, struct vregion *region, const struct remap *remap)
{
    vaddr_t end = remap->from + remap->old_size;
    struct removal removal;
    struct vregion *copy = vregion_alloc();
    if (!copy)
        return -ENOMEM;
    int error = prepare_move(space, region, remap, &removal);
    if (error) {
        copy->file = NULL;
        vregion_free(copy);
        range_prune(space, remap->to, remap->to + remap->new_size);
        return error;
    }
    place_copy(copy, region, remap);
    vregion_insert(space, copy);
    event_range(EVENT_MAP, remap->to, remap->new_size, copy->prot);
    if (remap->old_size) {
        underive_range(space, remap->from, end);
        move_pages(space, copy, remap->from, end, remap->to - remap->from);
        if (remap->flags & MREMAP_DONTUNMAP)
            region->flags &= (uint8_t)~VR_LOCK_FLAGS; // the lock goes along with the pages
        else
            range_remove(space, remap->from, end, &removal);
    }
    region_merge(space, copy);
    return 0;
}

/* ---- The call ---- */

/* Choose the new place, and make it free if it is fixed. => 0, -EINVAL, -ENOMEM */
static int choose_place(struct vspace *space, struct remap *remap)
{
    int64_t found;

    if (remap->flags & MREMAP_FIXED) {
        remap->to = remap->hint;
        return remap->to < USER_MIN ? -EPERM : 0;
    }
    vaddr_t hint = remap->flags & MREMAP_DONTUNMAP ? ALIGN_DOWN(remap->hint, PAGE_SIZE) : 0;
    if (hint >= USER_MIN && range_is_room(space, hint, hint + remap->new_size)) {
        remap->to = hint;
        return 0;
    }
    found = range_find_room(space, remap->new_size);
    if (found < 0)
        return (int)found;
    remap->to = (vaddr_t)found;
    return 0;
}

/* What is too much at the old place goes. => 0, -EINVAL, -ENOMEM */
static int shrink(struct vspace *space, struct remap *remap)
{
    uint64_t surplus = remap->old_size - remap->new_size;

    if (!range_within(remap->from, remap->old_size, USER_END))
        return -EINVAL;
    remap->old_size = remap->new_size;
    return unmap(space, remap->from + remap->new_size, surplus);
}

/* The same where a fixed place may have taken the region away, or does not leave the new length of it. => -EFAULT, too */
static int shrink_region(struct vspace *space, struct remap *remap)
{
    struct vregion *region = va2vregion(space, remap->from);

    if (!region || remap->new_size > vregion_end(region) - remap->from)
        return -EFAULT;
    return shrink(space, remap);
}

/* What comes after a fixed place was made free: if memory lacks for it the call is not made again, for others may have come there. */
static int move_to(struct vspace *space, struct remap *remap)
{
    int error = 0;

    if (remap->old_size > remap->new_size)
        error = shrink_region(space, remap);
    if (!error)
        error = check_region(space, va2vregion(space, remap->from), remap);
    if (!error)
        error = choose_place(space, remap);
    if (!error)
        error = move(space, va2vregion(space, remap->from), remap);
    if (error && (remap->flags & MREMAP_FIXED))
        (void)kalloc_failed();
    return error;
}

/* MREMAP_FIXED and MREMAP_DONTUNMAP: move in any case. => a region lies at the old place */
static int64_t remap_to(struct vspace *space, struct remap *remap)
{
    int error = 0;

    if (remap->old_size == 0 && !va2vregion(space, remap->from)->shared)
        return -EINVAL;
    if (remap->flags & MREMAP_FIXED)
        error = unmap(space, remap->hint, remap->new_size);
    if (!error)
        error = move_to(space, remap);
    return error ? error : (int64_t)remap->to;
}

static int64_t remap_locked(struct vspace *space, struct remap *remap)
{
    struct vregion *region = va2vregion(space, remap->from);
    int error;

    if (!region)
        return -EFAULT;
    if (remap->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
        return remap_to(space, remap);
    if (remap->old_size >= remap->new_size) {
        error = remap->old_size > remap->new_size ? shrink(space, remap) : 0;
        return error ? error : (int64_t)remap->from;
    }
    error = check_region(space, region, remap);
    if (error)
        return error;
    if (grow_in_place(space, region, remap, &error))
        return error ? error : (int64_t)remap->from;
    if (!(remap->flags & MREMAP_MAYMOVE))
        return -ENOMEM;
    error = choose_place(space, remap);
    if (!error)
        error = move(space, region, remap);
    return error ? error : (int64_t)remap->to;
}

int64_t vspace_mremap(struct vspace *space, const struct remap_request *request)
{
    struct remap remap;
    int error = check_arguments(request, &remap);

    if (error)
        return error;
    if (remap.from >= USER_END)
        return -EFAULT;
    rwlock_write_lock(&space->lock);
    int64_t result = remap_locked(space, &remap);
    rwlock_write_unlock(&space->lock);
    return result;
}
