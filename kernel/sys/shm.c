// SPDX-License-Identifier: MIT
/*
 * shm.c - System V shared memory: shmget, shmat, shmdt, shmctl.
 *
 * Theory      A segment is a page cache of its own that regions map like any shared file. It lives while it is in the table,
 *             is mapped, or a call uses it; IPC_RMID takes its key away at once, and it leaves the table with its last region.
 *             Regions are counted by the functions with which they hold and release what they map.
 * Locking     The table's spinlock, also from those two, which run under a vspace's lock.
 */
#include "sys/shm.h"

#include <linux/mman.h>
#include <stdatomic.h>

#include "arch/x86/time.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "mm/commit.h"
#include "mm/map.h"
#include "mm/page_cache.h"
#include "mm/slab.h"
#include "mm/usercopy.h"
#include "proc/process.h"
#include "proc/rlimit.h"
#include "sys/ipc.h"
#include "sys/memory_lock.h"
#include "sys/syscall.h"

#define SHM_MOST_BYTES (UINT64_MAX - (UINT64_C(1) << 24))
#define SHM_MOST_PAGES (UINT64_MAX - (UINT64_C(1) << 24))
#define SHM_FLAG_DEST   01000u      // in the mode that IPC_STAT tells
#define SHM_FLAG_LOCKED 02000u

/* Fields: (c) constant  (t) segments.lock */
struct segment {
    struct ipc_object object;       // (t)
    struct page_cache cache;
    uint64_t promised;              // (c) pages
    int64_t attached, detached, changed;    // (t) seconds since 1970
    int creator, last;              // (t) processes
    uint32_t regions;               // (t) that map it
    uint32_t calls;                 // (t) that use it
    bool removed;                   // (t) IPC_RMID: goes with its last region
    _Atomic bool locked;            // (t) SHM_LOCK; read without the lock
};

/* What is told of a segment: to programs, and in /proc. */
struct segment_state {
    struct shmid64_ds ds;
    uint64_t resident, swapped; // pages
};

static void segment_tell(const struct ipc_object *object, void *state)
{
    const struct segment *segment = container_of(object, struct segment, object);
    struct segment_state *told = state;
    struct shmid64_ds *out = &told->ds;

    told->swapped = segment->cache.swapped;
    told->resident = segment->cache.count - told->swapped;
    *out = (struct shmid64_ds){
        .shm_segsz = segment->object.size,
        .shm_atime = segment->attached,
        .shm_dtime = segment->detached,
        .shm_ctime = segment->changed,
        .shm_cpid = segment->creator,
        .shm_lpid = segment->last,
        .shm_nattch = segment->regions,
    };
    ipc_tell(&segment->object, &out->shm_perm);
    if (segment->removed)
        out->shm_perm.mode |= SHM_FLAG_DEST;
    if (segment->locked)
        out->shm_perm.mode |= SHM_FLAG_LOCKED;
}

static struct ipc_table segments = IPC_TABLE_INIT(segments, segment_tell);

static struct segment *segment_of(struct ipc_object *object)
{
    return object ? container_of(object, struct segment, object) : NULL;
}

static struct segment *of_cache(struct page_cache *cache)
{
    return container_of(cache, struct segment, cache);
}

static void segment_free(struct segment *segment)
{
    page_cache_destroy(&segment->cache);
    commit_sub(segment->promised);
    slab_free(segment);
}

/* Let go of the lock; the segment goes too if nobody needs it any more. => segments.lock held */
static void unlock_and_drop(struct segment *segment)
{
    bool last = segment->removed && !segment->regions && !segment->calls;

    if (last)
        ipc_remove(&segments, &segment->object);
    spin_unlock(&segments.lock);
    if (last)
        segment_free(segment);
}

/* Who attaches or detaches: nobody, where the kernel itself takes down what is left of a process (the clock may hold its space last). */
static int whose_call(void)
{
    return current_is_user_thread() ? current_process()->id : 0;
}

static void segment_hold(struct page_cache *cache)
{
    struct segment *segment = of_cache(cache);

    spin_lock(&segments.lock);
    segment->regions++;
    segment->attached = ipc_now();
    segment->last = whose_call();
    spin_unlock(&segments.lock);
}

static void segment_release(struct page_cache *cache)
{
    struct segment *segment = of_cache(cache);

    spin_lock(&segments.lock);
    segment->regions--;
    segment->detached = ipc_now();
    segment->last = whose_call();
    unlock_and_drop(segment);
}

static int segment_describe(struct page_cache *cache, char *buffer, size_t size, struct map_identity *identity)
{
    struct segment *segment = of_cache(cache);

    *identity = (struct map_identity){0, 1, segment->object.id};
    return snprintf(buffer, size, "/SYSV%08x (deleted)", segment->object.key);
}

static bool segment_may_swap(const struct page_cache *cache)
{
    return !atomic_load_explicit(&container_of(cache, const struct segment, cache)->locked, memory_order_relaxed);
}

static const struct page_cache_ops segment_ops = {
    .may_swap = segment_may_swap,
    .hold = segment_hold,
    .release = segment_release,
    .describe = segment_describe,
};

/* ---- shmget ---- */

/* => a segment in no table; NULL: no memory */
static struct segment *segment_create(uint64_t size, unsigned flags)
{
    struct segment *segment = slab_zalloc(sizeof(*segment));

    if (!segment)
        return NULL;
    segment->promised = flags & SHM_NORESERVE ? 0 : ALIGN_UP(size, PAGE_SIZE) >> PAGE_SHIFT;
    if (commit_add(segment->promised)) {
        slab_free(segment);
        return NULL;
    }
    page_cache_init(&segment->cache, &segment_ops);
    segment->cache.size = ALIGN_UP(size, PAGE_SIZE);
    segment->changed = ipc_now();
    segment->creator = current_process()->id;
    return segment;
}

SYSCALL3(shmget, int, key, uint64_t, size, unsigned, flags)
{
    bool may_create = key == IPC_PRIVATE || (flags & IPC_CREAT);
    bool good_size = size >= SHMMIN && size <= SHM_MOST_BYTES && !(flags & SHM_HUGETLB);
    struct segment *segment = NULL;
    struct ipc_object *spare = NULL;
    int64_t result;

    if (may_create && good_size) {
        segment = segment_create(size, flags);
        if (!segment)
            return -ENOMEM;
        spare = &segment->object;
    }
    result = ipc_get(&segments, key, flags, &spare, size);
    if (spare)
        segment_free(segment);
    return result;
}

/* ---- shmat, shmdt ---- */

/* The segment of that id, to be used by a call. => as ipc_obtain */
static int segment_begin(int id, unsigned wanted, struct segment **out)
{
    struct ipc_object *object;
    int error;

    spin_lock(&segments.lock);
    error = ipc_obtain(&segments, id, wanted, &object);
    *out = segment_of(object);
    if (!error)
        (*out)->calls++;
    spin_unlock(&segments.lock);
    return error;
}

static void segment_end(struct segment *segment)
{
    spin_lock(&segments.lock);
    segment->calls--;
    unlock_and_drop(segment);
}

/* Where a segment is wanted. => 0, -EINVAL */
static int attach_place(vaddr_t *address, int flags, uint32_t *map_flags)
{
    *map_flags = MAP_SHARED;
    if (!*address)
        return flags & SHM_REMAP ? -EINVAL : 0;
    if (!IS_ALIGNED(*address, PAGE_SIZE)) {
        if (!(flags & SHM_RND))
            return -EINVAL;
        *address = ALIGN_DOWN(*address, PAGE_SIZE);
        if (!*address && (flags & SHM_REMAP))
            return -EINVAL;
    }
    *map_flags |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
    return 0;
}

static int64_t attach(struct segment *segment, vaddr_t address, int flags, uint32_t map_flags)
{
    bool writes = !(flags & SHM_RDONLY);
    struct map_request request = {
        .addr = address,
        .size = segment->object.size,
        .prot = PROT_READ | (writes ? PROT_WRITE : 0) | (flags & SHM_EXEC ? PROT_EXEC : 0),
        .max_prot = PROT_READ | (writes ? PROT_WRITE : 0) | PROT_EXEC,
        .flags = map_flags,
        .file = &segment->cache,
        .purpose = VR_GENERAL,
        .lock_limit = rlimit_locked_memory(),
    };
    int64_t result = vspace_mmap(current_process()->vspace, &request);

    if (result >= 0)
        memory_populate((vaddr_t)result, request.size, false);
    return result == -EEXIST ? -EINVAL : result;
}

SYSCALL3(shmat, int, id, vaddr_t, address, int, flags)
{
    unsigned wanted = IPC_READ | (flags & SHM_RDONLY ? 0 : IPC_WRITE) | (flags & SHM_EXEC ? 0111 : 0);
    struct segment *segment;
    uint32_t map_flags;
    int64_t result = id < 0 ? -EINVAL : attach_place(&address, flags, &map_flags);

    if (!result)
        result = segment_begin(id, wanted, &segment);
    if (result)
        return result;
    result = attach(segment, address, flags, map_flags);
    segment_end(segment);
    return result;
}

/* Looks for the first region of a segment that is attached at `address`; then for the others of it. */
struct detach {
    vaddr_t address;
    struct page_cache *cache;       // NULL: not known yet
    vaddr_t start;                  // of the region found; 0: none
    uint64_t size;
};

static bool detach_visit(const struct vregion *region, void *arg)
{
    struct detach *detach = arg;

    if (!region->file || region->file->ops != &segment_ops || (detach->cache && region->file != detach->cache))
        return true;
    if (vregion_start(region) - region->file_offset != detach->address || vregion_start(region) < detach->address)
        return true;
    detach->cache = region->file;
    detach->start = vregion_start(region);
    detach->size = region->size;
    return false;
}

SYSCALL1(shmdt, vaddr_t, address)
{
    struct vspace *space = current_process()->vspace;
    struct detach detach = {.address = address};
    int error = -EINVAL;

    if (!IS_ALIGNED(address, PAGE_SIZE))
        return -EINVAL;
    for (;;) {
        detach.start = 0;
        vspace_for_each_region(space, detach_visit, &detach);
        if (!detach.start)
            return error;
        error = vspace_munmap(space, detach.start, detach.size);
        if (error)
            return error;
    }
}

/* ---- shmctl ---- */

int shm_tell_from(int index, struct shmid64_ds *out, int *id, uint64_t *resident, uint64_t *swapped)
{
    struct segment_state state;
    int found = ipc_tell_from(&segments, index, &state, id);

    if (found >= 0) {
        *out = state.ds;
        *resident = state.resident;
        *swapped = state.swapped;
    }
    return found;
}

static int64_t shm_stat(int id, int command, vaddr_t address)
{
    struct segment_state state;

    return ipc_stat(&segments, id, command == IPC_STAT, command == SHM_STAT_ANY, &state, sizeof(state.ds), address);
}

/* Change or remove: for the owner. `state` NULL: remove. */
static int64_t shm_change(int id, const struct shmid64_ds *state)
{
    struct ipc_object *object;
    struct segment *segment;
    int error;

    spin_lock(&segments.lock);
    error = ipc_obtain_owned(&segments, id, &object);
    if (error) {
        spin_unlock(&segments.lock);
        return error;
    }
    segment = segment_of(object);
    if (state) {
        ipc_set(&segment->object, &state->shm_perm);
        segment->changed = ipc_now();
    } else {
        segment->removed = true;
        segment->object.key = IPC_PRIVATE;
    }
    unlock_and_drop(segment);
    return 0;
}

static int64_t shm_set(int id, vaddr_t address)
{
    struct shmid64_ds state;

    return copy_from_user(&state, address, sizeof(state)) ? -EFAULT : shm_change(id, &state);
}

static int64_t shm_limits(vaddr_t address)
{
    struct shminfo64 limits = {
        .shmmax = SHM_MOST_BYTES,
        .shmmin = SHMMIN,
        .shmmni = SHMMNI,
        .shmseg = SHMMNI,
        .shmall = SHM_MOST_PAGES,
    };
    int highest;

    spin_lock(&segments.lock);
    highest = ipc_highest_index(&segments);
    spin_unlock(&segments.lock);
    return copy_to_user(address, &limits, sizeof(limits)) ? -EFAULT : highest;
}

static int64_t shm_totals(vaddr_t address)
{
    struct shm_info info = {0};
    struct ipc_object *object;
    int highest;

    spin_lock(&segments.lock);
    list_for_each_entry(object, &segments.objects, link) {
        info.used_ids++;
        info.shm_tot += segment_of(object)->cache.size / PAGE_SIZE;
        info.shm_rss += segment_of(object)->cache.count - segment_of(object)->cache.swapped;
        info.shm_swp += segment_of(object)->cache.swapped;
    }
    highest = ipc_highest_index(&segments);
    spin_unlock(&segments.lock);
    return copy_to_user(address, &info, sizeof(info)) ? -EFAULT : highest;
}

static int64_t shm_lock(int id, bool locked)
{
    struct ipc_object *object;
    int error;

    spin_lock(&segments.lock);
    error = ipc_obtain_owned(&segments, id, &object);
    if (!error)
        segment_of(object)->locked = locked;
    spin_unlock(&segments.lock);
    return error;
}

SYSCALL3(shmctl, int, id, int, command, vaddr_t, address)
{
    if (id < 0 || command < 0)
        return -EINVAL;
    switch (command) {
    case IPC_INFO:
        return shm_limits(address);
    case SHM_INFO:
        return shm_totals(address);
    case IPC_STAT:
    case SHM_STAT:
    case SHM_STAT_ANY:
        return shm_stat(id, command, address);
    case IPC_SET:
        return shm_set(id, address);
    case IPC_RMID:
        return shm_change(id, NULL);
    case SHM_LOCK:
    case SHM_UNLOCK:
        return shm_lock(id, command == SHM_LOCK);
    default:
        return -EINVAL;
    }
}
