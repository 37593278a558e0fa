// SPDX-License-Identifier: MIT
/*
 * acpi.h - what the firmware's tables say of CPUs, interrupt controllers and power.
 */
#ifndef GAUR_ARCH_ACPI_H
#define GAUR_ARCH_ACPI_H

#include "arch/x86/cpu.h"
#include "lib/types.h"

#define ISA_IRQS    16
#define IOAPICS_MAX 4

struct acpi_ioapic {
    paddr_t base;
    uint32_t gsi_base; // number of its first input
};

/* Where an ISA line arrives. */
struct acpi_isa_irq {
    uint32_t gsi;
    bool active_low;
    bool level;
};

/* Constant after acpi_init. A port of 0 is absent. */
struct acpi_info {
    paddr_t lapic;
    unsigned cpu_count; // usable ones, at most MAX_CPUS; the one that boots is first
    uint32_t lapic_ids[MAX_CPUS];
    unsigned ioapic_count;
    struct acpi_ioapic ioapics[IOAPICS_MAX];
    struct acpi_isa_irq isa_irqs[ISA_IRQS];
    uint16_t pm_timer_port;
    uint16_t pm1a_control_port;
    uint16_t reset_port;
    uint8_t reset_value;
    volatile void *sleep_control; // mapped; NULL: there is none
};

/* Read the tables; without them, a PC's usual arrangement of one CPU is assumed, and a line says so. */
void acpi_init(void);

const struct acpi_info *acpi_info(void);

#endif
