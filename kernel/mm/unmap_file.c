// SPDX-License-Identifier: MIT
/*
 * unmap_file.c - take pages of a file out of every address space that maps them: truncation, and holes. And write-protect them there,
 * so that they can be cleaned.
 *
 * Theory      Two passes over all spaces. The first empties the entries, marks the vpage_infos as moving, so that a fault on such a page looks
 *             again instead of filling the entry in, and flushes each space. The second drops what the infos hold. Between them no
 *             CPU can reach the pages any more. Leaves that several spaces share need no copy: all their owners map the
 *             file there, so that what is right for one is right for all; each owner is flushed, for it may be another one's
 *             entry that its CPUs remember.
 * Locking     The file's own lock is held by the caller; then the list of spaces, so that none comes or goes in between, then one
 *             space after the other for writing. The file's size has changed before, or it is marked as being punched: a fault
 *             that comes later finds that; one that came earlier holds its space's lock until the page is mapped.
 * Failure     None: nothing is allocated.
 * Considered  A list of regions at each file: 24 bytes more for every region, and a lock at every fork, for an operation that
 *             hardly ever meets a file that is mapped. A file counts the regions that map it, so that the others cost nothing.
 */
#include "mm/unmap_file.h"

#include "mm/node.h"
#include "mm/page_cache.h"
#include "mm/tlb.h"
#include "mm/vspace.h"

/* What is to be unmapped. */
struct unmapping {
    struct page_cache *cache;
    uint64_t first, end; // pages of the file
    bool copies;         // private copies of them as well
};

/* The addresses at which a region maps pages of the range; empty if it maps none. */
static struct leaf_range region_part(const struct vregion *region, const struct unmapping *unmapping)
{
    uint64_t base = region->file_offset >> PAGE_SHIFT, past = base + (region->size >> PAGE_SHIFT);
    uint64_t first = MAX(base, unmapping->first), end = MIN(past, unmapping->end);
    vaddr_t start = vregion_start(region);

    if (region->file != unmapping->cache || first >= end)
        return (struct leaf_range){start, start};
    return (struct leaf_range){start + ((first - base) << PAGE_SHIFT), start + ((end - base) << PAGE_SHIFT)};
}

static bool page_goes(const struct vpage_info *info, const struct unmapping *unmapping)
{
    return info->used && (unmapping->copies || (info->present && frame_kind(vpage_frame(info)) == FRAME_FILE));
}

/* One step for one page of a region. => the leaf is locked */
typedef void page_step(struct core_map_entry *leaf, const struct vregion *region, vaddr_t va, struct vpage_info *info);

static void hide_page(struct core_map_entry *leaf, const struct vregion *region, vaddr_t va, struct vpage_info *info)
{
    struct vpage_info moving = *info;

    (void)region;
    (void)!vspace_underive(leaf, va);
    moving.moving = 1;
    vpage_store(info, moving);
}

static void drop_page(struct core_map_entry *leaf, const struct vregion *region, vaddr_t va, struct vpage_info *info)
{
    (void)region, (void)va;
    if (!info->moving)
        return; // came after the first pass: it is inside the file, as it is now
    vpage_put(*info);
    vpage_store(info, (struct vpage_info){0});
    leaf_info_removed(leaf);
}

/* The entry is derived even if the info is clean already: it may lag behind that of another owner of the leaf. */
static void protect_page(struct core_map_entry *leaf, const struct vregion *region, vaddr_t va, struct vpage_info *info)
{
    struct vpage_info clean = *info;

    if (!region->shared)
        return;
    clean.writable = 0;
    vpage_store(info, clean);
    (void)!vspace_derive(leaf, region, va);
}

static void step_range(struct vspace *space, const struct vregion *region, struct leaf_range range,
                       const struct unmapping *unmapping, page_step *step)
{
    struct core_map_entry *leaf;

    for (vaddr_t va = range.start; (leaf = node_next_leaf(space, &va, range.end)); va = leaf_range_end(leaf, range.end)) {
        node_lock(leaf);
        struct leaf_range used = leaf_used_range(leaf, va, leaf_range_end(leaf, range.end));
        for (vaddr_t page = used.start; page < used.end; page += PAGE_SIZE) {
            struct vpage_info *info = leaf_info(leaf, page);
            if (page_goes(info, unmapping))
                step(leaf, region, page, info);
        }
        node_unlock(leaf);
    }
}

/* => space->lock for writing */
static void step_space(struct vspace *space, const struct unmapping *unmapping, page_step *step, bool flush)
{
    for (struct vregion *region = vregion_lowest(space); region; region = vregion_next(region)) {
        struct leaf_range range = region_part(region, unmapping);
        if (range.start == range.end)
            continue;
        step_range(space, region, range, unmapping, step);
        if (flush)
            tlb_flush_range(space, range.start, range.end);
    }
}

static void step_all(struct list *spaces, const struct unmapping *unmapping, page_step *step, bool flush)
{
    struct vspace *space;

    list_for_each_entry(space, spaces, link) {
        rwlock_write_lock(&space->lock);
        if (space->root)
            step_space(space, unmapping, step, flush);
        rwlock_write_unlock(&space->lock);
    }
}

void file_unmap_pages(struct page_cache *cache, uint64_t first, uint64_t end, bool copies)
{
    const struct unmapping unmapping = {cache, first, end, copies};

    if (atomic_load(&cache->mapped) == 0)
        return;
    struct list *spaces = vspaces_lock();
    step_all(spaces, &unmapping, hide_page, true);
    step_all(spaces, &unmapping, drop_page, false);
    vspaces_unlock();
}

void file_protect_pages(struct page_cache *cache, uint64_t first, uint64_t end)
{
    const struct unmapping unmapping = {cache, first, end, false};

    if ((atomic_load(&cache->writers) & ~PAGE_CACHE_SEALED) == 0)
        return;
    struct list *spaces = vspaces_lock();
    step_all(spaces, &unmapping, protect_page, true);
    vspaces_unlock();
}
