// SPDX-License-Identifier: MIT
/*
 * memory_advice.c - madvise, msync, mincore, membarrier.
 */
#include <linux/membarrier.h>
#include <linux/mman.h>

#include "lib/checked.h"
#include "lib/errno.h"
#include "mm/map.h"
#include "mm/populate.h"
#include "mm/tlb.h"
#include "mm/usercopy.h"
#include "proc/process.h"
#include "sys/syscall.h"

SYSCALL3(madvise, vaddr_t, addr, uint64_t, size, int, advice)
{
    return vspace_madvise(current_process()->vspace, addr, size, advice);
}

SYSCALL3(msync, vaddr_t, addr, uint64_t, size, int, flags)
{
    return vspace_msync(current_process()->vspace, addr, size, flags);
}

/* ---- mincore ---- */

SYSCALL3(mincore, vaddr_t, addr, uint64_t, size, vaddr_t, vector)
{
    uint8_t part[256];
    uint64_t bytes, pages;

    if (!IS_ALIGNED(addr, PAGE_SIZE))
        return -EINVAL;
    if (align_up_overflows(size, PAGE_SIZE, &bytes) || !range_within(addr, bytes, USER_END))
        return -ENOMEM;
    pages = bytes >> PAGE_SHIFT;
    if (!range_within(vector, pages, USER_END))
        return -EFAULT;
    for (uint64_t done = 0; done < pages;) {
        int64_t count = vspace_residence(current_process()->vspace, addr + (done << PAGE_SHIFT),
                                         MIN(pages - done, sizeof part), part);
        if (count < 0)
            return count;
        if (copy_to_user(vector + done, part, (size_t)count))
            return -EFAULT;
        done += (uint64_t)count;
    }
    return 0;
}

/* ---- membarrier ---- */

#define PRIVATE_COMMANDS (MEMBARRIER_CMD_PRIVATE_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)
#define GLOBAL_COMMANDS                                                                          \
    (MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED | MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED)

/*
 * Interrupting a CPU is a barrier for it, and so is the switch of one that we do not interrupt. Registration saves Linux
 * work that is none here; only the private command insists on it.
 */
SYSCALL3(membarrier, int, command, unsigned, flags, int, cpu)
{
    struct process *process = current_process();
    const vaddr_t any_page = 0;

    (void)cpu;
    if (flags)
        return -EINVAL;
    switch (command) {
    case MEMBARRIER_CMD_QUERY:
        return GLOBAL_COMMANDS | PRIVATE_COMMANDS;
    case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
        return 0;
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
        process->vspace->barriers = true;
        return 0;
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
        if (!process->vspace->barriers)
            return -EPERM;
        tlb_flush_range(process->vspace, 0, PAGE_SIZE);
        return 0;
    case MEMBARRIER_CMD_GLOBAL:
    case MEMBARRIER_CMD_GLOBAL_EXPEDITED:
        tlb_flush_everywhere(&any_page, 1);
        return 0;
    default:
        return -EINVAL;
    }
}
