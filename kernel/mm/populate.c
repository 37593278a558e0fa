// SPDX-License-Identifier: MIT
/*
 * populate.c - make pages present in advance.
 *
 * Theory      Every page is looked at under the lock for reading; what is not there as it should be is resolved by the fault that
 *             the program would take, without any lock, and looked at again.
 */
#include "mm/populate.h"

#include "arch/x86/trap.h"
#include "lib/errno.h"
#include "mm/fault.h"
#include "mm/node.h"
#include "mm/page_cache.h"
#include "mm/vspace.h"

static bool (*must_stop)(void); // constant after boot

void populate_set_stop(bool (*stop)(void))
{
    must_stop = stop;
}

/* What looking at one page says: 0 it is there, PAGE_FAULTS take the fault, or an error. */
enum { PAGE_FAULTS = 1 };

/* The access to make for a page of the region, PF_W or 0; -EINVAL or -EFAULT if the region forbids it. */
static int access_for(const struct vregion *region, enum populate_how how)
{
    switch (how) {
    case POPULATE_READ:
        return region->prot ? 0 : -EINVAL;
    case POPULATE_WRITE:
        return region->prot & VR_WRITE ? (int)PF_W : -EINVAL;
    default:
        if (!region->prot)
            return -EFAULT;
        return (region->prot & VR_WRITE) && !region->shared ? (int)PF_W : 0;
    }
}

/* Whether the entries on the way let the access through. => space->lock held */
static bool is_present(struct vspace *space, vaddr_t va, int access)
{
    struct node_path path = node_walk(space, va);

    if (!path.leaf)
        return false;
    pte_t entry = pte_load(&node_entries(path.leaf)[pte_index(va, LEAF_LEVEL)]);
    return pte_is_present(entry) && (!access || (pte_is_writable(entry) && pte_is_writable(path.rights)));
}

static int look(struct vspace *space, vaddr_t va, enum populate_how how, int *access)
{
    rwlock_read_lock(&space->lock);
    struct vregion *region = va2vregion(space, va);
    *access = region ? access_for(region, how) : -ENOMEM;
    int result = *access < 0 || is_present(space, va, *access) ? MIN(*access, 0) : PAGE_FAULTS;
    rwlock_read_unlock(&space->lock);
    return result;
}

static int populate_page(struct vspace *space, vaddr_t va, enum populate_how how)
{
    int access, result;

    while ((result = look(space, va, how, &access)) == PAGE_FAULTS) {
        if (must_stop && must_stop())
            return -EINTR;
        struct fault fault = {.address = va, .code = PF_U | (unsigned)access};
        switch (vspace_fault(space, &fault)) {
        case FAULT_RESOLVED:
        case FAULT_RETRY:
            break;
        case FAULT_OOM:
            return -ENOMEM;
        default:
            return -EFAULT;
        }
    }
    return result;
}

int vspace_populate(struct vspace *space, vaddr_t start, vaddr_t end, enum populate_how how)
{
    int error = 0;

    for (vaddr_t va = start; va < end && !error; va += PAGE_SIZE)
        error = populate_page(space, va, how);
    return error;
}

/* ---- Residence ---- */

/* => space->lock held */
static bool page_is_resident(struct vspace *space, const struct vregion *region, vaddr_t va)
{
    struct vpage_info *info = va2vpage_info(space, va);
    if (info && vpage_load(info).present)
        return true;
    if (!region->file)
        return false;
    return page_cache_where(region->file, vregion_file_index(region, va)) == PAGE_IN_MEMORY;
}

int64_t vspace_residence(struct vspace *space, vaddr_t start, size_t pages, uint8_t *vector)
{
    size_t done = 0;

    if (must_stop && must_stop())
        return -EINTR;
    rwlock_read_lock(&space->lock);
    for (; done < pages; done++) {
        vaddr_t va = start + done * PAGE_SIZE;
        struct vregion *region = va2vregion(space, va);
        if (!region)
            break;
        vector[done] = page_is_resident(space, region, va);
    }
    rwlock_read_unlock(&space->lock);
    return done ? (int64_t)done : -ENOMEM;
}
