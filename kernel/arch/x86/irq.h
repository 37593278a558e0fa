// SPDX-License-Identifier: MIT
/*
 * irq.h - interrupts of devices and between CPUs.
 */
#ifndef GAUR_ARCH_IRQ_H
#define GAUR_ARCH_IRQ_H

#include "arch/x86/trap.h"
#include "lib/types.h"

/* Find the interrupt controllers (ACPI MADT), silence the old one. => once, on the first CPU, before irq_register */
void irq_init(void);

/* This CPU's own controller. */
void irq_init_cpu(void);

/*
 * Call handler(arg) of the device `name`, in interrupt context (interrupts off, must not sleep), for each interrupt of an ISA line.
 *
 * => isa_irq 0 .. 15, one handler each; 0, -EINVAL or -EBUSY
 */
int irq_register(unsigned isa_irq, const char *name, void (*handler)(void *), void *arg);

/* What a device writes where, to interrupt (PCI's MSI and MSI-X). */
struct irq_message {
    uint64_t address;
    uint32_t data;
};

/* The same for a device that interrupts by a message, which *message tells. => 0, or -ENOSPC: none is left */
int irq_register_message(void (*handler)(void *), void *arg, struct irq_message *message);

/* The same for input `gsi` of the I/O APICs that is no ISA line, and interrupts on a rising edge. => 0, -ENOSPC, -EINVAL */
int irq_register_input(uint32_t gsi, void (*handler)(void *), void *arg);

/* A device interrupt, from trap(): calls the handler and tells the controller. */
void irq_dispatch(struct trap_frame *tf);

/* Who uses an ISA line, for /proc/interrupts. */
struct irq_name {
    const char *device;
    uint32_t input;         // of the I/O APIC
    bool level;             // interrupts as long as the device wants something, not once
};

/* => false: nobody does */
bool irq_describe(unsigned isa_irq, struct irq_name *out);

/* How often each ISA line interrupted a CPU. */
uint64_t irq_count(unsigned isa_irq, unsigned cpu);

/* What CPUs interrupt themselves and each other for, and how often that was. */
enum irq_own { IRQ_TIMER, IRQ_RESCHEDULE, IRQ_SHOOTDOWN, IRQ_OWN_KINDS };
uint64_t irq_own_count(unsigned kind, unsigned cpu);

#endif
