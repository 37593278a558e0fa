// SPDX-License-Identifier: MIT
/*
 * trace.c - /proc/PID/{stack,wchan}: where in the kernel a thread sleeps, by the return addresses on its stack.
 */
#include "arch/x86/backtrace.h"
#include "arch/x86/image.h"
#include "fs/credentials.h"
#include "lib/errno.h"
#include "proc/cred.h"
#include "proc/process.h"
#include "sys/inspect.h"
#include "sys/procfs/node.h"
#include "sys/procfs/process.h"

#define DEPTH_MAX 24

/* Of a thread that is off its CPU and keeps its stack; the first ones are the scheduler's. => how many; 0: it runs */
static unsigned collect_sleeping(const struct kthread *thread, uint64_t *addresses, unsigned size)
{
    unsigned count;

    if (atomic_load_explicit(&thread->on_cpu, memory_order_acquire))
        return 0;
    count = backtrace_collect_switched(thread->sp, addresses, size);
    // If it has been woken meanwhile its stack may have changed under our eyes.
    return atomic_load_explicit(&thread->on_cpu, memory_order_acquire) ? 0 : count;
}

/* Who called whom in the thread that the file is about, innermost first. => how many; 0: it runs elsewhere, or has ended */
static unsigned collect(const struct proc_inode *inode, uint64_t addresses[DEPTH_MAX])
{
    uint64_t flags = spin_lock_irq(&process_tree); // so it keeps its stack
    struct thread *thread = proc_thread(inode);
    unsigned count = 0;

    if (thread == current_thread())
        count = backtrace_collect((uint64_t)__builtin_frame_address(0), addresses, DEPTH_MAX);
    else if (thread != NULL)
        count = collect_sleeping(&thread->kthread, addresses, DEPTH_MAX);
    spin_unlock_irq(&process_tree, flags);
    return count;
}

int show_stack(const struct proc_inode *inode, struct text *text)
{
    uint64_t addresses[DEPTH_MAX];
    unsigned count;

    if (!credentials_is_root(current_credentials()))
        return -EACCES;
    count = collect(inode, addresses);
    for (unsigned i = 0; i < count; i++) {
        char name[SYMBOL_NAME_MAX] = "?";
        uint64_t offset = 0;

        (void)symbol_name(addresses[i] - 1, name, &offset); // -1: inside the call
        text_printf(text, "[<0>] %s+%#lx/%#lx\n", name, offset + 1, symbol_size(addresses[i] - 1));
    }
    return 0;
}

static bool is_waiting_itself(uint64_t address)
{
    return address >= (uint64_t)image_sync_start && address < (uint64_t)image_sync_end;
}

/* The first function that is not about sleeping itself. => false: it does not sleep */
static bool sleeps_in(const struct proc_inode *inode, char name[SYMBOL_NAME_MAX])
{
    uint64_t addresses[DEPTH_MAX], offset;
    unsigned count = collect(inode, addresses), i = 0;

    if (!count || !is_waiting_itself(addresses[0]))
        return false;
    while (i < count && is_waiting_itself(addresses[i]))
        i++;
    return i < count && symbol_name(addresses[i] - 1, name, &offset);
}

int show_wchan(const struct proc_inode *inode, struct text *text)
{
    char name[SYMBOL_NAME_MAX];
    bool sleeps = inspect_allowed(inode->process) && sleeps_in(inode, name);

    text_puts(text, sleeps ? name : "0");
    return 0;
}
