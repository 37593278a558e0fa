// SPDX-License-Identifier: MIT
/*
 * sched_time.c - how long who has run, and how many wanted to.
 *
 * Theory      Each switch and tick adds the exact time to the thread that ran. Where it went is sampled by the tick,
 *             and the exact time is split in that proportion when asked for, as Linux does without accounting at each
 *             entry of the kernel, which would cost every system call. Who never saw a tick was in user mode.
 *             The load is sampled every 5 seconds by whoever comes first: a tick, or a reader. When nobody came for
 *             several periods no CPU had a tick, so there was no load.
 */
#include "arch/x86/time.h"
#include "sync/sched_core.h"
#include "sync/timer.h"

/* As <linux/sched/loadavg.h> has it: averages in units of 1/2048, one sample in 5 s, factors e^(-5/60), /300, /900. */
#define LOAD_UNIT      UINT64_C(2048)
#define LOAD_PERIOD_NS UINT64_C(5000000000)
#define LOAD_FORGOTTEN 2160             // periods, three hours, after which nothing is left of the longest average

static const uint64_t load_factors[3] = { 1884, 2014, 2037 };

/* Fields below, and what clocks have told: this lock. */
static struct spinlock load_lock = SPINLOCK_INIT("load average", RANK_RUN_QUEUE);
static struct spinlock told_lock = SPINLOCK_INIT("times told", RANK_RUN_QUEUE);
static uint64_t load_average[3];
static _Atomic uint64_t load_sampled_ns;    // also read without the lock

static void add(_Atomic uint64_t *counter, uint64_t amount)
{
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);

    atomic_store_explicit(counter, value + amount, memory_order_relaxed);
}

void sched_account(struct run_queue *queue, uint64_t now_ns)
{
    struct kthread *current = queue->current;
    uint64_t passed;

    if (now_ns <= queue->since_ns)      // another CPU's clock, a little ahead of ours, was here
        return;
    passed = now_ns - queue->since_ns;
    queue->since_ns = now_ns;
    if (current->is_idle) {
        queue->idle_ns += passed;
        return;
    }
    add(&current->clock.total_ns, passed);
    add(&queue->clock.total_ns, passed);
}

static void sample(struct run_clock *clock, bool user)
{
    add(user ? &clock->user_ticks : &clock->system_ticks, 1);
}

/* Account for the current thread's tick. => true if its share is over; interrupts off */
static bool tick_thread(struct run_queue *mine, struct kthread *current, uint64_t now_ns, bool user)
{
    bool over = now_ns >= mine->slice_end_ns;

    spin_lock(&mine->lock);
    sched_account(mine, now_ns);
    sample(&current->clock, user);
    sample(&mine->clock, user);
    if (over)
        mine->slice_end_ns = now_ns + SCHED_SLICE_NS;
    spin_unlock(&mine->lock);
    return over;
}

void sched_tick(uint64_t now_ns, bool user)
{
    struct run_queue *mine = run_queue_mine();
    struct kthread *current = mine->current;

    if (current == NULL || current->is_idle)
        return;
    if (tick_thread(mine, current, now_ns, user)) {
        run_queue_pull(mine, mine->count + 2);
        if (mine->count > 0)
            preempt_request();
    }
    timer_need(mine->slice_end_ns);
    run_queue_offer(mine);
    sched_sample_load(now_ns);
    if (sched_hooks.tick != NULL)
        sched_hooks.tick(current);
}

/* total * part / whole, in units coarse enough not to overflow in a hundred years of ticks. => part <= whole */
static uint64_t scale(uint64_t total, uint64_t part, uint64_t whole)
{
    return total / whole * part + total % whole * part / whole;
}

/* Split the total by the samples, and never say less than before of either part. => told_lock held */
static struct sched_times split(struct run_clock *clock)
{
    uint64_t total = clock->total_ns, user = clock->user_ticks, system = clock->system_ticks;
    struct sched_times times;

    times.system_ns = system == 0 ? 0 : scale(total, system, user + system);
    times.system_ns = MAX(times.system_ns, clock->system_told_ns);
    times.user_ns = MAX(total - MIN(times.system_ns, total), clock->user_told_ns);
    times.system_ns = MAX(total - MIN(times.user_ns, total), clock->system_told_ns);
    clock->user_told_ns = times.user_ns;
    clock->system_told_ns = times.system_ns;
    return times;
}

static struct sched_times tell(struct run_clock *clock)
{
    uint64_t flags = spin_lock_irq(&told_lock);
    struct sched_times times = split(clock);

    spin_unlock_irq(&told_lock, flags);
    return times;
}

void sched_thread_times(struct kthread *thread, struct sched_times *times)
{
    unsigned long flags = irq_save();
    struct run_queue *queue = run_queue_lock_of(thread);

    if (queue->current == thread)
        sched_account(queue, clock_ns());
    spin_unlock(&queue->lock);
    irq_restore(flags);
    *times = tell(&thread->clock);
}

__cold void sched_cpu_stat(unsigned cpu, struct sched_cpu_stat *stat)
{
    struct run_queue *queue = &run_queues[cpu];
    struct sched_times times;
    uint64_t flags;

    if (cpu >= MAX_CPUS || ((sched_online() >> cpu) & 1) == 0) {
        *stat = (struct sched_cpu_stat){ 0 };
        return;
    }
    flags = spin_lock_irq(&queue->lock);
    sched_account(queue, clock_ns());
    stat->idle_ns = queue->idle_ns;
    stat->switches = queue->switches;
    spin_unlock_irq(&queue->lock, flags);
    times = tell(&queue->clock);
    stat->user_ns = times.user_ns;
    stat->system_ns = times.system_ns;
}

unsigned sched_runnable(void)
{
    uint64_t online = sched_online();
    unsigned runnable = 0;

    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
        struct run_queue *queue = &run_queues[cpu];

        if ((online >> cpu) & 1)
            runnable += queue->count + (queue->current != queue->idle);
    }
    return runnable;
}

static void decay(uint64_t active)
{
    for (unsigned i = 0; i < ARRAY_SIZE(load_factors); i++)
        load_average[i] = (load_average[i] * load_factors[i] +
                           active * LOAD_UNIT * (LOAD_UNIT - load_factors[i])) / LOAD_UNIT;
}

__cold void sched_sample_load(uint64_t now_ns)
{
    uint64_t sampled = atomic_load_explicit(&load_sampled_ns, memory_order_relaxed), periods, flags;

    if (now_ns < sampled + LOAD_PERIOD_NS)
        return;
    flags = spin_lock_irq(&load_lock);
    sampled = load_sampled_ns;
    periods = now_ns < sampled ? 0 : (now_ns - sampled) / LOAD_PERIOD_NS;
    for (uint64_t idle = 1; idle < MIN(periods, (uint64_t)LOAD_FORGOTTEN); idle++)
        decay(0);
    if (periods > 0)
        decay(sched_runnable());
    load_sampled_ns = sampled + periods * LOAD_PERIOD_NS;
    spin_unlock_irq(&load_lock, flags);
}

__cold void sched_load_average(uint64_t average[3])
{
    uint64_t flags;

    sched_sample_load(clock_ns());
    flags = spin_lock_irq(&load_lock);
    for (unsigned i = 0; i < ARRAY_SIZE(load_average); i++)
        average[i] = load_average[i];
    spin_unlock_irq(&load_lock, flags);
}
