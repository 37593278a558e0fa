// SPDX-License-Identifier: MIT
/*
 * cpu.h - the CPU that runs this code: its number, its thread, preemption, interrupts.
 *
 * GS points to this CPU's struct cpu whenever the kernel runs. One instruction reaches a field, which an interrupt
 * cannot split, so `current` and the preemption count are right even while the thread moves between CPUs.
 */
#ifndef GAUR_ARCH_CPU_H
#define GAUR_ARCH_CPU_H

#include "arch/x86/descriptor.h"

#define MAX_CPUS 8

/* Offsets in struct cpu, for GS-relative instructions; checked in cpu.c. */
#define CPU_SELF     0
#define CPU_ID       8
#define CPU_PREEMPT  12
#define CPU_CURRENT  16
#define CPU_USER_RSP 24
#define CPU_IN_IRQ   32
#define CPU_RSP0     40

#define CR0_MP         (1 << 1)
#define CR0_EM         (1 << 2)
#define CR0_TS         (1 << 3)
#define CR0_NE         (1 << 5)
#define CR0_WP         (1 << 16)
#define CR0_PG         0x80000000
#define CR4_PAE        (1 << 5)
#define CR4_PGE        (1 << 7)
#define CR4_OSFXSR     (1 << 9)
#define CR4_OSXMMEXCPT (1 << 10)
#define CR4_UMIP       (1 << 11)
#define CR4_OSXSAVE    (1 << 18)
#define CR4_SMEP       (1 << 20)
#define CR4_SMAP       (1 << 21)

#ifndef __ASSEMBLER__
#include "lib/types.h"

struct kthread;

/*
 * One CPU.    Fields: (c) constant once it runs  (o) only this CPU, by single GS-relative instructions or with
 * interrupts off  (a) atomic
 */
struct cpu {
    struct cpu *self;          // (c)
    uint32_t id;               // (c) index in cpus[]
    uint32_t preempt;          // (o) depth of preempt_disable; PREEMPT_IDLE is set unless a reschedule is wanted
    struct kthread *current;   // (o) set by the scheduler's switch
    uint64_t user_rsp;         // (o) scratch of the system-call entry
    uint32_t in_irq;           // (o) 1 while an interrupt handler runs
    struct tss tss;            // (o) rsp0 is the current thread's kernel stack top
    uint64_t gdt[GDT_ENTRIES]; // (c)
    uint32_t lapic_id;         // (c)
    _Atomic bool online;       // (a)
} __attribute__((aligned(256)));

extern struct cpu cpus[MAX_CPUS];

/* Number of CPUs that are set up (those in cpus[0 .. n)), this one included; 1 until smp_start_cpu. */
extern unsigned cpu_count;

/* This CPU's index. => preemption off, else it is stale at once */
static inline unsigned cpu_id(void)
{
    uint32_t id;

    __asm__ volatile("movl %%gs:%c1, %0" : "=r"(id) : "i"(CPU_ID));
    return id;
}

/* This CPU. => preemption off */
static inline struct cpu *this_cpu(void)
{
    struct cpu *cpu;

    __asm__ volatile("movq %%gs:%c1, %0" : "=r"(cpu) : "i"(CPU_SELF));
    return cpu;
}

/* The thread that asks. Never stale: it is the same thread on whatever CPU. NULL before the scheduler starts. */
static inline struct kthread *current_kthread(void)
{
    struct kthread *thread;

    __asm__ volatile("movq %%gs:%c1, %0" : "=r"(thread) : "i"(CPU_CURRENT));
    return thread;
}

/* For the scheduler's switch. => interrupts off */
static inline void cpu_set_current(struct kthread *thread)
{
    __asm__ volatile("movq %0, %%gs:%c1" : : "r"(thread), "i"(CPU_CURRENT) : "memory");
}

/* The stack on which the next trap or system call from user mode starts. => interrupts off */
static inline void cpu_set_kernel_stack(void *top)
{
    __asm__ volatile("movq %0, %%gs:%c1" : : "r"(top), "i"(CPU_RSP0) : "memory");
}

/* Whether an interrupt handler runs on this CPU. */
static inline bool cpu_in_irq(void)
{
    uint32_t in_irq;

    __asm__ volatile("movl %%gs:%c1, %0" : "=r"(in_irq) : "i"(CPU_IN_IRQ));
    return in_irq != 0;
}

/*
 * Preemption. The count's top bit is set while no reschedule is wanted, so that "the count fell to zero and a
 * reschedule is wanted" is the zero flag of one decrement.
 */
#define PREEMPT_IDLE 0x80000000u

/* Called when preemption is possible again and a reschedule was asked for. Set once by the scheduler; it must return
 * with interrupts as it found them. */
extern void (*preempt_hook)(void);

/* Slow half of preempt_enable: calls the hook unless interrupts are off. */
void preempt_enable_slow(void);

static inline void preempt_disable(void)
{
    __asm__ volatile("incl %%gs:%c0" : : "i"(CPU_PREEMPT) : "memory", "cc");
}

static inline void preempt_enable(void)
{
    bool zero;

    __asm__ volatile("decl %%gs:%c1" : "=@ccz"(zero) : "i"(CPU_PREEMPT) : "memory");
    if (unlikely(zero))
        preempt_enable_slow();
}

/* As preempt_enable, but never reschedules: for the scheduler itself. */
static inline void preempt_enable_no_resched(void)
{
    __asm__ volatile("decl %%gs:%c0" : : "i"(CPU_PREEMPT) : "memory", "cc");
}

static inline uint32_t preempt_raw(void)
{
    uint32_t raw;

    __asm__ volatile("movl %%gs:%c1, %0" : "=r"(raw) : "i"(CPU_PREEMPT));
    return raw;
}

/* Depth of preempt_disable. */
static inline uint32_t preempt_count(void)
{
    return preempt_raw() & ~PREEMPT_IDLE;
}

/* Ask for a reschedule of this CPU at the next point where preemption is possible. */
static inline void preempt_request(void)
{
    __asm__ volatile("andl %0, %%gs:%c1" : : "i"(~PREEMPT_IDLE), "i"(CPU_PREEMPT) : "memory", "cc");
}

/* The scheduler has answered the request. */
static inline void preempt_clear_request(void)
{
    __asm__ volatile("orl %0, %%gs:%c1" : : "i"(PREEMPT_IDLE), "i"(CPU_PREEMPT) : "memory", "cc");
}

static inline bool preempt_requested(void)
{
    return !(preempt_raw() & PREEMPT_IDLE);
}

/* Interrupts on this CPU. */
#define IRQ_FLAG (1ul << 9)

static inline void irq_enable(void)
{
    __asm__ volatile("sti" : : : "memory");
}

static inline void irq_disable(void)
{
    __asm__ volatile("cli" : : : "memory");
}

static inline bool irq_enabled(void)
{
    unsigned long flags;

    __asm__ volatile("pushfq; popq %0" : "=r"(flags));
    return flags & IRQ_FLAG;
}

/* Turn interrupts off. => what irq_restore needs to put them back */
static inline unsigned long irq_save(void)
{
    unsigned long flags;

    __asm__ volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
    return flags;
}

static inline void irq_restore(unsigned long flags)
{
    if (flags & IRQ_FLAG)
        irq_enable();
}

/* Wait for an interrupt. => interrupts off on entry, on after; one that came in between is not missed */
static inline void cpu_wait_for_interrupt(void)
{
    __asm__ volatile("sti; hlt" : : : "memory");
}

static inline void cpu_relax(void)
{
    __asm__ volatile("pause" : : : "memory");
}

static inline uint64_t read_tsc(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

/* Check that the CPU has what the kernel cannot do without (panics by name if not), and turn on its protections:
 * NX, write protection in ring 0, SMEP, SMAP, UMIP, global pages. */
void cpu_init_features(void);

/* Name and level of the CPU for messages and /proc/cpuinfo: at least 49 bytes. */
void cpu_brand(char *text, size_t size);
#endif

#endif
