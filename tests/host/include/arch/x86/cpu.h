// SPDX-License-Identifier: MIT
/*
 * cpu.h - CPUs of the host tests: a number that the test sets, and counters in place of what GS points to.
 *
 * A test with one thread plays all CPUs in turn (machine_set_cpu). In a test with several, each thread is one CPU.
 */
#ifndef GAUR_ARCH_CPU_H
#define GAUR_ARCH_CPU_H

#include <stdatomic.h>

#include "lib/types.h"

#define MAX_CPUS 8
#define cpu_count MAX_CPUS
#define IRQ_FLAG (1ul << 9)

struct kthread;

/* The CPU that runs this code. All fields: its thread. */
struct host_cpu {
    unsigned id;
    uint32_t preempt; // depth of preempt_disable
    bool irq_off;
    struct kthread *current;
};

extern _Thread_local struct host_cpu host_cpu;

static inline unsigned cpu_id(void)
{
    return host_cpu.id;
}

static inline struct kthread *current_kthread(void)
{
    return host_cpu.current;
}

static inline bool cpu_in_irq(void)
{
    return false;
}

static inline void preempt_disable(void)
{
    host_cpu.preempt++;
}

/* Enabling more often than disabling is a bug: panics. */
void host_preempt_underflow(void);

static inline void preempt_enable(void)
{
    if (host_cpu.preempt-- == 0)
        host_preempt_underflow();
}

static inline uint32_t preempt_count(void)
{
    return host_cpu.preempt;
}

static inline bool irq_enabled(void)
{
    return !host_cpu.irq_off;
}

static inline unsigned long irq_save(void)
{
    unsigned long flags = host_cpu.irq_off ? 0 : IRQ_FLAG;

    host_cpu.irq_off = true;
    return flags;
}

static inline void irq_restore(unsigned long flags)
{
    if (flags & IRQ_FLAG)
        host_cpu.irq_off = false;
}

/* Counts how often it was asked. */
uint64_t read_tsc(void);

/* Somebody waits for another CPU. Panics when there is no other thread: it would be for ever. */
void cpu_relax(void);

#endif
