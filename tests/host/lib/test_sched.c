// SPDX-License-Identifier: MIT
/*
 * test_sched.c - the scheduler, locks, wait queues and timers themselves, on CPUs made of Linux threads.
 *
 * A pthread is a CPU: its GS base points to a struct cpu as in the kernel, a signal is an interrupt (kept back while
 * they are off), sigsuspend is hlt, and another pthread is everyone's clock, which runs fast. So threads are preempted
 * at any instruction and move between CPUs that run at once. Threads of the test call no libc functions.
 */
#define _GNU_SOURCE
#define DEBUG

/* The parts of cpu.h that need ring 0 are ours. */
#define irq_enable             hardware_irq_enable
#define irq_disable            hardware_irq_disable
#define irq_enabled            hardware_irq_enabled
#define irq_save               hardware_irq_save
#define irq_restore            hardware_irq_restore
#define cpu_wait_for_interrupt hardware_wait_for_interrupt
#define cpu_relax              hardware_relax
#include "arch/x86/cpu.h"
#undef irq_enable
#undef irq_disable
#undef irq_enabled
#undef irq_save
#undef irq_restore
#undef cpu_wait_for_interrupt
#undef cpu_relax

#include <asm/prctl.h>
#include <asm/unistd.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/types.h"

#define CPUS       4
#define CLOCK_RATE 25               // the clock of the test runs so many times faster
#define STACK_SIZE (64 * 1024)      // signal frames are large
#define STACKS     256

#define INTERRUPT_CLOCK      1u
#define INTERRUPT_RESCHEDULE 2u
#define INTERRUPT_DEVICE     4u     // starts what the test wants to run

/* GS points to one of these. */
struct machine {
    struct cpu cpu;
    uint32_t irq_off;
    _Atomic uint32_t pending;       // INTERRUPT_...
    pid_t tid;
    _Atomic uint64_t armed_ns;
};

static struct machine machines[CPUS];
void (*preempt_hook)(void);

static long raw_syscall(long number, long a, long b, long c)
{
    long result;

    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}

static inline bool irq_enabled(void)
{
    uint32_t off;

    __asm__ volatile("movl %%gs:%c1, %0" : "=r"(off) : "i"(offsetof(struct machine, irq_off)) : "memory");
    return off == 0;
}

static inline void irq_disable(void)
{
    __asm__ volatile("movl $1, %%gs:%c0" : : "i"(offsetof(struct machine, irq_off)) : "memory");
}

static void dispatch(void);

static inline void irq_enable(void)
{
    uint32_t pending;

    __asm__ volatile("movl $0, %%gs:%c0" : : "i"(offsetof(struct machine, irq_off)) : "memory");
    __asm__ volatile("movl %%gs:%c1, %0" : "=r"(pending) : "i"(offsetof(struct machine, pending)) : "memory");
    if (pending != 0)
        dispatch();
}

static inline unsigned long irq_save(void)
{
    bool on = irq_enabled();        // an interrupt in between changes nothing: it puts the flag back

    irq_disable();
    return on ? IRQ_FLAG : 0;
}

static inline void irq_restore(unsigned long flags)
{
    if (flags & IRQ_FLAG)
        irq_enable();
}

static inline void cpu_relax(void)
{
    raw_syscall(__NR_sched_yield, 0, 0, 0);
}

static void cpu_wait_for_interrupt(void);

#include "lib/tree.c"
#include "sync/mutex.c"
#include "sync/rank.c"
#define forget     rwlock_forget
#define take_or_mark rwlock_take_or_mark
#include "sync/rwlock.c"
#undef take_or_mark
#undef forget
#define take_out   timer_take_out
#define run        timer_run
#include "sync/timer.c"
#undef run
#undef take_out
#define find       wait_find
#include "sync/wait.c"
#undef find
#include "sync/run_queue.c"
#include "sync/spinlock.c"
#include "sync/sched.c"
#include "sync/kthread.c"
#include "sync/sched_time.c"

/* ---- What the kernel's other parts would be ---- */

static void say(const char *text)
{
    raw_syscall(__NR_write, 2, (long)text, (long)strlen(text));
}

static jmp_buf expected_panic;
static bool panic_is_expected;
static char panic_text[300];

void panic(const char *format, ...)
{
    va_list arguments;

    irq_disable();
    va_start(arguments, format);
    vsnprintf(panic_text, sizeof(panic_text), format, arguments);
    if (panic_is_expected)
        longjmp(expected_panic, 1);
    say("panic: ");
    say(panic_text);
    say("\n");
    abort();
}

void panic_assert(const char *condition, const char *file, int line, const char *function)
{
    panic("%s:%d: %s: %s", file, line, function, condition);
}

bool log_panicking(void)
{
    return false;
}

uint64_t clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);   // the vDSO's: no lock, no thread-local data
    return ((uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec) * CLOCK_RATE;
}

void preempt_enable_slow(void)
{
    if (irq_enabled())
        preempt_hook();
}

static void interrupt(unsigned cpu, uint32_t which)
{
    atomic_fetch_or(&machines[cpu].pending, which);
    raw_syscall(__NR_tgkill, getpid(), machines[cpu].tid, SIGUSR1);
}

void smp_send_reschedule(unsigned cpu)
{
    interrupt(cpu, INTERRUPT_RESCHEDULE);
}

void smp_set_reschedule_handler(void (*handler)(void))
{
    (void)handler;
}

void timer_arm(uint64_t deadline_ns)
{
    atomic_store(&machines[cpu_id()].armed_ns, deadline_ns);
}

/* The clock chip of all CPUs. */
static void *clock_main(void *unused)
{
    for (;;) {
        uint64_t now = clock_ns();

        for (unsigned cpu = 0; cpu < CPUS; cpu++) {
            uint64_t armed = atomic_load(&machines[cpu].armed_ns);

            if (armed <= now && atomic_compare_exchange_strong(&machines[cpu].armed_ns, &armed, TIMER_NEVER))
                interrupt(cpu, INTERRUPT_CLOCK);
        }
        usleep(20);
    }
    return unused;
}

static void device_interrupt(void);

static void set_in_irq(uint32_t value)
{
    __asm__ volatile("movl %0, %%gs:%c1" : : "r"(value), "i"(CPU_IN_IRQ) : "memory");
}

/* An interrupt, as the trap dispatcher has it. */
static void dispatch(void)
{
    struct machine *machine;
    uint32_t pending;

    irq_disable();
    for (;;) {
        machine = (struct machine *)this_cpu();
        pending = atomic_exchange(&machine->pending, 0);
        if (pending == 0) {
            __asm__ volatile("movl $0, %%gs:%c0" : : "i"(offsetof(struct machine, irq_off)) : "memory");
            if (atomic_load(&machine->pending) == 0)
                return;         // if this thread has moved since, that CPU's signal is on its way
            irq_disable();
            continue;
        }
        set_in_irq(1);
        if (pending & INTERRUPT_CLOCK)
            timer_interrupt(false);
        if (pending & INTERRUPT_RESCHEDULE)
            sched_reschedule_interrupt();
        if (pending & INTERRUPT_DEVICE)
            device_interrupt();
        set_in_irq(0);
        sched_preempt();
    }
}

static void on_signal(int signal)
{
    (void)signal;
    if (irq_enabled())
        dispatch();
}

static void cpu_wait_for_interrupt(void)
{
    struct machine *machine = (struct machine *)this_cpu();
    sigset_t block, open;

    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &block, &open);
    sigdelset(&open, SIGUSR1);
    __asm__ volatile("movl $0, %%gs:%c0" : : "i"(offsetof(struct machine, irq_off)) : "memory");
    if (atomic_load(&machine->pending) == 0)
        sigsuspend(&open);
    pthread_sigmask(SIG_UNBLOCK, &block, NULL);
    irq_enable();
}

__asm__(".text\n"
        "context_switch:\n"
        "   pushq %rbp; pushq %rbx; pushq %r12; pushq %r13; pushq %r14; pushq %r15\n"
        "   movq %rsp, (%rdi)\n"
        "   movq %rsi, %rsp\n"
        "   popq %r15; popq %r14; popq %r13; popq %r12; popq %rbx; popq %rbp\n"
        "   ret\n"
        "context_start:\n"
        "   movq %r12, %rdi\n"
        "   xorl %ebp, %ebp\n"
        "   call *%rbx\n"
        "   ud2\n");

void context_start(void);

void *context_prepare(void *stack_top, void (*fn)(void *), void *arg)
{
    uint64_t *sp = (uint64_t *)stack_top - 7;       // so that the stack is aligned at the call

    memset(sp, 0, 7 * sizeof(*sp));
    sp[3] = (uint64_t)arg;              // r12
    sp[4] = (uint64_t)fn;               // rbx
    sp[6] = (uint64_t)context_start;    // the return address
    return sp;
}

/* ---- Stacks: freed ones are overwritten, so that using one afterwards shows ---- */

static char stack_memory[STACKS][STACK_SIZE] __aligned(64);
static _Atomic bool stack_used[STACKS];

static void *stack_alloc(void)
{
    for (;;) {
        for (unsigned i = 0; i < STACKS; i++) {
            bool unused = false;

            if (atomic_compare_exchange_strong(&stack_used[i], &unused, true))
                return stack_memory[i] + STACK_SIZE;
        }
        sched_yield_cpu();
    }
}

static void stack_free(void *top)
{
    size_t i = (size_t)((char *)top - stack_memory[0]) / STACK_SIZE - 1;

    for (size_t k = STACK_SIZE - 2048; k < STACK_SIZE; k++)
        stack_memory[i][k] = (char)0xee;
    ASSERT(atomic_exchange(&stack_used[i], false));
}

/* ---- Starting and ending ---- */

static void burn(unsigned rounds)
{
    for (volatile unsigned i = 0; i < rounds; i++)
        ;
}

static _Atomic unsigned cpus_ready, threads_left;
static _Atomic uint64_t progress;

static void *cpu_main(void *argument)
{
    struct machine *machine = argument;

    machine->tid = (pid_t)raw_syscall(__NR_gettid, 0, 0, 0);
    machine->cpu.self = &machine->cpu;
    machine->cpu.id = (uint32_t)(machine - machines);
    machine->cpu.preempt = PREEMPT_IDLE;
    machine->irq_off = 1;
    machine->armed_ns = TIMER_NEVER;
    raw_syscall(__NR_arch_prctl, ARCH_SET_GS, (long)machine, 0);
    sched_init_cpu(NULL);
    atomic_fetch_add(&cpus_ready, 1);
    while (atomic_load(&cpus_ready) < CPUS)
        cpu_relax();
    sched_idle();
}

/* Make the way from the decision to sleep to leaving the stack a long one, now and then. */
static void dawdle(struct kthread *thread)
{
    if (thread->switches_voluntary % 16 == 0)
        burn(3000);
}

static void start_machines(void)
{
    static const struct sched_hooks hooks = {
        .switch_from = dawdle,
        .stack_alloc = stack_alloc,
        .stack_free = stack_free,
    };
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_NODEFER | SA_RESTART };
    pthread_t thread;

    sigaction(SIGUSR1, &action, NULL);
    sched_set_hooks(&hooks);
    for (unsigned i = 0; i < CPUS; i++)
        pthread_create(&thread, NULL, cpu_main, &machines[i]);
    while (atomic_load(&cpus_ready) < CPUS)
        usleep(1000);
    pthread_create(&thread, NULL, clock_main, NULL);
}

struct job {
    struct kthread kthread;
    void (*entry)(struct job *);
    unsigned random;
    unsigned index;
    char stack[STACK_SIZE] __aligned(64);
};

#define JOBS 24

static struct job jobs[JOBS];

static unsigned random_below(struct job *job, unsigned limit)
{
    job->random = job->random * 1103515245 + 12345;
    return (job->random >> 16) % limit;
}

static void job_main(void *argument)
{
    struct job *job = argument;

    job->entry(job);
    atomic_fetch_sub(&threads_left, 1);
}

static void start_job(unsigned index, void (*entry)(struct job *))
{
    struct job *job = &jobs[index];

    while (atomic_load(&job->kthread.on_cpu))   // from the claim before
        cpu_relax();
    job->entry = entry;
    job->random = index * 7919 + 1;
    job->index = index;
    kthread_init(&job->kthread, "job", job->stack + STACK_SIZE);
    kthread_prepare(&job->kthread, job->stack + STACK_SIZE, job_main, job);
    sched_start(&job->kthread);
}

/* The pthread of the test is no CPU: a device's interrupt on CPU 0 starts what it wants to run. */
static _Atomic unsigned jobs_to_start;
static void (*jobs_entry)(struct job *);

static void device_interrupt(void)
{
    unsigned count = atomic_exchange(&jobs_to_start, 0);

    for (unsigned i = 0; i < count; i++)
        start_job(i, jobs_entry);
}

/* Run `entry` in `count` threads until all have ended; no progress for ten seconds fails. */
static void run_jobs(unsigned count, void (*entry)(struct job *))
{
    unsigned idle_rounds = 0;
    uint64_t last = 0;

    jobs_entry = entry;
    atomic_store(&threads_left, count);
    atomic_store(&jobs_to_start, count);
    interrupt(0, INTERRUPT_DEVICE);
    while (atomic_load(&threads_left) > 0) {
        usleep(10000);
        if (atomic_load(&progress) != last)
            idle_rounds = 0;
        else if (++idle_rounds == 1000)
            fail_msg("%u threads hang", atomic_load(&threads_left));
        last = atomic_load(&progress);
    }
}

/* ---- The claims ---- */

#define ROUNDS 4000

static struct spinlock counter_lock = SPINLOCK_INIT("counter", RANK_SLAB);
static struct spinlock irq_counter_lock = SPINLOCK_INIT("irq counter", RANK_DEVICE);
static struct mutex counter_mutex = MUTEX_INIT(counter_mutex, "counter", RANK_INODE);
static uint64_t spin_counter, irq_counter, mutex_counter;
static _Atomic int inside_mutex;

static void count_under_locks(struct job *job)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t flags;

        spin_lock(&counter_lock);
        spin_counter++;
        spin_unlock(&counter_lock);
        flags = spin_lock_irq(&irq_counter_lock);
        irq_counter++;
        spin_unlock_irq(&irq_counter_lock, flags);
        mutex_lock(&counter_mutex);
        ASSERT(atomic_fetch_add(&inside_mutex, 1) == 0);
        ASSERT(mutex_held(&counter_mutex));
        mutex_counter++;
        if (random_below(job, 50) == 0)
            sched_yield_cpu();
        atomic_fetch_sub(&inside_mutex, 1);
        mutex_unlock(&counter_mutex);
        atomic_fetch_add(&progress, 1);
    }
}

static void locks_exclude(void **state)
{
    (void)state;
    run_jobs(12, count_under_locks);
    assert_int_equal(spin_counter, 12 * ROUNDS);
    assert_int_equal(irq_counter, 12 * ROUNDS);
    assert_int_equal(mutex_counter, 12 * ROUNDS);
    assert_int_equal(counter_mutex.owner, 0);
}

static struct rwlock table_lock = RWLOCK_INIT(table_lock, "table", RANK_VSPACE);
static uint64_t table[8];
static _Atomic int readers, writers;

static void read_table(struct job *job)
{
    rwlock_read_lock(&table_lock);
    atomic_fetch_add(&readers, 1);
    ASSERT(atomic_load(&writers) == 0);
    for (unsigned i = 1; i < ARRAY_SIZE(table); i++)
        ASSERT(table[i] == table[0]);
    if (random_below(job, 20) == 0)
        sched_yield_cpu();
    atomic_fetch_sub(&readers, 1);
    rwlock_read_unlock(&table_lock);
}

static void write_table(struct job *job)
{
    rwlock_write_lock(&table_lock);
    ASSERT(atomic_fetch_add(&writers, 1) == 0);
    ASSERT(atomic_load(&readers) == 0);
    ASSERT(rwlock_held_write(&table_lock));
    for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
        table[i]++;
        if (random_below(job, 40) == 0)
            sched_yield_cpu();
    }
    atomic_fetch_sub(&writers, 1);
    rwlock_write_unlock(&table_lock);
}

static void read_and_write(struct job *job)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (random_below(job, 5) == 0)
            write_table(job);
        else
            read_table(job);
        if (random_below(job, 10) == 0 && rwlock_try_write_lock(&table_lock)) {
            for (unsigned k = 0; k < ARRAY_SIZE(table); k++)
                table[k]++;
            rwlock_write_unlock(&table_lock);
        }
        atomic_fetch_add(&progress, 1);
    }
}

static void readers_share_and_writers_exclude(void **state)
{
    (void)state;
    run_jobs(12, read_and_write);
    assert_int_equal(table_lock.word, 0);
    assert_true(list_empty(&table_lock.line));
}

#define SLOTS 3
#define ITEMS_EACH 3000

static struct wait_queue not_full = WAIT_QUEUE_INIT(not_full), not_empty = WAIT_QUEUE_INIT(not_empty);
static _Atomic int items_in_buffer;
static _Atomic uint64_t items_taken;
static uint64_t items_wanted;

static bool take_unit(_Atomic int *counter, int limit, int step)
{
    int value = atomic_load(counter);

    while (value != limit) {
        if (atomic_compare_exchange_weak(counter, &value, value + step))
            return true;
    }
    return false;
}

/* Each event is told by wake_one, to waiters that also give up by deadline or signal: none may be lost. */
static void produce_or_consume(struct job *job)
{
    bool produce = job->index % 2 == 0;

    for (unsigned i = 0; i < ITEMS_EACH; i++) {
        struct wait_queue *queue = produce ? &not_full : &not_empty;
        int limit = produce ? SLOTS : 0, step = produce ? 1 : -1, error;

        do {
            switch (random_below(job, 3)) {
            case 0:
                wait_event(queue, take_unit(&items_in_buffer, limit, step));
                error = 0;
                break;
            case 1:
                error = wait_event_interruptible(queue, take_unit(&items_in_buffer, limit, step));
                break;
            default:
                error = wait_event_deadline(queue, take_unit(&items_in_buffer, limit, step),
                                            clock_ns() + random_below(job, 300000));
            }
            atomic_store(&job->kthread.interrupt, false);
        } while (error != 0);
        if (!produce)
            atomic_fetch_add(&items_taken, 1);
        wake_one(produce ? &not_empty : &not_full);
        if (random_below(job, 30) == 0)
            sched_interrupt(&jobs[random_below(job, 12)].kthread);
        atomic_fetch_add(&progress, 1);
    }
}

static void no_wakeup_is_lost(void **state)
{
    (void)state;
    items_wanted = 6 * ITEMS_EACH;
    run_jobs(12, produce_or_consume);
    assert_int_equal(items_taken, items_wanted);
    assert_int_equal(items_in_buffer, 0);
    assert_true(list_empty(&not_full.waiters));
    assert_true(list_empty(&not_empty.waiters));
}

static struct wait_queue ping_queues[8] = {
    WAIT_QUEUE_INIT(ping_queues[0]), WAIT_QUEUE_INIT(ping_queues[1]), WAIT_QUEUE_INIT(ping_queues[2]),
    WAIT_QUEUE_INIT(ping_queues[3]), WAIT_QUEUE_INIT(ping_queues[4]), WAIT_QUEUE_INIT(ping_queues[5]),
    WAIT_QUEUE_INIT(ping_queues[6]), WAIT_QUEUE_INIT(ping_queues[7]),
};
static _Atomic unsigned ping_turns[4];

/* Pairs that sleep for each other all the time, while all CPUs idle in between: a lost reschedule interrupt hangs. */
static void ping_pong(struct job *job)
{
    unsigned pair = job->index / 2, side = job->index % 2;

    for (unsigned i = 0; i < ROUNDS; i++) {
        wait_event(&ping_queues[job->index], atomic_load(&ping_turns[pair]) == 2 * i + side);
        atomic_store(&ping_turns[pair], 2 * i + side + 1);
        wake_all(&ping_queues[job->index ^ 1]);
        atomic_fetch_add(&progress, 1);
    }
}

static void idle_cpus_wake_for_every_turn(void **state)
{
    (void)state;
    run_jobs(8, ping_pong);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(ping_turns[i], 2 * ROUNDS);
}

static _Atomic uint64_t children_run;

static void child(void *argument)
{
    burn((unsigned)(uintptr_t)argument % 2000);
    if ((uintptr_t)argument % 3 == 0)
        sleep_until(clock_ns() + (uintptr_t)argument % 100000);
    atomic_fetch_add(&children_run, 1);
}

static void spawn_children(struct job *job)
{
    for (unsigned i = 0; i < 1500; i++) {
        ASSERT(sched_spawn_kernel(child, (void *)(uintptr_t)random_below(job, 60000), "child") != NULL);
        if (random_below(job, 4) == 0)
            sleep_until(clock_ns() + random_below(job, 200000));
        atomic_fetch_add(&progress, 1);
    }
}

static void thousands_start_and_end(void **state)
{
    (void)state;
    run_jobs(6, spawn_children);
    for (int i = 0; i < 1000 && atomic_load(&children_run) < 6 * 1500; i++)
        usleep(10000);
    assert_int_equal(children_run, 6 * 1500);
    usleep(100000);
    for (unsigned i = 0; i < STACKS; i++)
        assert_false(stack_used[i]);
}

static void move_about(struct job *job)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t allowed = 1 + random_below(job, (1u << CPUS) - 1);

        ASSERT(sched_set_allowed(&job->kthread, allowed) == 0);
        preempt_disable();
        ASSERT((allowed >> cpu_id()) & 1);
        preempt_enable();
        if (random_below(job, 8) == 0)
            sleep_until(clock_ns() + random_below(job, 100000));
        preempt_disable();
        ASSERT((allowed >> cpu_id()) & 1);
        preempt_enable();
        if (random_below(job, 3) == 0)
            burn(random_below(job, 20000));
        atomic_fetch_add(&progress, 1);
    }
    ASSERT(sched_set_allowed(&job->kthread, UINT64_C(1) << 60) == -EINVAL);
}

static void threads_stay_where_they_are_allowed(void **state)
{
    (void)state;
    run_jobs(10, move_about);
}

struct watched_timer {
    struct timer timer;
    _Atomic bool allowed;
    _Atomic uint64_t runs;
    unsigned again;
};

static void watched_run(struct timer *timer)
{
    struct watched_timer *watched = container_of(timer, struct watched_timer, timer);

    ASSERT(atomic_load(&watched->allowed));
    ASSERT(clock_ns() >= timer->deadline_ns);
    atomic_fetch_add(&watched->runs, 1);
    if (watched->again > 0) {
        watched->again--;
        timer_add(timer, clock_ns() + 20000);
    }
    burn(2000);
    ASSERT(atomic_load(&watched->allowed));
}

static void add_and_cancel(struct job *job)
{
    struct watched_timer watched;

    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t runs;

        watched.runs = 0;
        watched.again = random_below(job, 3);
        watched.allowed = true;
        timer_init(&watched.timer, watched_run);
        timer_add(&watched.timer, clock_ns() + random_below(job, 100000));
        if (random_below(job, 3) == 0)
            timer_add(&watched.timer, clock_ns() + random_below(job, 100000));
        if (random_below(job, 2) == 0)
            sleep_until(clock_ns() + random_below(job, 150000));
        timer_cancel(&watched.timer);
        watched.allowed = false;
        runs = watched.runs;
        burn(random_below(job, 500));
        ASSERT(runs == watched.runs);
        atomic_fetch_add(&progress, 1);
    }
}

static void a_cancelled_timer_never_runs(void **state)
{
    (void)state;
    run_jobs(10, add_and_cancel);
}

/* More runnable threads than CPUs, none of which ever sleeps or yields: the clock alone shares the CPUs. */
static _Atomic bool hogs_done;
static _Atomic uint64_t hog_rounds[12];

static void hog(struct job *job)
{
    while (!atomic_load(&hogs_done)) {
        burn(1000);
        atomic_fetch_add(&hog_rounds[job->index], 1);
        if (job->index == 0 && atomic_load(&hog_rounds[0]) % 256 == 0) {
            bool all = true;

            for (unsigned i = 0; i < ARRAY_SIZE(hog_rounds); i++)
                all &= atomic_load(&hog_rounds[i]) > 5000;
            atomic_store(&hogs_done, all);
        }
        atomic_fetch_add(&progress, 1);
    }
}

static void the_clock_shares_out_cpus(void **state)
{
    (void)state;
    run_jobs(12, hog);      // ends when each has run for a while
    for (unsigned i = 0; i < 12; i++)
        assert_true(jobs[i].kthread.switches_forced > 0);
}

static struct spinlock low_lock = SPINLOCK_INIT("low", RANK_DENTRY), high_lock = SPINLOCK_INIT("high", RANK_SLAB);
static struct spinlock device_lock = SPINLOCK_INIT("ring", RANK_DEVICE);
static struct mutex low_mutex = MUTEX_INIT(low_mutex, "sleepy", RANK_INODE);

/* Do one thing that must panic, and put the world back in order. => did it, with all of these words? */
static bool panics_with(void (*act)(void), const char *one, const char *other)
{
    volatile bool panicked = true;

    panic_is_expected = true;
    if (setjmp(expected_panic) == 0) {
        act();
        panicked = false;
    }
    panic_is_expected = false;
    irq_enable();
    return panicked && strstr(panic_text, one) != NULL && strstr(panic_text, other) != NULL;
}

static void take_low(void)
{
    spin_lock(&low_lock);
}

static void take_high(void)
{
    spin_lock(&high_lock);
}

static void take_device(void)
{
    spin_lock(&device_lock);
}

static void take_mutex(void)
{
    mutex_lock(&low_mutex);
}

static void give_low(void)
{
    lock_rank_pop(&low_lock, RANK_DENTRY);
}

static void break_the_order(struct job *job)
{
    (void)job;
    spin_lock(&high_lock);
    ASSERT(panics_with(take_low, "\"low\"", "\"high\""));
    preempt_enable();
    ASSERT(panics_with(take_high, "\"high\"", "twice"));
    preempt_enable();
    ASSERT(panics_with(take_mutex, "\"sleepy\"", "\"high\""));
    spin_unlock(&high_lock);
    ASSERT(panics_with(take_device, "\"ring\"", "interrupts on"));
    preempt_enable();
    ASSERT(panics_with(give_low, "dentry", "not hold"));
    ASSERT(preempt_count() == 0);
}

static void violations_of_the_order_panic_with_both_names(void **state)
{
    (void)state;
    run_jobs(1, break_the_order);
}

static int start(void **state)
{
    (void)state;
    start_machines();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(violations_of_the_order_panic_with_both_names),
        cmocka_unit_test(locks_exclude),
        cmocka_unit_test(readers_share_and_writers_exclude),
        cmocka_unit_test(no_wakeup_is_lost),
        cmocka_unit_test(idle_cpus_wake_for_every_turn),
        cmocka_unit_test(thousands_start_and_end),
        cmocka_unit_test(threads_stay_where_they_are_allowed),
        cmocka_unit_test(a_cancelled_timer_never_runs),
        cmocka_unit_test(the_clock_shares_out_cpus),
    };

    return cmocka_run_group_tests_name("scheduler", tests, start, NULL);
}
