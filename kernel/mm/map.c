// SPDX-License-Identifier: MIT
/*
 * map.c - mmap, munmap, mprotect.
 *
 * Check the arguments, prepare what is needed, then commit: range.c does the work.
 */
#include "mm/map.h"

#include <linux/mman.h>

#include "lib/checked.h"
#include "lib/errno.h"
#include "mm/commit.h"
#include "mm/event.h"
#include "mm/page_cache.h"
#include "mm/range.h"
#include "mm/share.h"
#include "mm/tlb.h"

#define LOW_START UINT64_C(0x40000000)
#define LOW_END   UINT64_C(0x80000000)

/* ---- munmap ---- */

int vspace_munmap(struct vspace *space, vaddr_t addr, uint64_t size)
{
    struct removal removal;
    vaddr_t end;

    int error = range_from_user(addr, size, &end);
    if (error || size == 0)
        return -EINVAL;
    rwlock_write_lock(&space->lock);
    error = range_prepare_remove(space, addr, end, &removal);
    if (error)
        rwlock_write_unlock(&space->lock);
    else
        range_remove_and_unlock(space, addr, end, &removal);
    return error;
}

/* ---- mmap ---- */

int map_check_place(const struct map_request *request)
{
    uint64_t size;

    if (request->size == 0)
        return -EINVAL;
    if (align_up_overflows(request->size, PAGE_SIZE, &size) || size > USER_END - USER_MIN)
        return -ENOMEM;
    if (!(request->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)))
        return 0;
    if (!range_within(request->addr, size, USER_END))
        return -ENOMEM;
    if (!IS_ALIGNED(request->addr, PAGE_SIZE))
        return -EINVAL;
    return request->addr < USER_MIN ? -EPERM : 0;
}

/* MAP_32BIT: in the second GiB, as on Linux, where code can be reached by short jumps; a hint may be below. => or -ENOMEM */
static int64_t choose_low(struct vspace *space, vaddr_t hint, uint64_t size)
{
    if (hint >= USER_MIN && range_within(hint, size, LOW_END) && range_is_room(space, hint, hint + size))
        return (int64_t)hint;
    return range_find_room_from(space, LOW_START, LOW_END, size);
}

/* Choose the address for a request. => it, or -ENOMEM, -EEXIST */
static int64_t choose_address(struct vspace *space, const struct map_request *request, uint64_t size)
{
    if (request->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
        if ((request->flags & MAP_FIXED_NOREPLACE) && !range_is_free(space, request->addr, request->addr + size))
            return -EEXIST;
        return (int64_t)request->addr;
    }
    vaddr_t hint = ALIGN_DOWN(request->addr, PAGE_SIZE);
    if (unlikely(request->flags & MAP_32BIT))
        return choose_low(space, hint, size);
    if (hint >= USER_MIN && range_within(hint, size, USER_END) && range_is_room(space, hint, hint + size))
        return (int64_t)hint;
    return range_find_room(space, size);
}

static void region_fill(struct vregion *region, const struct map_request *request, vaddr_t addr, uint64_t size)
{
    bool down = (request->flags & MAP_GROWSDOWN) && (request->flags & MAP_TYPE) == MAP_PRIVATE;

    *region = (struct vregion){
        .dir = down ? VR_DOWN : VR_UP,
        .va_base = addr,
        .size = size,
        .prot = request->prot & (VR_READ | VR_WRITE | VR_EXEC),
        .max_prot = request->max_prot,
        .shared = (request->flags & MAP_TYPE) != MAP_PRIVATE,
        .commit = commit_kind(request->prot, (request->flags & MAP_TYPE) != MAP_PRIVATE, request->flags & MAP_NORESERVE),
        .purpose = request->purpose,
        .file = request->file,
        .file_offset = request->file ? request->offset : 0,
    };
}

/* Give the region its file: the request's, or for shared anonymous memory one without a name. => 0, -ENOMEM, -EPERM */
static int region_hold_file(struct vregion *region, bool lazy)
{
    if (region->file) {
        int error = vregion_count_writer(region);
        if (!error)
            vregion_hold_file(region);
        return error;
    }
    if (!region->shared)
        return 0;
    region->file = page_cache_create_anonymous(region->size, !lazy);
    if (!region->file)
        return -ENOMEM;
    atomic_store(&region->file->mapped, 1);
    return vregion_count_writer(region);
}

/* Make room for [start, end), which a fixed request may have put over something. => 0 or -ENOMEM, nothing changed */
static int clear_room(struct vspace *space, const struct map_request *request, vaddr_t start, vaddr_t end)
{
    struct removal removal;

    if (!(request->flags & MAP_FIXED))
        return 0;
    int error = range_prepare_remove(space, start, end, &removal);
    if (!error)
        range_remove(space, start, end, &removal);
    return error;
}

/* Pages of private memory that can be written among those of [start, end), and all. */
struct pages_in {
    int64_t all, data;
};

static struct pages_in count_pages(struct vspace *space, vaddr_t start, vaddr_t end)
{
    struct pages_in pages = {0, 0};

    for (struct vregion *region = vregion_above(space, start); region && vregion_start(region) < end;
         region = vregion_next(region)) {
        int64_t part = (int64_t)((MIN(vregion_end(region), end) - MAX(vregion_start(region), start)) >> PAGE_SHIFT);
        pages.all += part;
        if (vregion_is_data(region))
            pages.data += part;
    }
    return pages;
}

/* Whether the limits allow the region, which takes the place of what lies there now. */
static bool limits_allow(struct vspace *space, const struct vregion *region, vaddr_t start, vaddr_t end)
{
    struct pages_in old = count_pages(space, start, end);
    int64_t pages = (int64_t)((end - start) >> PAGE_SHIFT);

    return vspace_may_grow(space, pages - old.all, vregion_is_data(region) ? pages - old.data : 0);
}

/* What the region needs of what there is for all: room in the space's limits, and a promise of memory. => 0, -ENOMEM */
static inline int take_share(struct vspace *space, const struct vregion *region, vaddr_t start, vaddr_t end)
{
    if (unlikely(space->limited) && !limits_allow(space, region, start, end))
        return -ENOMEM;
    return region->commit == VR_COMMITTED ? vspace_commit(space, region->size >> PAGE_SHIFT) : 0;
}

/* The flags of a new region, and whether it may be locked if they say so. => 0, -EPERM, -EAGAIN */
static inline int take_flags(struct vspace *space, const struct map_request *request, struct vregion *region)
{
    region->flags = space->lock_future | (request->flags & MAP_LOCKED ? VR_LOCKED : 0);
    if (likely(!region->flags))
        return 0;
    if (vspace_may_lock(space, region->size, request->lock_limit)) {
        space->fork_edits = true;
        return 0;
    }
    return (request->flags & MAP_LOCKED) && request->lock_limit == 0 ? -EPERM : -EAGAIN;
}

/* Map `region` where the request says. => space->lock for writing; the address, or an error and nothing changed */
static int64_t map_locked(struct vspace *space, const struct map_request *request, struct vregion *region)
{
    int64_t addr = choose_address(space, request, region->size);
    if (addr < 0)
        return addr;
    vaddr_t start = (vaddr_t)addr, end = start + region->size;

    int error = take_flags(space, request, region);
    if (!error)
        error = take_share(space, region, start, end);
    if (error)
        return error;
    error = clear_room(space, request, start, end);
    if (!error)
        error = node_make_private(space, start, end, PRIVATE_ALL);
    if (error) {
        if (region->commit == VR_COMMITTED)
            vspace_uncommit(space, region->size >> PAGE_SHIFT);
        return error;
    }
    vregion_set_range(region, start, end);
    vregion_insert(space, region);
    event_range(EVENT_MAP, start, region->size, region->prot);
    region_merge(space, region);
    return addr;
}

int64_t vspace_mmap(struct vspace *space, const struct map_request *request)
{
    uint64_t size, file_end;

    int64_t result = map_check_place(request);
    if (result)
        return result;
    size = ALIGN_UP(request->size, PAGE_SIZE);
    if (request->file && !IS_ALIGNED(request->offset, PAGE_SIZE))
        return -EINVAL;
    if (request->file && add_overflows(request->offset, size, &file_end))
        return -EOVERFLOW;
    struct vregion *region = vregion_alloc();
    if (!region)
        return -ENOMEM;
    region_fill(region, request, 0, size);
    result = region_hold_file(region, request->flags & MAP_NORESERVE);
    if (result) {
        region->file = NULL;
    } else {
        rwlock_write_lock(&space->lock);
        result = map_locked(space, request, region);
        rwlock_write_unlock(&space->lock);
    }
    if (result < 0)
        vregion_free(region);
    return result;
}

/* ---- mprotect ---- */

/*
 * How far from `start` on regions lie without a hole that may have `prot`, at most to `end`; the reason why not further is
 * in *error: -ENOMEM or -EACCES. What lies before that is changed, as on Linux. `*unpromised`: how many of the pages are
 * promised memory only when they can be written.
 */
static vaddr_t protectable_end(struct vspace *space, vaddr_t start, vaddr_t end, unsigned prot, uint64_t *unpromised, int *error)
{
    struct vregion *region = start < USER_END ? va2vregion(space, start) : NULL;

    *error = 0;
    *unpromised = 0;
    while (start < end) {
        if (!region || vregion_start(region) > start || (prot & ~region->max_prot)) {
            *error = region && vregion_start(region) <= start ? -EACCES : -ENOMEM;
            break;
        }
        if (region->commit == VR_COMMIT_LATER)
            *unpromised += (MIN(vregion_end(region), end) - start) >> PAGE_SHIFT;
        start = vregion_end(region);
        region = vregion_next(region);
    }
    return MIN(start, end);
}

/*
 * With PROT_GROWSDOWN the range begins where its first region does, which has to be a stack. Nothing grows up here.
 *
 * => 0, -ENOMEM, -EINVAL
 */
static int find_grown_start(struct vspace *space, vaddr_t *start, vaddr_t end, uint32_t prot)
{
    struct vregion *region = *start < USER_END ? vregion_above(space, *start) : NULL;

    if (!region || vregion_start(region) >= (prot & PROT_GROWSUP ? *start + 1 : end))
        return -ENOMEM;
    *start = vregion_start(region);
    return (prot & PROT_GROWSDOWN) && region->dir == VR_DOWN ? 0 : -EINVAL;
}

/* Whether RLIMIT_DATA allows that the private pages of [start, end) can all be written. */
static bool limits_allow_write(struct vspace *space, vaddr_t start, vaddr_t end)
{
    int64_t more = 0;

    for (struct vregion *region = vregion_above(space, start); region && vregion_start(region) < end;
         region = vregion_next(region)) {
        if (!region->shared && !(region->prot & VR_WRITE))
            more += (int64_t)((MIN(vregion_end(region), end) - MAX(vregion_start(region), start)) >> PAGE_SHIFT);
    }
    return vspace_may_grow(space, 0, more);
}

/* For [start, end) to become writable. => 0 or -ENOMEM */
static inline int take_share_to_write(struct vspace *space, vaddr_t start, vaddr_t end, uint64_t unpromised)
{
    if (unlikely(space->limited) && !limits_allow_write(space, start, end))
        return -ENOMEM;
    return unpromised ? vspace_commit(space, unpromised) : 0;
}

/* Give the regions of [start, end) the rights. => the range is cut out and has no hole */
static void protect_range(struct vspace *space, vaddr_t start, vaddr_t end, unsigned prot)
{
    bool flush = false;

    for (vaddr_t va = start; va < end;) {
        struct vregion *region = va2vregion(space, va);
        unsigned old_prot = region->prot;
        region->prot = prot;
        if ((prot & VR_WRITE) && region->commit == VR_COMMIT_LATER)
            region->commit = VR_COMMITTED;
        va = vregion_end(region);
        flush |= range_derive(space, region, old_prot);
        region_merge(space, region);
    }
    struct vregion *after = end < USER_END ? va2vregion(space, end) : NULL;
    if (after)
        region_merge(space, after);
    event_range(EVENT_PROTECT, start, end - start, prot);
    if (flush)
        tlb_flush_range(space, start, end);
}

/* => space->lock for writing */
static int protect_locked(struct vspace *space, vaddr_t start, vaddr_t end, unsigned prot)
{
    struct spare_regions spare;
    uint64_t unpromised;
    int reason, error;
    vaddr_t stop = protectable_end(space, start, end, prot, &unpromised, &reason);

    if (stop <= start)
        return reason;
    error = node_make_private(space, start, stop, PRIVATE_ALL);
    if (!error)
        error = range_prepare_cut(space, start, stop, &spare);
    if (error)
        return error;
    if (prot & VR_WRITE)
        error = take_share_to_write(space, start, stop, unpromised);
    if (error) {
        range_cancel_cut(&spare);
        return error;
    }
    range_cut(space, start, stop, &spare);
    protect_range(space, start, stop, prot);
    return reason;
}

int vspace_mprotect(struct vspace *space, vaddr_t addr, uint64_t size, uint32_t prot)
{
    uint32_t grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
    vaddr_t end = addr + ALIGN_UP(size, PAGE_SIZE);
    int error = 0;

    if (!IS_ALIGNED(addr, PAGE_SIZE) || grows == (PROT_GROWSDOWN | PROT_GROWSUP))
        return -EINVAL;
    if (size == 0)
        return 0;
    if (end <= addr)
        return -ENOMEM;
    prot &= ~grows;
    if (prot & ~(uint32_t)(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM))
        return -EINVAL;
    rwlock_write_lock(&space->lock);
    if (grows)
        error = find_grown_start(space, &addr, end, grows);
    if (!error)
        error = protect_locked(space, addr, end, prot & (VR_READ | VR_WRITE | VR_EXEC));
    rwlock_write_unlock(&space->lock);
    return error;
}
