// SPDX-License-Identifier: MIT
/*
 * interrupts.c - /proc/interrupts: how often each CPU was interrupted, by what.
 */
#include "arch/x86/acpi.h"
#include "arch/x86/cpu.h"
#include "arch/x86/irq.h"
#include "sys/procfs/node.h"
#include "sys/procfs/system.h"

static void put_counts(struct text *text, uint64_t (*count)(unsigned what, unsigned cpu), unsigned what)
{
    for (unsigned cpu = 0; cpu < cpu_count; cpu++)
        text_printf(text, "%10lu ", count(what, cpu));
}

/* What CPUs interrupt themselves and each other for, in the order of enum irq_own. */
static const struct {
    const char *letters, *name;
} own[IRQ_OWN_KINDS] = {
    [IRQ_TIMER] = {"LOC", "Local timer interrupts"},
    [IRQ_RESCHEDULE] = {"RES", "Rescheduling interrupts"},
    [IRQ_SHOOTDOWN] = {"TLB", "TLB shootdowns"},
};

int show_interrupts(const struct proc_inode *inode, struct text *text)
{
    struct irq_name name;

    (void)inode;
    text_pad(text, 11);
    for (unsigned cpu = 0; cpu < cpu_count; cpu++)
        text_printf(text, "CPU%-8u", cpu);
    text_puts(text, "\n");
    for (unsigned irq = 0; irq < ISA_IRQS; irq++) {
        if (!irq_describe(irq, &name))
            continue;
        text_printf(text, "%3u: ", irq);
        put_counts(text, irq_count, irq);
        text_printf(text, "  IO-APIC %3u-%-8s  %s\n", name.input, name.level ? "fasteoi" : "edge", name.device);
    }
    for (unsigned kind = 0; kind < IRQ_OWN_KINDS; kind++) {
        text_printf(text, "%s: ", own[kind].letters);
        put_counts(text, irq_own_count, kind);
        text_printf(text, "  %s\n", own[kind].name);
    }
    return 0;
}
