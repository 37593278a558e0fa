// SPDX-License-Identifier: MIT
/*
 * irq.c - from a vector to its handler.
 *
 * Devices interrupt the first CPU. Handlers are set at boot, before their line is routed, so they need no lock.
 */
#include "arch/x86/irq.h"

#include "arch/x86/acpi.h"
#include "arch/x86/cpu.h"
#include "arch/x86/ioapic.h"
#include "arch/x86/lapic.h"
#include "arch/x86/smp.h"
#include "arch/x86/time.h"
#include "arch/x86/tlb.h"
#include "lib/errno.h"
#include "lib/log.h"

#define MESSAGES        (T_SPURIOUS - T_MESSAGE0)
#define MESSAGE_ADDRESS 0xfee00000u // Intel SDM volume 3, 11.11: the CPU in bits 12 to 19

/* Fields: (c) constant once registered  (o) the first CPU, in interrupts */
struct irq_line {
    void (*handler)(void *); // (c)
    void *arg;               // (c)
    const char *name;        // (c)
    uint64_t count;          // (o)
};

static struct irq_line lines[ISA_IRQS];
static struct irq_line messages[MESSAGES]; // devices with a vector of their own, in the order in which they came
static unsigned message_count;

/* Each CPU's own: only that CPU writes them, in interrupts. */
static uint64_t own_counts[MAX_CPUS][IRQ_OWN_KINDS];

/* What the interrupts of a CPU's own controller call. Constant after boot. */
static void (*timer_handler)(bool user);
static void (*reschedule_handler)(void);
static void (*shootdown_handler)(void);

void irq_init(void)
{
    acpi_init();
    lapic_init();
    ioapic_init();
    irq_init_cpu();
}

void irq_init_cpu(void)
{
    lapic_init_cpu();
    this_cpu()->lapic_id = lapic_id();
}

int irq_register(unsigned isa_irq, const char *name, void (*handler)(void *), void *arg)
{
    if (isa_irq >= ISA_IRQS)
        return -EINVAL;
    if (lines[isa_irq].handler)
        return -EBUSY;

    const struct acpi_isa_irq *route = &acpi_info()->isa_irqs[isa_irq];

    lines[isa_irq].arg = arg;
    lines[isa_irq].name = name;
    lines[isa_irq].handler = handler;
    return ioapic_route(route->gsi, T_IRQ0 + isa_irq, cpus[0].lapic_id, route->active_low, route->level);
}

/* => the vector, or -ENOSPC */
static int take_vector(void (*handler)(void *), void *arg)
{
    if (message_count == MESSAGES)
        return -ENOSPC;
    messages[message_count].arg = arg;
    messages[message_count].handler = handler;
    return T_MESSAGE0 + (int)message_count++;
}

int irq_register_message(void (*handler)(void *), void *arg, struct irq_message *message)
{
    int vector = take_vector(handler, arg);

    if (vector < 0)
        return vector;
    message->address = MESSAGE_ADDRESS | (uint64_t)cpus[0].lapic_id << 12;
    message->data = (uint32_t)vector;
    return 0;
}

int irq_register_input(uint32_t gsi, void (*handler)(void *), void *arg)
{
    int vector = take_vector(handler, arg);

    return vector < 0 ? vector : ioapic_route(gsi, (unsigned)vector, cpus[0].lapic_id, false, false);
}

void timer_set_handler(void (*handler)(bool user))
{
    timer_handler = handler;
}

void smp_set_reschedule_handler(void (*handler)(void))
{
    reschedule_handler = handler;
}

void tlb_set_shootdown_handler(void (*handler)(void))
{
    shootdown_handler = handler;
}

static void call_line(struct irq_line *line)
{
    line->count++;
    if (line->handler)
        line->handler(line->arg);
}

static void call_handler(const struct trap_frame *tf)
{
    if (tf->trapno < T_IRQ0 + ISA_IRQS) {
        call_line(&lines[tf->trapno - T_IRQ0]);
    } else if (tf->trapno == T_TIMER) {
        own_counts[cpu_id()][IRQ_TIMER]++;
        if (timer_handler)
            timer_handler(trap_frame_is_user(tf));
    } else if (tf->trapno == T_RESCHEDULE) {
        own_counts[cpu_id()][IRQ_RESCHEDULE]++;
        preempt_request();
        if (reschedule_handler)
            reschedule_handler();
    } else if (tf->trapno == T_SHOOTDOWN) {
        own_counts[cpu_id()][IRQ_SHOOTDOWN]++;
        if (shootdown_handler)
            shootdown_handler();
    } else if (tf->trapno < T_SPURIOUS) {
        call_line(&messages[tf->trapno - T_MESSAGE0]);
    }
}

void irq_dispatch(struct trap_frame *tf)
{
    struct cpu *cpu = this_cpu();

    if (tf->trapno == T_SPURIOUS)
        return; // the controller does not count this one as begun
    cpu->in_irq = 1;
    call_handler(tf);
    lapic_eoi();
    cpu->in_irq = 0;
}

bool irq_describe(unsigned isa_irq, struct irq_name *out)
{
    const struct acpi_isa_irq *route = &acpi_info()->isa_irqs[isa_irq];

    *out = (struct irq_name){lines[isa_irq].name, route->gsi, route->level};
    return lines[isa_irq].handler;
}

uint64_t irq_count(unsigned isa_irq, unsigned cpu)
{
    return cpu == 0 ? lines[isa_irq].count : 0;
}

uint64_t irq_own_count(unsigned kind, unsigned cpu)
{
    return own_counts[cpu][kind];
}
