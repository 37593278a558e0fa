// SPDX-License-Identifier: MIT
/*
 * info.c - sysinfo, getrandom, and the end of everything: reboot.
 */
#include <linux/random.h>
#include <linux/reboot.h>
#include <linux/sysinfo.h>

#include "arch/x86/power.h"
#include "arch/x86/time.h"
#include "dev/random.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "mm/kalloc.h"
#include "mm/usercopy.h"
#include "proc/cred.h"
#include "proc/process.h"
#include "proc/signal.h"
#include "sys/memory_info.h"
#include "sys/rw.h"
#include "sys/syscall.h"

/* Load averages: 1/2048 in the scheduler, 1/65536 in sysinfo. */
#define LOAD_SHIFT (SI_LOAD_SHIFT - 11)

SYSCALL1(sysinfo, vaddr_t, address)
{
    struct memory_info memory;
    uint64_t load[3];
    struct sysinfo info = {0};

    memory_info(&memory);
    sched_load_average(load);
    info.uptime = clock_ns() / NS_PER_SECOND;
    for (int i = 0; i < 3; i++)
        info.loads[i] = load[i] << LOAD_SHIFT;
    info.totalram = memory.total;
    info.freeram = memory.free;
    info.sharedram = memory.shared;
    info.totalswap = memory.swap_total;
    info.freeswap = memory.swap_free;
    info.procs = thread_total();
    info.mem_unit = PAGE_SIZE;
    return copy_to_user(address, &info, sizeof(info));
}

/* Fill user memory from a frame of random bytes, again and again; a signal may end a long request. */
static int64_t random_to_user(vaddr_t buffer, size_t size)
{
    char *frame = kalloc();
    size_t done = 0;

    if (!frame)
        return -ENOMEM;
    while (done < size && !(done && signal_pending())) {
        size_t part = MIN(size - done, PAGE_SIZE), copied;

        random_bytes(frame, part);
        copied = copy_to_user_partial(buffer + done, frame, part);
        done += copied;
        if (copied < part)
            break;
    }
    kfree(frame);
    return done || !size ? (int64_t)done : -EFAULT;
}

SYSCALL3(getrandom, vaddr_t, buffer, uint64_t, size, unsigned, flags)
{
    char few[64];

    if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
        return -EINVAL;
    if ((flags & (GRND_INSECURE | GRND_RANDOM)) == (GRND_INSECURE | GRND_RANDOM))
        return -EINVAL;
    size = MIN(size, RW_MAX);
    if (size > sizeof(few))
        return random_to_user(buffer, size);
    random_bytes(few, size);
    return copy_to_user(buffer, few, size) ? -EFAULT : (int64_t)size;
}

static int64_t end_machine(unsigned command)
{
    switch (command) {
    case LINUX_REBOOT_CMD_RESTART:
    case LINUX_REBOOT_CMD_RESTART2:
        printk("reboot: Restarting system");
        machine_reboot();
    case LINUX_REBOOT_CMD_HALT:
        printk("reboot: System halted");
        machine_halt();
    case LINUX_REBOOT_CMD_POWER_OFF:
        printk("reboot: Power down");
        machine_poweroff();
    case LINUX_REBOOT_CMD_CAD_ON:
    case LINUX_REBOOT_CMD_CAD_OFF:
        return 0;
    default:
        return -EINVAL;
    }
}

SYSCALL3(reboot, unsigned, magic, unsigned, magic2, unsigned, command)
{
    if (!credentials_is_root(current_credentials()))
        return -EPERM;
    if (magic != LINUX_REBOOT_MAGIC1 || (magic2 != LINUX_REBOOT_MAGIC2 && magic2 != LINUX_REBOOT_MAGIC2A &&
                                         magic2 != LINUX_REBOOT_MAGIC2B && magic2 != LINUX_REBOOT_MAGIC2C))
        return -EINVAL;
    return end_machine(command);
}
