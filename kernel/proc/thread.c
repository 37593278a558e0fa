// SPDX-License-Identifier: MIT
/*
 * thread.c - threads as objects, and what the scheduler's switch changes beyond the stack: address space,
 * FPU state, segment bases.
 *
 * Theory  The FPU state of a thread is in the CPU while the thread runs, and in thread->fpu while it does
 *         not: saved and loaded at each switch (two instructions each; the kernel uses no FPU register, so
 *         system calls and interrupts leave it alone). Who edits the state (signal frames) unloads it
 *         first: then the switch leaves it where it is. The state lies at the low end of the kernel stack,
 *         which is never used down to there; debug builds look at each switch whether it still is so.
 */
#include "proc/thread.h"

#include "arch/x86/context.h"
#include "arch/x86/fpu.h"
#include "arch/x86/layout.h"
#include "arch/x86/trap.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/active.h"
#include "mm/event.h"
#include "mm/kstack.h"
#include "mm/slab.h"
#include "mm/vspace.h"
#include "proc/cred.h"
#include "proc/cpu_watch.h"
#include "proc/process.h"

static struct slab_cache thread_cache;

#define STACK_GUARD 0x6b737461636b656eull // between the stack and the FPU state below it

static struct thread *thread_of(struct kthread *kthread)
{
    return container_of(kthread, struct thread, kthread);
}

static uint64_t *stack_guard(const struct thread *thread)
{
    return (uint64_t *)((char *)thread->fpu + fpu_state_size());
}

/* => interrupts off, run queue locked */
static void switch_from(struct kthread *kthread)
{
    struct thread *thread = thread_of(kthread);

    DEBUG_ASSERT(!kthread_is_user(kthread) || *stack_guard(thread) == STACK_GUARD);
    if (kthread_is_user(kthread) && !thread->fpu_unloaded)
        fpu_save(thread->fpu);
}

/* To a thread without a user side. */
static __attribute__((noinline)) void switch_to_kernel(const struct kthread *kthread)
{
    if (kthread->is_idle)
        vspace_idle();
    else
        vspace_activate(NULL); // the one that was loaded may go meanwhile
}

/* => interrupts off, run queue locked */
static void switch_to(struct kthread *kthread)
{
    struct thread *thread = thread_of(kthread);

    if (!kthread_is_user(kthread)) {
        switch_to_kernel(kthread);
        return;
    }
    vspace_activate(thread->detached ? NULL : thread->process->vspace);
    if (unlikely(thread->process->cpu_watched))
        cpu_watch_arrive(thread);
    user_set_fs_base(thread->fs_base);
    user_set_gs_base(thread->gs_base);
    if (!thread->fpu_unloaded)
        fpu_restore(thread->fpu);
}

static void reap(struct kthread *kthread)
{
    thread_free(thread_of(kthread));
}

static void tick(struct kthread *kthread)
{
    if (kthread_is_user(kthread))
        cpu_watch_tick(thread_of(kthread));
}

void thread_init(void)
{
    static const struct sched_hooks hooks = {
        .switch_from = switch_from,
        .switch_to = switch_to,
        .reap = reap,
        .tick = tick,
        .stack_alloc = kstack_alloc,
        .stack_free = kstack_free,
    };

    slab_cache_init(&thread_cache, "thread", sizeof(struct thread));
    sched_set_hooks(&hooks);
}

/* The new thread begins with the FPU state, the segment bases and the mask of the one that runs. */
static void thread_inherit(struct thread *thread)
{
    struct thread *parent;

    if (!current_is_user_thread()) {
        fpu_initial(thread->fpu);
        __builtin_memcpy(thread->comm, thread->process->comm, COMM_SIZE);
        return;
    }
    parent = current_thread();
    preempt_disable();
    fpu_save(thread->fpu);
    preempt_enable();
    __builtin_memcpy(thread->comm, parent->comm, COMM_SIZE); // in place, not by a call
    thread->fs_base = parent->fs_base;
    thread->gs_base = parent->gs_base;
    thread->blocked = parent->blocked;
    thread->timer_slack_ns = parent->timer_slack_ns;
    thread->personality = parent->personality;
    thread->policy = parent->policy;
    thread->credentials = credentials_get(parent->credentials);
}

struct thread *thread_create(struct process *process, void (*entry)(void *thread))
{
    struct thread *thread = slab_cache_alloc(&thread_cache);
    void *stack;

    if (thread == NULL)
        return NULL;
    stack = kstack_alloc();
    if (stack == NULL) {
        slab_cache_free(&thread_cache, thread);
        return NULL;
    }
    memset(thread, 0, sizeof(*thread));
    // The header of an XSAVE area must not hold garbage: fpu_save leaves parts of it as they are.
    thread->fpu = (char *)stack - KSTACK_SIZE;
    memset(thread->fpu, 0, fpu_state_size());
    *stack_guard(thread) = STACK_GUARD;
    thread->process = process_get(process);
    list_init(&thread->in_process);
    list_init(&thread->pending.entries);
    thread->frame = (struct trap_frame *)stack - 1;
    thread_inherit(thread);
    kthread_init(&thread->kthread, process->comm, stack);
    kthread_prepare(&thread->kthread, thread->frame, entry, thread);
    return thread;
}

void thread_free(struct thread *thread)
{
    kstack_free(thread->kthread.stack_top);
    credentials_put(thread->credentials);
    process_put(thread->process);
    slab_cache_free(&thread_cache, thread);
}

int thread_set_fs_base(uint64_t base)
{
    if (base >= USER_END)
        return -EPERM;
    preempt_disable();
    current_thread()->fs_base = base;
    user_set_fs_base(base);
    preempt_enable();
    return 0;
}

int thread_set_gs_base(uint64_t base)
{
    if (base >= USER_END)
        return -EPERM;
    preempt_disable();
    current_thread()->gs_base = base;
    user_set_gs_base(base);
    preempt_enable();
    return 0;
}

uint64_t thread_fs_base(void)
{
    return current_thread()->fs_base;
}

uint64_t thread_gs_base(void)
{
    return current_thread()->gs_base;
}

void thread_fpu_unload(void)
{
    struct thread *thread = current_thread();

    preempt_disable();
    if (!thread->fpu_unloaded)
        fpu_save(thread->fpu);
    thread->fpu_unloaded = true;
    preempt_enable();
}

void thread_fpu_load(void)
{
    struct thread *thread = current_thread();

    preempt_disable();
    fpu_restore(thread->fpu);
    thread->fpu_unloaded = false;
    preempt_enable();
}

void thread_fpu_reset(void)
{
    struct thread *thread = current_thread();

    preempt_disable();
    thread->fpu_unloaded = true;
    preempt_enable();
    fpu_initial(thread->fpu);
    thread_fpu_load();
}

void thread_identify(struct event_identity *identity)
{
    if (!current_is_user_thread())
        return;
    const struct thread *thread = current_thread();
    identity->pid = (uint32_t)thread->process->id;
    identity->tid = thread->detached ? identity->pid : (uint32_t)thread->tid->number; // it may have lost its number
    identity->ip = thread->frame->rip;
}
