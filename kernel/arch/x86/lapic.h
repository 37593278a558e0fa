// SPDX-License-Identifier: MIT
/*
 * lapic.h - each CPU's own interrupt controller: its timer, and messages between CPUs.
 */
#ifndef GAUR_ARCH_LAPIC_H
#define GAUR_ARCH_LAPIC_H

#include "lib/types.h"

/* Find and map it. => once, after acpi_init */
void lapic_init(void);

/* Turn on that of this CPU. */
void lapic_init_cpu(void);

/* This CPU's number among controllers. */
uint32_t lapic_id(void);

/* The interrupt that runs is done. */
void lapic_eoi(void);

/* Send an interrupt to another CPU. */
void lapic_send(uint32_t lapic_id, unsigned vector);
void lapic_send_nmi(uint32_t lapic_id);

/* The two steps of waking a CPU: reset, then start in real mode at `page` (a page number below 256). */
void lapic_send_init(uint32_t lapic_id);
void lapic_send_startup(uint32_t lapic_id, unsigned page);

/* The timer: counts down once from `count`, then T_TIMER; 0 stops it. It counts at a rate that time.c measures. */
void lapic_timer_start(uint32_t count);
uint32_t lapic_timer_count(void);

#endif
