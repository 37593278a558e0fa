// SPDX-License-Identifier: MIT
/*
 * floor.c - what the memory manager stands on besides the machine: panic, messages, and a scheduler of Linux threads.
 *
 * The locks are the kernel's own, with their rank checker. Only sleeping is replaced: with one thread it is a bug, since
 * nobody could wake it; with several it is done by looking again and again.
 */
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "machine.h"

#include "arch/x86/time.h"
#include "lib/log.h"
#include "sync/sched.h"
#include "sync/timer.h"

_Thread_local struct host_cpu host_cpu;
static struct kthread kthreads[MAX_CPUS]; // what runs on each CPU
static _Atomic unsigned threads; // that have joined as CPUs
static _Atomic uint64_t online;  // a bit each CPU that was played
void (*machine_on_panic)(const char *message);
void (*machine_on_sleep)(void);

/* ---- CPUs ---- */

void machine_set_cpu(unsigned cpu)
{
    host_cpu.id = cpu;
    host_cpu.current = &kthreads[cpu];
    atomic_fetch_or(&online, 1ull << cpu);
}

void machine_join_thread(unsigned cpu)
{
    machine_set_cpu(cpu);
    atomic_fetch_add(&threads, 1);
}

bool machine_is_threaded(void)
{
    return atomic_load(&threads) > 0;
}

void host_preempt_underflow(void)
{
    panic("preemption enabled more often than disabled");
}

void cpu_relax(void)
{
    if (!machine_is_threaded())
        panic("a spinlock, or an answer, that will never come");
    sched_yield();
}

/* ---- Panic ---- */

void panic(const char *format, ...)
{
    char message[400];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (machine_on_panic)
        machine_on_panic(message);
    fprintf(stderr, "panic: %s\n", message);
    abort();
}

void panic_assert(const char *condition, const char *file, int line, const char *function)
{
    panic("%s:%d: %s: %s is false", file, line, function, condition);
}

bool log_panicking(void)
{
    return false;
}

void printk(const char *format, ...)
{
    (void)format;
}

/* ---- Sleeping ---- */

void sched_sleep_prepare(bool interruptible)
{
    (void)interruptible;
    atomic_store(&host_cpu.current->state, KTHREAD_WILL_SLEEP);
}

void sched_sleep_cancel(void)
{
    atomic_store(&host_cpu.current->state, KTHREAD_RUNNING);
}

void sched_block(void)
{
    while (atomic_load(&host_cpu.current->state) == KTHREAD_WILL_SLEEP) {
        if (machine_on_sleep)
            machine_on_sleep();
        else if (!machine_is_threaded())
            panic("a thread sleeps that nobody can wake");
        else
            sched_yield();
    }
}

bool sched_wake(struct kthread *sleeper)
{
    uint32_t expected = KTHREAD_WILL_SLEEP;

    return atomic_compare_exchange_strong(&sleeper->state, &expected, KTHREAD_RUNNING);
}

bool sched_interrupted(void)
{
    return false;
}

uint64_t sched_online(void)
{
    return atomic_load(&online);
}

/* A thread of the kernel's own never runs here: tests do what it would. */
struct kthread *sched_spawn_kernel(void (*entry)(void *), void *argument, const char *name)
{
    static struct kthread idle;

    (void)entry, (void)argument, (void)name;
    return &idle;
}

/* Time stands still, unless the test moves it; timers are kept, and their functions called by the test. */
uint64_t machine_clock;

uint64_t clock_ns(void)
{
    return machine_clock;
}

uint64_t read_tsc(void)
{
    static _Atomic uint64_t ticks;

    return atomic_fetch_add(&ticks, 1);
}

uint64_t tsc_frequency(void)
{
    return NS_PER_SECOND;
}

void timer_init(struct timer *timer, void (*fn)(struct timer *))
{
    *timer = (struct timer){.fn = fn};
}

void timer_add(struct timer *timer, uint64_t deadline_ns)
{
    timer->deadline_ns = deadline_ns;
    timer->pending = true;
}

bool timer_cancel(struct timer *timer)
{
    bool pending = timer->pending;

    timer->pending = false;
    return pending;
}
