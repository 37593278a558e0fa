// SPDX-License-Identifier: MIT
/*
 * sched_machine.c - CPUs made of Linux threads, with the scheduler's sources. Included by test_sched.c.
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

unsigned cpu_count = CPUS;

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
