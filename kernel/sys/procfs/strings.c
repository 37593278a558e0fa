// SPDX-License-Identifier: MIT
/*
 * strings.c - /proc/PID/{cmdline,environ,auxv}: what a process was started with, out of its own memory.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/fault.h"
#include "mm/node.h"
#include "mm/vspace.h"
#include "arch/x86/trap.h"
#include "proc/process.h"
#include "sys/procfs/node.h"
#include "sys/procfs/process.h"

/*
 * Copy a part of one page that is there. => false: it is not
 */
static bool copy_present(struct vspace *space, vaddr_t va, char *to, size_t size)
{
    struct core_map_entry *leaf;
    bool present = false;

    rwlock_read_lock(&space->lock);
    leaf = node_find_leaf(space, va);
    if (leaf) {
        struct vpage_info *info;

        node_lock(leaf);
        info = leaf_covers(leaf, va) ? leaf_info(leaf, va) : NULL;
        present = info && info->used && info->present;
        if (present)
            memcpy(to, (char *)page2kva(vpage_frame(info)) + (va & PAGE_MASK), size);
        node_unlock(leaf);
    }
    rwlock_read_unlock(&space->lock);
    return present;
}

/* Copy a part of one page of another address space. => false: it cannot be read */
static bool copy_page_part(struct vspace *space, vaddr_t va, char *to, size_t size)
{
    const int tries = 8;    // the page may go again each time, but hardly so often

    for (int i = 0; i < tries; i++) {
        struct fault fault = {.address = va, .code = PF_U};

        if (copy_present(space, va, to, size))
            return true;
        if (vspace_fault(space, &fault) > FAULT_RETRY)
            return false;
    }
    return false;
}

/* Append [start, end) of the process's memory, as far as it can be read. */
static void put_memory(struct text *text, struct process *process, vaddr_t start, vaddr_t end)
{
    struct vspace *space = process_vspace(process);

    if (!space)
        return;
    while (start < end) {
        size_t size = MIN(end - start, PAGE_SIZE - (start & PAGE_MASK));
        char *room = text_room(text, &size);

        if (!room || !copy_page_part(space, start, room, size))
            break;
        text_used(text, size);
        start += size;
    }
    vspace_put(space);
}

static struct program_ranges ranges_of(struct process *process)
{
    struct program_ranges ranges;

    spin_lock(&process->lock);
    ranges = process->ranges;
    spin_unlock(&process->lock);
    return ranges;
}

int show_cmdline(const struct proc_inode *inode, struct text *text)
{
    struct program_ranges ranges = ranges_of(inode->process);

    put_memory(text, inode->process, ranges.arg_start, ranges.arg_end);
    return 0;
}

int show_environ(const struct proc_inode *inode, struct text *text)
{
    struct program_ranges ranges = ranges_of(inode->process);

    put_memory(text, inode->process, ranges.env_start, ranges.env_end);
    return 0;
}

int show_auxv(const struct proc_inode *inode, struct text *text)
{
    struct program_ranges ranges = ranges_of(inode->process);

    put_memory(text, inode->process, ranges.auxv_start, ranges.auxv_start + ranges.auxv_size);
    return 0;
}
