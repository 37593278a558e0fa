// SPDX-License-Identifier: MIT
/*
 * madvise.c - advice on a range of memory, and msync.
 *
 * Some advice changes what is there (DONTNEED), some what fork or a dump will do with it, some only speed. As on Linux a hole is told at
 * the end, after the advice was taken for all the rest; an error of one region ends it there.
 *
 * Considered  MADV_FREE that waits until memory is short: a page may be given back at any time from the call on, so it is at once.
 */
#include <linux/mman.h>

#include "lib/errno.h"
#include "mm/clock.h"
#include "mm/event.h"
#include "mm/map.h"
#include "mm/node.h"
#include "mm/page_cache.h"
#include "mm/populate.h"
#include "mm/range.h"
#include "mm/share.h"

/* What an advice does to the flags of a region. */
struct flag_advice {
    int advice;
    uint8_t set, clear;
};

static const struct flag_advice flag_advices[] = {
    {MADV_DONTFORK, VR_DONTFORK, 0},
    {MADV_DOFORK, 0, VR_DONTFORK},
    {MADV_WIPEONFORK, VR_WIPEONFORK, 0},
    {MADV_KEEPONFORK, 0, VR_WIPEONFORK},
    {MADV_DONTDUMP, VR_DONTDUMP, 0},
    {MADV_DODUMP, 0, VR_DONTDUMP},
    {MADV_HUGEPAGE, VR_HUGEPAGE, VR_NOHUGEPAGE},
    {MADV_NOHUGEPAGE, VR_NOHUGEPAGE, VR_HUGEPAGE},
};

static const struct flag_advice *find_flag_advice(int advice)
{
    for (size_t i = 0; i < ARRAY_SIZE(flag_advices); i++)
        if (flag_advices[i].advice == advice)
            return &flag_advices[i];
    return NULL;
}

static bool is_known(int advice)
{
    switch (advice) {
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_WILLNEED:
    case MADV_DONTNEED:
    case MADV_DONTNEED_LOCKED:
    case MADV_FREE:
    case MADV_REMOVE:
    case MADV_COLD:
    case MADV_PAGEOUT:
    case MADV_MERGEABLE:
    case MADV_UNMERGEABLE:
    case MADV_POPULATE_READ:
    case MADV_POPULATE_WRITE:
        return true;
    default:
        return find_flag_advice(advice) != NULL;
    }
}

/* Forget the pages of [start, end), which lies in one region. => 0 or -ENOMEM, nothing changed */
static int forget_pages(struct vspace *space, vaddr_t start, vaddr_t end)
{
    int error = node_make_private(space, start, end, PRIVATE_EDGES);

    if (!error) {
        event_range(EVENT_DISCARD, start, end - start, 0);
        node_release_range(space, start, end);
    }
    return error;
}

/* Whether a region may take the advice. => 0, -EINVAL, -EACCES */
static int check_region(const struct vregion *region, int advice)
{
    switch (advice) {
    case MADV_DONTNEED:
    case MADV_COLD:
    case MADV_PAGEOUT:
        return region->flags & VR_LOCKED ? -EINVAL : 0;
    case MADV_FREE:
        return region->file || (region->flags & VR_LOCKED) ? -EINVAL : 0;
    case MADV_WIPEONFORK:
        return region->file || region->shared ? -EINVAL : 0;
    case MADV_REMOVE:
        if ((region->flags & VR_LOCKED) || !region->file || !region->file->ops->punch)
            return -EINVAL;
        return region->shared && (region->prot & VR_WRITE) ? 0 : -EACCES;
    default:
        return 0;
    }
}

/* Give the advice for the part [start, end) of one region. => space->lock for writing */
static int advise_region(struct vspace *space, const struct vregion *region, vaddr_t start, vaddr_t end, int advice)
{
    const struct flag_advice *flags = find_flag_advice(advice);
    int error = check_region(region, advice);

    if (error)
        return error;
    if (advice == MADV_DONTNEED || advice == MADV_DONTNEED_LOCKED || advice == MADV_FREE)
        return forget_pages(space, start, end);
    if (!flags)
        return 0;
    if (flags->set & (VR_DONTFORK | VR_WIPEONFORK))
        space->fork_edits = true;
    return range_set_flags(space, start, end, flags->set, flags->clear);
}

/* => 0, -ENOMEM for a hole, or the first error of a region */
static int advise_locked(struct vspace *space, vaddr_t start, vaddr_t end, int advice)
{
    bool hole = false;

    while (start < end) {
        struct vregion *region = vregion_above(space, start);
        if (!region || vregion_start(region) >= end)
            return -ENOMEM;
        if (vregion_start(region) > start) {
            hole = true;
            start = vregion_start(region);
        }
        vaddr_t part_end = MIN(vregion_end(region), end);
        int error = advise_region(space, region, start, part_end, advice);
        if (error)
            return error;
        start = part_end;
    }
    return hole ? -ENOMEM : 0;
}

/* ---- The files behind ---- */

/* A part of a file that advice is about. The file is held; NULL: there was no further region, or it has none. */
struct file_part {
    struct page_cache *file;
    uint64_t offset, size;
    bool after_hole; // between regions
};

/* The part behind the first region that reaches into [*start, end); *start moves behind it. => 0 or the reason */
static int take_part(struct vspace *space, vaddr_t *start, vaddr_t end, int advice, struct file_part *part)
{
    int error = 0;

    *part = (struct file_part){NULL, 0, 0, true};
    rwlock_read_lock(&space->lock);
    struct vregion *region = vregion_above(space, *start);
    if (region && vregion_start(region) < end) {
        error = check_region(region, advice);
        part->after_hole = vregion_start(region) > *start;
        *start = MAX(*start, vregion_start(region));
        part->size = MIN(vregion_end(region), end) - *start;
    }
    if (part->size && !error && region->file) {
        part->file = region->file;
        part->offset = region->file_offset + (*start - vregion_start(region));
        region->file->ops->hold(region->file);
    }
    rwlock_read_unlock(&space->lock);
    *start = part->size ? *start + part->size : end;
    return error;
}

/* Punching takes the file's own lock, which comes before a space's, and reading takes long: each part without ours. */
static int advise_files(struct vspace *space, vaddr_t start, vaddr_t end, int advice)
{
    struct file_part part;
    bool hole = false;

    while (start < end) {
        int error = take_part(space, &start, end, advice, &part);
        hole |= part.after_hole;
        if (part.file) {
            if (advice == MADV_REMOVE)
                error = part.file->ops->punch(part.file, part.offset, part.size);
            else
                page_cache_expect(part.file, part.offset >> PAGE_SHIFT, (part.offset + part.size) >> PAGE_SHIFT);
            part.file->ops->release(part.file);
        }
        if (error)
            return error;
    }
    return hole ? -ENOMEM : 0;
}

/* ---- The calls ---- */

static int advise(struct vspace *space, vaddr_t start, vaddr_t end, int advice)
{
    if (start == end)
        return 0;
    if (advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE)
        return vspace_populate(space, start, end, advice == MADV_POPULATE_READ ? POPULATE_READ : POPULATE_WRITE);
    if (advice == MADV_REMOVE || advice == MADV_WILLNEED)
        return advise_files(space, start, end, advice);
    rwlock_write_lock(&space->lock);
    int error = advise_locked(space, start, end, advice);
    rwlock_write_unlock(&space->lock);
    if (!error && advice == MADV_PAGEOUT)
        clock_page_out(space, start, end);
    return error;
}

int vspace_madvise(struct vspace *space, vaddr_t addr, uint64_t size, int advice)
{
    bool outside;
    vaddr_t end;

    if (!is_known(advice) || !IS_ALIGNED(addr, PAGE_SIZE) || range_of_advice(addr, size, &end, &outside))
        return -EINVAL;
    int error = advise(space, addr, end, advice);
    return error || !outside ? error : size ? -ENOMEM : 0;
}

/* One region of an msync: the file to write back, held, or NULL. => 0, -EBUSY, -ENOMEM; *start moves behind it, *hole is set */
static int sync_part(struct vspace *space, vaddr_t *start, vaddr_t end, int flags, struct page_cache **file, bool *hole)
{
    int error = 0;

    *file = NULL;
    rwlock_read_lock(&space->lock);
    struct vregion *region = vregion_above(space, *start);
    if (!region || vregion_start(region) >= end) {
        error = -ENOMEM;
    } else if ((flags & MS_INVALIDATE) && (region->flags & VR_LOCKED)) {
        error = -EBUSY;
    } else {
        *hole |= vregion_start(region) > *start;
        *start = vregion_end(region);
        if ((flags & MS_SYNC) && region->file && region->shared && region->file->ops->sync) {
            *file = region->file;
            region->file->ops->hold(region->file);
        }
    }
    rwlock_read_unlock(&space->lock);
    return error;
}

int vspace_msync(struct vspace *space, vaddr_t addr, uint64_t size, int flags)
{
    bool hole = false;
    vaddr_t end = addr + ALIGN_UP(size, PAGE_SIZE); // a size that wraps comes to nothing, as on Linux

    if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || !IS_ALIGNED(addr, PAGE_SIZE) ||
        ((flags & MS_ASYNC) && (flags & MS_SYNC)))
        return -EINVAL;
    if (end < addr)
        return -ENOMEM;
    while (addr < end) {
        struct page_cache *file;
        int error = sync_part(space, &addr, end, flags, &file, &hole);
        if (file) {
            error = file->ops->sync(file);
            file->ops->release(file);
        }
        if (error)
            return error;
    }
    return hole ? -ENOMEM : 0;
}
