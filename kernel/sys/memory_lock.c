// SPDX-License-Identifier: MIT
/*
 * memory_lock.c - mlock and its relatives.
 */
#include "sys/memory_lock.h"

#include <linux/mman.h>

#include "lib/checked.h"
#include "lib/errno.h"
#include "mm/map.h"
#include "mm/populate.h"
#include "proc/cred.h"
#include "proc/process.h"
#include "proc/rlimit.h"
#include "sys/syscall.h"

/* Whether the region at `addr` is locked, and not only what is touched of it. */
static bool is_locked(struct vspace *space, vaddr_t addr)
{
    rwlock_read_lock(&space->lock);
    struct vregion *region = va2vregion(space, addr);
    bool locked = region && (region->flags & (VR_LOCKED | VR_LOCK_ONFAULT)) == VR_LOCKED;
    rwlock_read_unlock(&space->lock);
    return locked;
}

void memory_populate(vaddr_t addr, uint64_t size, bool wanted)
{
    struct vspace *space = current_process()->vspace;

    if (wanted || is_locked(space, addr))
        (void)!vspace_populate(space, addr, addr + ALIGN_UP(size, PAGE_SIZE), POPULATE_MAPPING);
}

/* What populating comes to as an answer of mlock: POSIX wants ENOMEM for an address that cannot be, EAGAIN for want of memory. */
static int lock_error(int error)
{
    if (error == -EFAULT)
        return -ENOMEM;
    return error == -ENOMEM ? -EAGAIN : error;
}

static int64_t lock(vaddr_t addr, uint64_t size, uint8_t flags)
{
    struct vspace *space = current_process()->vspace;
    uint64_t limit = rlimit_locked_memory(), end;
    int error;

    if (limit == 0)
        return -EPERM;
    error = vspace_mlock(space, addr, size, flags, limit);
    if (error || (flags & VR_LOCK_ONFAULT))
        return error;
    end = ALIGN_UP(addr + size, PAGE_SIZE); // vspace_mlock found all of it mapped
    return lock_error(vspace_populate(space, ALIGN_DOWN(addr, PAGE_SIZE), end, POPULATE_MAPPING));
}

SYSCALL2(mlock, vaddr_t, addr, uint64_t, size)
{
    return lock(addr, size, VR_LOCKED);
}

SYSCALL3(mlock2, vaddr_t, addr, uint64_t, size, int, flags)
{
    if (flags & ~MLOCK_ONFAULT)
        return -EINVAL;
    return lock(addr, size, flags & MLOCK_ONFAULT ? VR_LOCKED | VR_LOCK_ONFAULT : VR_LOCKED);
}

SYSCALL2(munlock, vaddr_t, addr, uint64_t, size)
{
    return vspace_mlock(current_process()->vspace, addr, size, 0, UINT64_MAX);
}

/* Make everything that is locked present, as far as it can be. */
static void populate_all(struct vspace *space)
{
    vaddr_t start = 0, end;

    for (; start < USER_END; start = end) {
        rwlock_read_lock(&space->lock);
        struct vregion *region = vregion_above(space, start);
        if (region)
            start = MAX(start, vregion_start(region));
        end = region ? vregion_end(region) : USER_END;
        rwlock_read_unlock(&space->lock);
        if (region && vspace_populate(space, start, end, POPULATE_MAPPING) == -EINTR)
            return;
    }
}

SYSCALL1(mlockall, int, how)
{
    struct vspace *space = current_process()->vspace;
    uint8_t flags = how & MCL_ONFAULT ? VR_LOCKED | VR_LOCK_ONFAULT : VR_LOCKED;
    uint64_t limit = rlimit_locked_memory();
    int error;

    if (!how || (how & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || how == MCL_ONFAULT)
        return -EINVAL;
    if (limit == 0)
        return -EPERM;
    error = vspace_mlockall(space, how & MCL_CURRENT, flags, how & MCL_FUTURE ? flags : 0, limit);
    if (!error && (how & MCL_CURRENT) && !(how & MCL_ONFAULT))
        populate_all(space);
    return error;
}

SYSCALL0(munlockall)
{
    return vspace_mlockall(current_process()->vspace, true, 0, 0, UINT64_MAX);
}
