// SPDX-License-Identifier: MIT
/*
 * timer.c - the timers of each CPU, and its clock interrupt.
 *
 * Theory      A CPU's clock is armed for the earliest that anyone has asked for (timer_need), and asked again at each
 *             interrupt. What was cancelled meanwhile costs one interrupt for nothing, never a write to the clock.
 *             While a function runs its timer is in no tree, but stays bound to that CPU: an add from elsewhere goes
 *             to the same tree, so that timer_cancel has one place to look at.
 * Locking     Each tree's lock, never held while a function runs. The armed time: its CPU, with interrupts off.
 */
#include "sync/timer.h"

#include "arch/x86/cpu.h"
#include "arch/x86/time.h"
#include "lib/log.h"
#include "sync/sched_core.h"
#include "sync/spinlock.h"

/* Fields: (l) lock  (o) its CPU, interrupts off */
struct timers {
    struct spinlock lock;
    struct tree tree;               // (l) by deadline
    struct timer *running;          // (l) whose function runs
    uint64_t armed_ns;              // (o) when the clock will interrupt, if it is armed
    bool armed;                     // (o)
};

static struct timers timers[MAX_CPUS] = {
    [0 ... MAX_CPUS - 1] = { .lock = SPINLOCK_INIT("timers", RANK_TIMER) },
};

static struct timer *timer_of(const struct tree_node *node)
{
    return container_of(node, struct timer, node);
}

static bool earlier(const struct tree_node *a, const struct tree_node *b)
{
    return timer_of(a)->deadline_ns < timer_of(b)->deadline_ns;
}

void timer_need(uint64_t deadline_ns)
{
    struct timers *mine = &timers[cpu_id()];

    if (mine->armed && mine->armed_ns <= deadline_ns)
        return;
    mine->armed = true;
    mine->armed_ns = deadline_ns;
    timer_arm(deadline_ns);
}

void timer_init(struct timer *timer, void (*fn)(struct timer *))
{
    timer->fn = fn;
    timer->pending = false;
    atomic_init(&timer->cpu, cpu_id());    // any CPU will do; this one is likely the one that adds it
}

/* => interrupts off; the timers that `timer` belongs to, locked */
static struct timers *lock_timers_of(struct timer *timer)
{
    for (;;) {
        unsigned cpu = atomic_load_explicit(&timer->cpu, memory_order_relaxed);

        spin_lock(&timers[cpu].lock);
        if (cpu == atomic_load_explicit(&timer->cpu, memory_order_relaxed))
            return &timers[cpu];
        spin_unlock(&timers[cpu].lock);
    }
}

static bool take_out(struct timers *from, struct timer *timer)
{
    bool was_pending = timer->pending;

    if (was_pending)
        tree_remove(&from->tree, &timer->node);
    timer->pending = false;
    return was_pending;
}

static void put_in(struct timers *to, struct timer *timer, uint64_t deadline_ns)
{
    timer->deadline_ns = deadline_ns;
    timer->pending = true;
    tree_insert(&to->tree, &timer->node, earlier);
}

void timer_add(struct timer *timer, uint64_t deadline_ns)
{
    unsigned long flags = irq_save();
    struct timers *mine = &timers[cpu_id()];
    struct timers *its = lock_timers_of(timer);

    take_out(its, timer);
    if (its != mine && its->running != timer) {
        spin_unlock(&its->lock);        // in no tree and not running: it is the caller's alone
        its = mine;
        spin_lock(&its->lock);
        atomic_store_explicit(&timer->cpu, cpu_id(), memory_order_relaxed);
    }
    put_in(its, timer, deadline_ns);
    spin_unlock(&its->lock);
    if (its == mine)                    // else that CPU runs its function, and arms its clock after it
        timer_need(deadline_ns);
    irq_restore(flags);
}

bool timer_cancel(struct timer *timer)
{
    bool was_pending = false, running;

    do {
        unsigned long flags = irq_save();
        struct timers *its = lock_timers_of(timer);

        was_pending |= take_out(its, timer);
        running = its->running == timer;
        spin_unlock(&its->lock);
        irq_restore(flags);
        if (running)
            cpu_relax();
    } while (running);
    return was_pending;
}

/* Call one function, with the lock released meanwhile. Its timer may be gone afterwards. */
static void run(struct timers *mine, struct timer *timer)
{
    take_out(mine, timer);
    mine->running = timer;
    spin_unlock(&mine->lock);
    timer->fn(timer);
    spin_lock(&mine->lock);
    mine->running = NULL;
}

/* Run all that is due. => the deadline of the first that is not, or TIMER_NEVER */
static uint64_t run_due(struct timers *mine, uint64_t now)
{
    uint64_t next = TIMER_NEVER;
    struct tree_node *first;

    spin_lock(&mine->lock);
    while ((first = tree_first(&mine->tree)) != NULL) {
        next = timer_of(first)->deadline_ns;
        if (next > now)
            break;
        run(mine, timer_of(first));
        next = TIMER_NEVER;
    }
    spin_unlock(&mine->lock);
    return next;
}

void timer_interrupt(bool user)
{
    struct timers *mine = &timers[cpu_id()];
    uint64_t now = clock_ns(), next;

    mine->armed = false;
    next = run_due(mine, now);
    sched_tick(now, user);
    if (next != TIMER_NEVER)
        timer_need(next);
}
