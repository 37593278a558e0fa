// SPDX-License-Identifier: MIT
/*
 * run_queue.c - which thread runs on which CPU.
 *
 * Theory      Each CPU serves its own queue in turn. A thread that becomes ready goes to the CPU where it ran last if
 *             that one is idle, else to any idle one, else back to its last one. A CPU without work takes some from the
 *             longest of the other queues before it halts; one with work does so at the end of each time slice, if
 *             that queue is longer by two. What an idle CPU misses by a moment a busy one's tick offers to it.
 * Locking     One queue at a time: a thread on its way from one to another is in none, and belongs to who moves it.
 */
#include "sync/sched_core.h"

#include "arch/x86/smp.h"
#include "arch/x86/time.h"
#include "sync/timer.h"

struct run_queue run_queues[MAX_CPUS];
_Atomic uint64_t sched_online_cpus;
_Atomic uint64_t sched_idle_cpus;

void run_queue_init(struct run_queue *queue, unsigned cpu, struct kthread *idle)
{
    spin_init(&queue->lock, "run queue", RANK_RUN_QUEUE);
    list_init(&queue->ready);
    queue->cpu = cpu;
    queue->idle = idle;
    queue->current = idle;
    queue->since_ns = clock_ns();
    atomic_fetch_or(&sched_online_cpus, UINT64_C(1) << cpu);
}

/* One of the CPUs in the set. => not empty */
static unsigned any_of(uint64_t cpus)
{
    return (unsigned)__builtin_ctzll(cpus);
}

/* => a CPU that is online and, if any is, allowed; an idle one loses its mark, so that the next waker finds another */
static unsigned choose_cpu(const struct kthread *thread)
{
    unsigned last = atomic_load_explicit(&thread->cpu, memory_order_relaxed);
    uint64_t online = atomic_load_explicit(&sched_online_cpus, memory_order_relaxed);
    uint64_t allowed = online & atomic_load_explicit(&thread->allowed, memory_order_relaxed);
    uint64_t idle = allowed & atomic_load_explicit(&sched_idle_cpus, memory_order_relaxed);
    unsigned chosen;

    if (allowed == 0)
        return any_of(online);
    if (idle == 0)
        return (allowed >> last) & 1 ? last : any_of(allowed);
    chosen = (idle >> last) & 1 ? last : any_of(idle);
    atomic_fetch_and(&sched_idle_cpus, ~(UINT64_C(1) << chosen));
    return chosen;
}

/* Make a CPU that idles look at its queue. */
static void poke(const struct run_queue *queue)
{
    if (queue->cpu == cpu_id())
        preempt_request();
    else
        smp_send_reschedule(queue->cpu);
}

void run_queue_place(struct kthread *thread)
{
    struct run_queue *queue = &run_queues[choose_cpu(thread)];
    bool idles;

    spin_lock(&queue->lock);
    run_queue_add(queue, thread);
    idles = queue->current == queue->idle;
    spin_unlock(&queue->lock);
    if (idles)
        poke(queue);
}

/* The first thread that waits for that busy CPU and may run on mine, taken out. NULL: none */
static struct kthread *take_for(struct run_queue *from, const struct run_queue *mine)
{
    struct kthread *thread, *found = NULL;

    spin_lock(&from->lock);
    if (from->current != from->idle) {
        list_for_each_entry(thread, &from->ready, run_link) {
            if (run_queue_allows(mine, thread)) {
                run_queue_remove(from, thread);
                found = thread;
                break;
            }
        }
    }
    spin_unlock(&from->lock);
    return found;
}

/* The other CPU with the most waiting threads, if it has at least `least`. NULL: none */
static struct run_queue *busiest_but(const struct run_queue *mine, unsigned least)
{
    uint64_t others = atomic_load_explicit(&sched_online_cpus, memory_order_relaxed) & ~(UINT64_C(1) << mine->cpu);
    struct run_queue *found = NULL;

    for (; others != 0; others &= others - 1) {
        struct run_queue *queue = &run_queues[any_of(others)];

        if (queue->count >= least && (found == NULL || queue->count > found->count))
            found = queue;
    }
    return found;
}

bool run_queue_pull(struct run_queue *mine, unsigned least)
{
    struct run_queue *from = busiest_but(mine, least);
    struct kthread *thread = from != NULL ? take_for(from, mine) : NULL;

    if (thread == NULL)
        return false;
    spin_lock(&mine->lock);
    run_queue_add(mine, thread);
    spin_unlock(&mine->lock);
    return true;
}

void run_queue_offer(const struct run_queue *mine)
{
    uint64_t idle = atomic_load_explicit(&sched_idle_cpus, memory_order_relaxed) & ~(UINT64_C(1) << mine->cpu);

    if (mine->count > 0 && idle != 0)
        smp_send_reschedule(any_of(idle));
}

struct run_queue *run_queue_lock_of(struct kthread *thread)
{
    for (;;) {
        struct run_queue *queue = &run_queues[atomic_load_explicit(&thread->cpu, memory_order_relaxed)];

        spin_lock(&queue->lock);
        if (queue->cpu == atomic_load_explicit(&thread->cpu, memory_order_relaxed))
            return queue;
        spin_unlock(&queue->lock);
    }
}
