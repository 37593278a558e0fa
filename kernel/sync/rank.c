// SPDX-License-Identifier: MIT
/*
 * rank.c - the checker of lock ranks, in debug builds.
 *
 * Theory      Each thread records the sleeping locks that it holds, each CPU the spinning ones (preemption is off while
 *             one is held, so the CPU stays the same). Ranks of sleeping locks are lower than all others, so the two
 *             records never need to be compared: a sleeping lock is refused as soon as any spinning one is held.
 *             An interrupt adds to the record of the CPU that it interrupts. What it may take ranks above all that can
 *             be held with interrupts on, so that too is one order.
 */
#include "sync/rank.h"

#ifdef DEBUG

#include "arch/x86/cpu.h"
#include "lib/log.h"
#include "sync/sched.h"

static struct lock_stack spinning[MAX_CPUS];    // per CPU, with interrupts off
static struct lock_stack before_threads;        // sleeping locks of the first CPU until it has a thread

static const char *const names[RANK_LAST] = {
    [RANK_FILE_OFFSET] = "file_offset",
    [RANK_POSIX_TIMERS] = "posix_timers",
    [RANK_EPOLLS] = "epolls",
    [RANK_EPOLL] = "epoll",
    [RANK_FILE_LOCKS] = "file_locks",
    [RANK_PIPE] = "pipe",
    [RANK_EXT2_MOUNTS] = "ext2_mounts",
    [RANK_SWAP_FILES] = "swap_files",
    [RANK_DIRECTORY] = "directory",
    [RANK_INODE] = "inode",
    [RANK_SOCKET_RECEIVE] = "socket_receive",
    [RANK_TTY_SESSIONS] = "tty_sessions",
    [RANK_TTY_SLEEP] = "tty_sleep",
    [RANK_EVENTS] = "events",
    [RANK_RECLAIM] = "reclaim",
    [RANK_SWAP_GATE] = "swap_gate",
    [RANK_VSPACES] = "vspaces",
    [RANK_VSPACE] = "vspace",
    [RANK_EXT2] = "ext2",
    [RANK_MOUNTS] = "mounts",
    [RANK_SUPERBLOCK] = "superblock",
    [RANK_DENTRY] = "dentry",
    [RANK_FILE_TABLE] = "file_table",
    [RANK_FS_CONTEXT] = "fs_context",
    [RANK_CREDENTIALS] = "credentials",
    [RANK_IPC] = "ipc",
    [RANK_SOCKETS] = "sockets",
    [RANK_FUTEX] = "futex",
    [RANK_NODE_4] = "node_4",
    [RANK_NODE_3] = "node_3",
    [RANK_NODE_2] = "node_2",
    [RANK_NODE_1] = "node_1",
    [RANK_HELD_FAULTS] = "held_faults",
    [RANK_SWAP] = "swap",
    [RANK_PAGE_CACHES] = "page_caches",
    [RANK_PAGE_CACHE] = "page_cache",
    [RANK_RANDOM] = "random",
    [RANK_MAGAZINES] = "magazines",
    [RANK_SLAB] = "slab",
    [RANK_KSTACK] = "kstack",
    [RANK_KMEM_CACHE] = "kmem_cache",
    [RANK_KMEM] = "kmem",
    [RANK_DEVICE] = "device",
    [RANK_TTY] = "tty",
    [RANK_ITIMER] = "itimer",
    [RANK_PROCESS_TREE] = "process_tree",
    [RANK_SIGNAL] = "signal",
    [RANK_ALARMS] = "alarms",
    [RANK_ALARM] = "alarm",
    [RANK_WAIT_QUEUE] = "wait_queue",
    [RANK_EPOLL_READY] = "epoll_ready",
    [RANK_SLEEP_LOCK] = "sleep_lock",
    [RANK_RUN_QUEUE] = "run_queue",
    [RANK_TIMER] = "timer",
    [RANK_LOG] = "log",
    [RANK_CONSOLE] = "console",
};

const char *lock_rank_name(enum lock_rank rank)
{
    return rank < RANK_LAST && names[rank] != NULL ? names[rank] : "without a name";
}

static bool sleeps(enum lock_rank rank)
{
    return rank < RANK_SLEEPING_LAST;
}

/* The record that a lock of this rank belongs into. => interrupts off */
static struct lock_stack *stack_of(enum lock_rank rank)
{
    struct kthread *self = current_kthread();

    if (!sleeps(rank))
        return &spinning[cpu_id()];
    return self != NULL ? &self->locks : &before_threads;
}

/* Which of the locks held has the highest rank? Not always the last: a trylock may come in any order. */
static const struct lock_held *highest(const struct lock_stack *stack)
{
    const struct lock_held *found = NULL;

    for (unsigned i = 0; i < stack->count; i++) {
        if (found == NULL || stack->held[i].rank >= found->rank)
            found = &stack->held[i];
    }
    return found;
}

static void check_zone(const char *name, enum lock_rank rank, bool trying, bool interrupts_on)
{
    if (sleeps(rank)) {
        if (!trying)
            lock_rank_assert_no_spinlock(name);
        if (cpu_in_irq())
            panic("sleeping lock \"%s\" (%s) taken in an interrupt", name, lock_rank_name(rank));
    } else if (rank < RANK_SPINNING_LAST) {
        if (cpu_in_irq())
            panic("lock \"%s\" (%s) taken in an interrupt, below whose zone it ranks", name, lock_rank_name(rank));
    } else if (interrupts_on) {
        panic("lock \"%s\" (%s) taken with interrupts on; interrupts take it, too", name, lock_rank_name(rank));
    }
}

static void check_order(const struct lock_stack *stack, const void *lock, const char *name, enum lock_rank rank,
                        bool nested)
{
    const struct lock_held *top = highest(stack);

    for (unsigned i = 0; i < stack->count; i++) {
        if (stack->held[i].lock == lock)
            panic("lock \"%s\" (%s) taken twice", name, lock_rank_name(rank));
    }
    if (top != NULL && (nested ? top->rank > rank : top->rank >= rank))
        panic("lock \"%s\" (rank %u, %s) taken while holding \"%s\" (rank %u, %s)", name, rank, lock_rank_name(rank),
              top->name, top->rank, lock_rank_name(top->rank));
}

static void record(struct lock_stack *stack, const void *lock, const char *name, enum lock_rank rank)
{
    if (stack->count == LOCK_STACK_DEPTH)
        stack->untracked++;
    else
        stack->held[stack->count++] = (struct lock_held){ lock, name, rank };
}

void lock_rank_acquire(const void *lock, const char *name, enum lock_rank rank, bool nested, bool trying)
{
    bool interrupts_on = irq_enabled();
    unsigned long flags;

    if (log_panicking())
        return;
    check_zone(name, rank, trying, interrupts_on);
    flags = irq_save();
    if (!trying)
        check_order(stack_of(rank), lock, name, rank, nested);
    record(stack_of(rank), lock, name, rank);
    irq_restore(flags);
}

void lock_rank_push(const void *lock, enum lock_rank rank)
{
    lock_rank_acquire(lock, lock_rank_name(rank), rank, false, false);
}

void lock_rank_push_nested(const void *lock, enum lock_rank rank)
{
    lock_rank_acquire(lock, lock_rank_name(rank), rank, true, false);
}

/* The place of a lock in the record, or `count`. The last first: most locks are released in reverse order. */
static unsigned find(const struct lock_stack *stack, const void *lock)
{
    for (unsigned i = stack->count; i > 0; i--) {
        if (stack->held[i - 1].lock == lock)
            return i - 1;
    }
    return stack->count;
}

static void forget(struct lock_stack *stack, const void *lock, enum lock_rank rank)
{
    unsigned i = find(stack, lock);

    if (i == stack->count) {
        if (stack->untracked == 0)
            panic("lock at %p (%s) released by one who does not hold it", (void *)(uintptr_t)lock,
                  lock_rank_name(rank));
        stack->untracked--;
        return;
    }
    for (stack->count--; i < stack->count; i++)
        stack->held[i] = stack->held[i + 1];
}

void lock_rank_pop(const void *lock, enum lock_rank rank)
{
    unsigned long flags;

    if (log_panicking())
        return;
    flags = irq_save();
    forget(stack_of(rank), lock, rank);
    irq_restore(flags);
}

bool lock_rank_holds(const void *lock, enum lock_rank rank)
{
    unsigned long flags = irq_save();
    const struct lock_stack *stack = stack_of(rank);
    bool holds = find(stack, lock) != stack->count || stack->untracked != 0 || log_panicking();

    irq_restore(flags);
    return holds;
}

void lock_rank_assert_no_spinlock(const char *why)
{
    unsigned long flags = irq_save();
    const struct lock_stack *stack = &spinning[cpu_id()];
    const struct lock_held *held = highest(stack);

    irq_restore(flags);
    if (held != NULL && !log_panicking())
        panic("\"%s\" may sleep, but spinlock \"%s\" (%s) is held", why, held->name, lock_rank_name(held->rank));
}

#else

typedef int rank_c_is_empty_without_debug;

#endif
