// SPDX-License-Identifier: MIT
/*
 * sched_core.h - what the files of the scheduler share. Private to sync/.
 *
 *   sched.c       threads going to sleep, being woken, switching
 *   run_queue.c   who runs where: choosing a CPU, queueing, balancing
 *   sched_time.c  how long who ran, load averages
 *   kthread.c     making threads and idle CPUs
 */
#ifndef SYNC_SCHED_CORE_H
#define SYNC_SCHED_CORE_H

#include "lib/log.h"
#include "sync/sched.h"
#include "sync/spinlock.h"

/*
 * One CPU's threads.    Fields: (q) lock  (c) constant once the CPU is online  (a) atomic, written under lock
 */
struct run_queue {
    struct spinlock lock;
    unsigned cpu;                       // (c)
    struct kthread *idle;               // (c)
    struct list ready;                  // (q) in the order in which they will run; never the current or the idle one
    _Atomic unsigned count;             // (a) of `ready`
    struct kthread *_Atomic current;    // (a) who runs
    struct kthread *previous;           // (q) who ran before, from a switch to its end on the other stack
    bool displaced;                     // (q) `previous` is ready but may not run here: placed after the switch
    uint64_t since_ns;                  // (q) when the current one's time was last accounted for
    uint64_t slice_end_ns;              // (q) when the current one has had its share
    uint64_t idle_ns;                   // (q)
    uint64_t switches;                  // (q)
    struct run_clock clock;             // (q) of all but the idle thread
};

extern struct run_queue run_queues[MAX_CPUS];
extern _Atomic uint64_t sched_online_cpus;  // CPUs that take threads
extern _Atomic uint64_t sched_idle_cpus;    // CPUs that halt, or are about to
extern struct sched_hooks sched_hooks;

/* This CPU's. => interrupts or preemption off */
static inline struct run_queue *run_queue_mine(void)
{
    return &run_queues[cpu_id()];
}

/* Make it a run queue with only its idle thread, and take threads from now on. */
void run_queue_init(struct run_queue *queue, unsigned cpu, struct kthread *idle);

/* May the thread run on that CPU? */
static inline bool run_queue_allows(const struct run_queue *queue, const struct kthread *thread)
{
    return (atomic_load_explicit(&thread->allowed, memory_order_relaxed) >> queue->cpu) & 1;
}

/* Put a thread at the end of the queue, take it out, or take the first one out (NULL: none). => queue->lock held */
static inline void run_queue_add(struct run_queue *queue, struct kthread *thread)
{
    unsigned count = atomic_load_explicit(&queue->count, memory_order_relaxed);

    DEBUG_ASSERT(spin_held(&queue->lock) && !thread->is_idle);
    atomic_store_explicit(&thread->cpu, queue->cpu, memory_order_relaxed);
    list_add_tail(&queue->ready, &thread->run_link);
    atomic_store_explicit(&queue->count, count + 1, memory_order_relaxed);
}

static inline void run_queue_remove(struct run_queue *queue, struct kthread *thread)
{
    unsigned count = atomic_load_explicit(&queue->count, memory_order_relaxed);

    DEBUG_ASSERT(spin_held(&queue->lock));
    list_remove(&thread->run_link);
    atomic_store_explicit(&queue->count, count - 1, memory_order_relaxed);
}

static inline struct kthread *run_queue_take(struct run_queue *queue)
{
    struct kthread *thread;

    if (list_empty(&queue->ready))
        return NULL;
    thread = list_first_entry(&queue->ready, struct kthread, run_link);
    run_queue_remove(queue, thread);
    return thread;
}

/*
 * Choose a CPU for a ready thread, queue it there, and tell that CPU if it idles.
 * => the thread is the caller's alone: off its stack, in no queue; no run queue locked; interrupts off
 */
void run_queue_place(struct kthread *thread);

/*
 * Move a waiting thread from the busiest other CPU to this one, if there wait at least `least` (1 or more) of them.
 * => true if done; no run queue locked; interrupts off
 */
bool run_queue_pull(struct run_queue *mine, unsigned least);

/* Poke a CPU that halts, when a thread waits here that could run there. => interrupts off */
void run_queue_offer(const struct run_queue *mine);

/* Lock the queue where a thread is, or was last. => interrupts off */
struct run_queue *run_queue_lock_of(struct kthread *thread);

/* Add the time since the last time to the current thread and the CPU. => queue->lock held */
void sched_account(struct run_queue *queue, uint64_t now_ns);

/* The clock's interrupt, as far as the current thread is concerned. => from timer.c, in the interrupt */
void sched_tick(uint64_t now_ns, bool user);

/* Sample the load for its averages, when it is time. => in an interrupt, or interrupts on */
void sched_sample_load(uint64_t now_ns);

/* The second half of a switch, on the stack of the thread that has come. => interrupts off */
void sched_finish_switch(void);

/* Give the CPU to the next thread while this one stays ready. => interrupts off, preemption on */
void sched_give_way(void);

#endif
