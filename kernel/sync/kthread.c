// SPDX-License-Identifier: MIT
/*
 * kthread.c - making threads, and the thread that each CPU has for having nothing to do.
 */
#include "arch/x86/context.h"
#include "arch/x86/smp.h"
#include "lib/log.h"
#include "lib/string.h"
#include "sync/sched_core.h"

static struct kthread idle_threads[MAX_CPUS];

void kthread_init(struct kthread *thread, const char *name, void *stack_top)
{
    memset(thread, 0, sizeof(*thread));
    thread->name = name;
    thread->stack_top = stack_top;
    thread->state = KTHREAD_NEW;
    thread->allowed = UINT64_MAX;
    thread->cpu = cpu_id();
    list_init(&thread->run_link);
}

/* The first thing that a thread does: end the switch that led here. */
static void begin(void *argument)
{
    struct kthread *self = argument;

    sched_finish_switch();
    irq_enable();
    self->entry(self->entry_argument);
    sched_exit();
}

void kthread_prepare(struct kthread *thread, void *start, void (*entry)(void *), void *argument)
{
    thread->entry = entry;
    thread->entry_argument = argument;
    thread->sp = context_prepare(start, begin, thread);
}

struct kthread *sched_spawn_kernel(void (*entry)(void *), void *argument, const char *name)
{
    void *top = sched_hooks.stack_alloc != NULL ? sched_hooks.stack_alloc() : NULL;
    struct kthread *thread;

    if (top == NULL)
        return NULL;
    thread = (struct kthread *)ALIGN_DOWN((uintptr_t)top - sizeof(*thread), 64);
    kthread_init(thread, name, top);
    thread->owns_itself = true;
    kthread_prepare(thread, thread, entry, argument);
    sched_start(thread);
    return thread;
}

/* A request was pending when preemption became possible again. => interrupts on */
static void preempt_now(void)
{
    irq_disable();
    sched_preempt();
    irq_enable();
}

void sched_init_cpu(void *stack_top)
{
    unsigned cpu = cpu_id();
    struct kthread *idle = &idle_threads[cpu];

    kthread_init(idle, "idle", stack_top);
    idle->is_idle = true;
    idle->state = KTHREAD_RUNNING;
    idle->on_cpu = true;
    if (cpu == 0) {
        preempt_hook = preempt_now;
        smp_set_reschedule_handler(sched_reschedule_interrupt);
    }
    cpu_set_current(idle);
    cpu_set_kernel_stack(stack_top);
    run_queue_init(&run_queues[cpu], cpu, idle);
}

void sched_idle(void)
{
    struct run_queue *mine;

    irq_disable();
    mine = run_queue_mine();
    for (;;) {
        atomic_fetch_or(&sched_idle_cpus, UINT64_C(1) << mine->cpu);
        if (mine->count == 0 && !run_queue_pull(mine, 1) && !preempt_requested()) {
            cpu_wait_for_interrupt();
            irq_disable();
        }
        if (mine->count > 0 || preempt_requested())
            sched_give_way();
    }
}

char sched_state_letter(const struct kthread *thread)
{
    uint32_t state = atomic_load_explicit(&thread->state, memory_order_relaxed);

    if (state == KTHREAD_DEAD)
        return 'X';
    if ((state & (KTHREAD_WILL_SLEEP | KTHREAD_ASLEEP)) == 0)
        return 'R';
    return (state & KTHREAD_INTERRUPTIBLE) != 0 ? 'S' : 'D';
}
