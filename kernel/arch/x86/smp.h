// SPDX-License-Identifier: MIT
/*
 * smp.h - the other CPUs: starting them, poking them, stopping them.
 */
#ifndef GAUR_ARCH_SMP_H
#define GAUR_ARCH_SMP_H

#include "arch/x86/cpu.h"
#include "arch/x86/descriptor.h"
#include "lib/types.h"

/* CPUs that the machine has and we can use (<= MAX_CPUS), running or not. => after smp_prepare */
unsigned smp_cpus_present(void);

/* Set aside low memory for starting them. => after irq_init, before core_map_init */
void smp_prepare(void);

/*
 * Start CPU `cpu` (the next one: cpu_count, below smp_cpus_present()): it runs entry() on `stack_top` with descriptors,
 * paging, FPU and interrupt controller set up, interrupts off, preemption on.
 *
 * => the stack's top is in this_cpu()->tss.rsp0 then
 * => ist: IST_STACKS stacks of IST_STACK_SIZE, for ever; 0, or -EIO if it does not answer
 */
int smp_start_cpu(unsigned cpu, void *stack_top, void *ist, void (*entry)(void));

/* Make another CPU look at its run queue: it sets its own preempt_request and calls the handler, if there is one. */
void smp_send_reschedule(unsigned cpu);
void smp_set_reschedule_handler(void (*handler)(void));

/* Stop all other CPUs for ever (panic, power off). */
void smp_halt_others(void);

/* For the NMI handler: whether it came to stop this CPU. */
bool smp_halt_requested(void);

#endif
