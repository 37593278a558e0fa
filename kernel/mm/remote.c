// SPDX-License-Identifier: MIT
/*
 * remote.c - the memory of another process.
 *
 * Theory      The frame is reached through the direct map, where no right is checked; so what the page's entry lets a program
 *             do is asked instead, under the lock of its leaf. Where the entry is missing or too weak, the fault that the
 *             program would take is resolved for it, and we look again.
 *             The bytes are copied under that lock, from or to kernel memory, so nothing can come between the question and
 *             the copy: neither a fork, which would make the page copy-on-write, nor a copy of it, which would leave us with
 *             the old frame.
 * Considered  Pinning the frame and copying without the lock: a pinned frame counts as shared, so the program's next write
 *             could move it to a copy, and what we write after that would be lost.
 */
#include "mm/remote.h"

#include "arch/x86/trap.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/fault.h"
#include "mm/node.h"
#include "mm/vspace.h"

/* Bytes of one page on their way. */
struct remote_part {
    vaddr_t va;
    char *memory; // the kernel's
    size_t size;
    bool write;
};

/* Whether the entries on the way to the page let the access through. => the leaf is locked */
static bool entry_allows(const struct node_path *path, const struct vregion *region, const struct remote_part *part)
{
    pte_t entry = pte_load(&node_entries(path->leaf)[pte_index(part->va, LEAF_LEVEL)]);

    if (!pte_is_present(entry))
        return false;
    if (part->write)
        return pte_is_writable(entry) && pte_is_writable(path->rights);
    return region->prot & VR_READ;
}

static void copy_part(struct core_map_entry *leaf, const struct remote_part *part)
{
    struct core_map_entry *page = vpage_frame(leaf_info(leaf, part->va));
    char *bytes = (char *)page2kva(page) + (part->va & PAGE_MASK);

    if (part->write)
        memcpy(bytes, part->memory, part->size);
    else
        memcpy(part->memory, bytes, part->size);
}

/* Copy if the page is there as it has to be. => true: done */
static bool try_part(struct vspace *space, const struct remote_part *part)
{
    bool done = false;

    rwlock_read_lock(&space->lock);
    struct vregion *region = va2vregion(space, part->va);
    struct node_path path = region ? node_walk(space, part->va) : (struct node_path){.leaf = NULL};
    if (path.leaf) {
        node_lock(path.leaf);
        done = entry_allows(&path, region, part);
        if (done)
            copy_part(path.leaf, part);
        node_unlock(path.leaf);
    }
    rwlock_read_unlock(&space->lock);
    return done;
}

/* Whether the program itself may read there: a page that may be written or executed only is none that others read. */
static bool may_read(struct vspace *space, vaddr_t va)
{
    rwlock_read_lock(&space->lock);
    struct vregion *region = va2vregion(space, va);
    bool readable = !region || (region->prot & VR_READ);
    rwlock_read_unlock(&space->lock);
    return readable;
}

/* => 0, -EFAULT, -ENOMEM */
static int move_part(struct vspace *space, const struct remote_part *part)
{
    while (!try_part(space, part)) {
        struct fault fault = {.address = part->va, .code = PF_U | (part->write ? PF_W : 0)};

        if (!part->write && !may_read(space, part->va))
            return -EFAULT;
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
    return 0;
}

static int64_t move(struct vspace *space, vaddr_t va, char *memory, size_t size, bool write)
{
    size_t done = 0;

    while (done < size) {
        struct remote_part part = {
            .va = va + done,
            .memory = memory + done,
            .size = MIN(size - done, PAGE_SIZE - ((va + done) & PAGE_MASK)),
            .write = write,
        };
        int error = move_part(space, &part);
        if (error)
            return done ? (int64_t)done : error;
        done += part.size;
    }
    return (int64_t)done;
}

int64_t vspace_read_memory(struct vspace *space, vaddr_t va, void *to, size_t size)
{
    return move(space, va, to, size, false);
}

int64_t vspace_write_memory(struct vspace *space, vaddr_t va, const void *from, size_t size)
{
    return move(space, va, (char *)(uintptr_t)from, size, true);
}
