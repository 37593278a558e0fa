// SPDX-License-Identifier: MIT
/*
 * sched.h - the scheduler's core. It knows threads as stacks.
 *
 * What else belongs to a thread (address space, FPU, TLS) is switched by hooks that an upper floor sets. Each CPU has a
 * run queue served in turn, 10 ms a time; the one that is idle takes work from the others, then halts without a tick.
 *
 * Sleeping without losing a wake-up:
 *     sched_sleep_prepare(...)      RUNNING -> WILL_SLEEP, then a full barrier
 *     if the condition is true      sched_sleep_cancel(); done
 *     sched_block()                 WILL_SLEEP -> ASLEEP, and away; or return at once, when a waker was faster
 * A waker moves WILL_SLEEP to RUNNING (the sleeper has not gone: it will find out in sched_block), or ASLEEP to RUNNING
 * (it has: the waker, and no other, puts it on a run queue, once it is off its stack). Both are compare-and-exchange on
 * one word, so that exactly one of the two happens. wait.h wraps this; use that.
 */
#ifndef SYNC_SCHED_H
#define SYNC_SCHED_H

#include <stdatomic.h>

#include "arch/x86/cpu.h"
#include "lib/list.h"
#include "sync/rank.h"

#define SCHED_SLICE_NS UINT64_C(10000000)

/* The states of a thread; INTERRUPTIBLE goes with the two of sleep. */
#define KTHREAD_RUNNING       0u    // on a CPU or in a run queue
#define KTHREAD_WILL_SLEEP    1u    // on a CPU, about to look at its condition and sleep
#define KTHREAD_ASLEEP        2u    // off, until woken
#define KTHREAD_NEW           4u    // not started yet
#define KTHREAD_DEAD          8u    // never to run again
#define KTHREAD_INTERRUPTIBLE 16u   // a signal may end this sleep

/* Time on CPUs: in all exact, and samples of where it went.   (a) atomic, written under the run queue's lock */
struct run_clock {
    _Atomic uint64_t total_ns;      // (a) to the last switch or tick
    _Atomic uint64_t user_ticks;    // (a) ticks that found it in user mode
    _Atomic uint64_t system_ticks;  // (a) and in the kernel
    uint64_t user_told_ns;          // what sched_thread_times has said, so that it never goes back:
    uint64_t system_told_ns;        //     under its lock
};

/*
 * A thread: a stack and what the scheduler needs to know.
 * Fields: (a) atomic  (c) constant after kthread_prepare  (q) its CPU's run-queue lock  (o) itself, while it runs
 */
struct kthread {
    void *sp;                       // (q) where its stack stands while it is off
    void *stack_top;                // (c) one past the end of its kernel stack
    _Atomic uint32_t state;         // (a) KTHREAD_...
    _Atomic bool on_cpu;            // (a) a CPU is on its stack: from before the switch to it until after that away
    _Atomic bool interrupt;         // (a) a signal wants it: interruptible sleeps end
    bool is_idle;                   // (c) a CPU's idle thread
    bool uses_reserve;              // (o) may take the frames that kalloc keeps for who gives memory back
    bool lacked_memory;             // (o) an allocation has failed: see kalloc_failed
    bool owns_itself;               // (c) made by sched_spawn_kernel: lies on its own stack
    _Atomic uint32_t cpu;           // (a) where it runs, is queued, or ran last; changes under (q)
    _Atomic uint64_t allowed;       // (a) CPUs that it may run on, one bit each
    struct list run_link;           // (q)
    const char *name;               // (c)
    void (*entry)(void *);          // (c)
    void *entry_argument;           // (c)
    struct run_clock clock;
    struct rwlock_mark *reading;    // (o) its mark as a reader of a spread rwlock; NULL: none
    _Atomic uint64_t switches_voluntary;
    _Atomic uint64_t switches_forced;
#ifdef DEBUG
    struct lock_stack locks;        // (o) sleeping locks held
#endif
};

/*
 * What upper floors add. Those that are NULL are not called. Set once, before the first sched_start.
 * switch_from, switch_to: at each switch, for the thread that leaves and the one that comes, which may be one without
 *     a user side, or a CPU's idle thread. Both run on the stack of the one that leaves, interrupts off, run queue
 *     locked: they take no lock and do not sleep.
 * reap: a thread is dead and off its stack; called on another's, preemption off, interrupts off. May take spinlocks
 *     of the spinning zone; must not sleep, or wait for other CPUs.
 * tick: every 10 ms of a running thread, in an interrupt.
 */
struct sched_hooks {
    void (*switch_from)(struct kthread *);
    void (*switch_to)(struct kthread *);
    void (*reap)(struct kthread *);
    void (*tick)(struct kthread *);
    void *(*stack_alloc)(void);     // for sched_spawn_kernel: a stack's top, or NULL
    void (*stack_free)(void *top);
};

void sched_set_hooks(const struct sched_hooks *hooks);

/*
 * Make the flow that runs on this CPU its idle thread. Until sched_idle it may not sleep.
 * => once per CPU, before anything is locked or started there; `stack_top` of the boot stack
 */
void sched_init_cpu(void *stack_top);

/* What a CPU does when it has nothing to do, and at the end of its start. */
void sched_idle(void) __noreturn;

/*
 * Set up a thread that will call entry(argument) on a stack, and then sched_exit.
 * `start` is where the first frame goes: stack_top, or below what lies there already (a trap frame).
 */
void kthread_init(struct kthread *thread, const char *name, void *stack_top);
void kthread_prepare(struct kthread *thread, void *start, void (*entry)(void *), void *argument);

/* A thread of the kernel's own. => NULL when there is no memory; may sleep; it is freed when entry returns */
struct kthread *sched_spawn_kernel(void (*entry)(void *), void *argument, const char *name) __must_check;

/* Let a prepared thread run. It may have run and died when this returns. */
void sched_start(struct kthread *thread);

/* Sleep: see above. => no spinlock held, not in an interrupt */
void sched_sleep_prepare(bool interruptible);
void sched_sleep_cancel(void);
void sched_block(void);

/*
 * Wake a thread if it sleeps, or is about to. => any context; the thread exists; true if this call did it
 */
bool sched_wake(struct kthread *thread);

/* Say that a signal wants the thread: set its flag, and wake it if its sleep is interruptible. => any context */
void sched_interrupt(struct kthread *thread);

/* Would a sleep prepared now end at once, since it is interruptible and a signal wants this thread? */
bool sched_interrupted(void);

/* Let others run. => like sched_block, but stays ready */
void sched_yield_cpu(void);

/* Does someone else wait for this CPU, as the way back to user mode asks? */
bool sched_need_resched(void);

/*
 * Switch to whoever waits for this CPU, if that was asked for. Called at the end of each interrupt and before going to
 * user mode. => interrupts off, preemption on (else nothing happens); they are off again when it returns
 */
void sched_preempt(void);

/* The reschedule interrupt: another CPU has put a thread on this one. => in the interrupt */
void sched_reschedule_interrupt(void);

/* The end of a thread; the reap hook gets it when its stack is no longer in use. => no lock held */
void sched_exit(void) __noreturn;

/* Change the CPUs that it may run on, bits of running CPUs; at its next switch if it runs. => 0 or -EINVAL */
int sched_set_allowed(struct kthread *thread, uint64_t cpus);

/* CPUs that have started, one bit each. */
uint64_t sched_online(void);

/* How long a thread has run: their sum is exact, the split is sampled, as on Linux. They never go back. */
struct sched_times {
    uint64_t user_ns;
    uint64_t system_ns;
};
void sched_thread_times(struct kthread *thread, struct sched_times *times);

/* What a CPU has done since boot, for /proc/stat and /proc/uptime. */
struct sched_cpu_stat {
    uint64_t user_ns;
    uint64_t system_ns;
    uint64_t idle_ns;
    uint64_t switches;
};
void sched_cpu_stat(unsigned cpu, struct sched_cpu_stat *stat);

/* Threads running or ready now; and the load averages over 1, 5, 15 minutes in units of 1/2048. */
unsigned sched_runnable(void);
void sched_load_average(uint64_t average[3]);

/* The letter that /proc/PID/stat shows: R, S, D or X. */
char sched_state_letter(const struct kthread *thread);

#endif
