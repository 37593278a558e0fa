// SPDX-License-Identifier: MIT
/*
 * sched.c - going to sleep, waking, and switching from one thread to the next.
 *
 * Theory      A switch begins on the stack of the one that leaves and ends on that of the one that comes, with this
 *             CPU's run queue locked and interrupts off all the way; the one that comes unlocks. So the preempt count
 *             is 1 on both sides of every switch, and nobody can take the one that leaves out of the queue before it
 *             has left. A waker that has found it ASLEEP needs no lock of that queue: it spins until on_cpu is false,
 *             which needs nothing more from anyone (the hooks take no locks).
 * Invariants  Who changes a state from ASLEEP or NEW to RUNNING queues the thread; so it is in one queue at most.
 *             A thread in a queue is RUNNING, and so is the current one unless it prepares to sleep or dies.
 * Locking     sched.h says what the state word means; the rest is the run queue's lock.
 * Considered  A lock in each thread for its state: one more atomic operation in each sleep and each wake-up.
 */
#include "sync/sched.h"

#include "arch/x86/context.h"
#include "arch/x86/smp.h"
#include "arch/x86/time.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "sync/sched_core.h"
#include "sync/timer.h"

struct sched_hooks sched_hooks;

void sched_set_hooks(const struct sched_hooks *hooks)
{
    sched_hooks = *hooks;
}

uint64_t sched_online(void)
{
    return atomic_load_explicit(&sched_online_cpus, memory_order_relaxed);
}

/* What must happen once the one that left is off its stack. => interrupts off, run queue unlocked, preemption off */
static void settle(struct kthread *left, bool displaced)
{
    if (displaced) {
        run_queue_place(left);
        return;
    }
    if (left->owns_itself)
        sched_hooks.stack_free(left->stack_top);
    else if (sched_hooks.reap != NULL)
        sched_hooks.reap(left);
}

void sched_finish_switch(void)
{
    struct run_queue *queue = run_queue_mine();
    struct kthread *left = queue->previous;
    bool displaced = queue->displaced;
    bool dead = atomic_load_explicit(&left->state, memory_order_relaxed) == KTHREAD_DEAD;

    queue->displaced = false;
    atomic_store_explicit(&left->on_cpu, false, memory_order_release);  // from here it may run elsewhere
    if (unlikely(displaced || dead)) {
        preempt_disable();
        spin_unlock(&queue->lock);
        settle(left, displaced);
        preempt_enable_no_resched();
        return;
    }
    spin_unlock(&queue->lock);
}

/* Leave `self` for `next`. Returns when someone switches back, perhaps on another CPU. => my run queue locked */
static void switch_to(struct run_queue *queue, struct kthread *self, struct kthread *next)
{
    DEBUG_ASSERT(preempt_count() == 1);
    queue->previous = self;
    atomic_store_explicit(&queue->current, next, memory_order_relaxed);
    queue->switches++;
    atomic_store_explicit(&next->on_cpu, true, memory_order_relaxed);
    if (sched_hooks.switch_from != NULL)
        sched_hooks.switch_from(self);
    if (sched_hooks.switch_to != NULL)
        sched_hooks.switch_to(next);
    cpu_set_current(next);
    cpu_set_kernel_stack(next->stack_top);
    context_switch(&self->sp, next->sp);
    sched_finish_switch();
}

/* Start the share of the one that comes next; a CPU that goes idle needs no clock. => my run queue locked */
static void begin_slice(struct run_queue *queue, const struct kthread *next, uint64_t now)
{
    if (next->is_idle)
        return;
    queue->slice_end_ns = now + SCHED_SLICE_NS;
    timer_need(queue->slice_end_ns);
}

static void count_switch(struct kthread *self, bool forced)
{
    _Atomic uint64_t *counter = forced ? &self->switches_forced : &self->switches_voluntary;

    atomic_store_explicit(counter, *counter + 1, memory_order_relaxed);
}

/*
 * Choose who is next and go there. `self` has been put where it belongs.
 * => interrupts off; my run queue locked on entry, not on return
 */
static void run_next(struct run_queue *queue, struct kthread *self, bool forced)
{
    struct kthread *next = run_queue_take(queue);
    uint64_t now = clock_ns();

    preempt_clear_request();
    sched_account(queue, now);
    if (next == NULL)
        next = queue->idle;
    begin_slice(queue, next, now);
    if (next == self) {
        spin_unlock(&queue->lock);
        return;
    }
    if (self->is_idle)
        atomic_fetch_and(&sched_idle_cpus, ~(UINT64_C(1) << queue->cpu));
    count_switch(self, forced);
    switch_to(queue, self, next);
}

/* Stay ready, behind those who wait already; at once again if there is nobody. => interrupts off, preemption on */
static void stay_ready(bool forced)
{
    struct run_queue *queue = run_queue_mine();
    struct kthread *self = current_kthread();

    spin_lock(&queue->lock);
    if (!self->is_idle) {
        if (likely(run_queue_allows(queue, self)))
            run_queue_add(queue, self);
        else
            queue->displaced = true;
    }
    run_next(queue, self, forced);
}

void sched_give_way(void)
{
    stay_ready(false);
}

void sched_yield_cpu(void)
{
    unsigned long flags = irq_save();

    stay_ready(false);
    irq_restore(flags);
}

bool sched_need_resched(void)
{
    return preempt_requested();
}

void sched_preempt(void)
{
    while (preempt_raw() == 0)      // count 0, and asked for
        stay_ready(true);
}

void sched_reschedule_interrupt(void)
{
    preempt_request();
}

void sched_sleep_prepare(bool interruptible)
{
    uint32_t state = KTHREAD_WILL_SLEEP | (interruptible ? KTHREAD_INTERRUPTIBLE : 0);

    atomic_exchange(&current_kthread()->state, state);      // the barrier between this and the look at the condition
}

void sched_sleep_cancel(void)
{
    atomic_store_explicit(&current_kthread()->state, KTHREAD_RUNNING, memory_order_relaxed);
}

bool sched_interrupted(void)
{
    const struct kthread *self = current_kthread();

    return (atomic_load_explicit(&self->state, memory_order_relaxed) & KTHREAD_INTERRUPTIBLE) != 0 &&
           atomic_load_explicit(&self->interrupt, memory_order_relaxed);
}

/* WILL_SLEEP -> ASLEEP. => my run queue locked; false if a waker was faster: the thread is RUNNING */
static bool commit_sleep(struct kthread *self)
{
    uint32_t state = atomic_load_explicit(&self->state, memory_order_relaxed);

    if ((state & KTHREAD_WILL_SLEEP) == 0)
        return false;
    return atomic_compare_exchange_strong_explicit(&self->state, &state,
                                                   KTHREAD_ASLEEP | (state & KTHREAD_INTERRUPTIBLE),
                                                   memory_order_acq_rel, memory_order_relaxed);
}

void sched_block(void)
{
    struct kthread *self = current_kthread();
    struct run_queue *queue;
    unsigned long flags;

    lock_rank_assert_no_spinlock("sched_block");
    DEBUG_ASSERT(!cpu_in_irq() && !self->is_idle);
    flags = irq_save();
    queue = run_queue_mine();
    spin_lock(&queue->lock);
    if (commit_sleep(self))
        run_next(queue, self, false);
    else
        spin_unlock(&queue->lock);
    irq_restore(flags);
}

/*
 * Take the step of a waker, if the state asks for it.
 * => the state before the step that this call has made; KTHREAD_RUNNING if it has made none
 */
static uint32_t claim(struct kthread *thread, uint32_t needed)
{
    uint32_t state;

    atomic_thread_fence(memory_order_seq_cst);      // the condition is true before we look whether anyone sleeps
    state = atomic_load_explicit(&thread->state, memory_order_relaxed);
    while ((state & (KTHREAD_WILL_SLEEP | KTHREAD_ASLEEP)) != 0 && (state & needed) == needed) {
        if (atomic_compare_exchange_weak_explicit(&thread->state, &state, KTHREAD_RUNNING,
                                                  memory_order_acq_rel, memory_order_relaxed))
            return state;
    }
    return KTHREAD_RUNNING;
}

/* Queue a thread that was ASLEEP or NEW and that we have made RUNNING: nobody else will. */
static void make_ready(struct kthread *thread)
{
    unsigned long flags = irq_save();

    while (atomic_load_explicit(&thread->on_cpu, memory_order_acquire))
        cpu_relax();                                // it is on its way off another CPU's stack
    run_queue_place(thread);
    irq_restore(flags);
}

static bool wake(struct kthread *thread, uint32_t needed)
{
    uint32_t before = claim(thread, needed);

    if ((before & KTHREAD_ASLEEP) != 0)
        make_ready(thread);
    return before != KTHREAD_RUNNING;
}

bool sched_wake(struct kthread *thread)
{
    return wake(thread, 0);
}

void sched_interrupt(struct kthread *thread)
{
    atomic_store_explicit(&thread->interrupt, true, memory_order_relaxed);
    if (wake(thread, KTHREAD_INTERRUPTIBLE))
        return;
    preempt_disable();
    if (atomic_load_explicit(&thread->on_cpu, memory_order_relaxed) && thread != current_kthread()) {
        unsigned cpu = atomic_load_explicit(&thread->cpu, memory_order_relaxed);

        if (cpu != cpu_id())
            smp_send_reschedule(cpu);               // out of user mode, so that it sees the flag
    }
    preempt_enable();
}

void sched_start(struct kthread *thread)
{
    uint32_t new = KTHREAD_NEW;
    bool started = atomic_compare_exchange_strong(&thread->state, &new, KTHREAD_RUNNING);

    ASSERT(started);
    make_ready(thread);
}

void sched_exit(void)
{
    struct kthread *self = current_kthread();
    struct run_queue *queue;

    lock_rank_assert_no_spinlock("sched_exit");
    DEBUG_ASSERT(!self->is_idle);
#ifdef DEBUG
    ASSERT(self->locks.count == 0);
#endif
    irq_disable();
    queue = run_queue_mine();
    spin_lock(&queue->lock);
    atomic_store_explicit(&self->state, KTHREAD_DEAD, memory_order_relaxed);
    run_next(queue, self, false);
    panic("thread \"%s\" runs after its end", self->name);
}

/* Move a thread that waits in a queue where it may no longer run. => true if it was there: it is ours to place */
static bool withdraw(struct kthread *thread)
{
    struct run_queue *queue = run_queue_lock_of(thread);
    bool queued = !list_empty(&thread->run_link) && !run_queue_allows(queue, thread);
    bool runs_there = queue->current == thread && !run_queue_allows(queue, thread);

    if (queued)
        run_queue_remove(queue, thread);
    spin_unlock(&queue->lock);
    if (runs_there && queue->cpu != cpu_id())
        smp_send_reschedule(queue->cpu);
    return queued;
}

__cold int sched_set_allowed(struct kthread *thread, uint64_t cpus)
{
    unsigned long flags;

    cpus &= sched_online();
    if (cpus == 0)
        return -EINVAL;
    flags = irq_save();
    atomic_store(&thread->allowed, cpus);
    if (withdraw(thread))
        run_queue_place(thread);
    irq_restore(flags);
    if (thread == current_kthread())
        sched_yield_cpu();
    return 0;
}
