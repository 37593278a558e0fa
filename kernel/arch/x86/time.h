// SPDX-License-Identifier: MIT
/*
 * time.h - clocks and the one-shot timer of each CPU. All in nanoseconds.
 */
#ifndef GAUR_ARCH_TIME_H
#define GAUR_ARCH_TIME_H

#include "lib/types.h"

#define NS_PER_SECOND 1000000000ull
#define TIMER_NEVER   UINT64_MAX

/* The zero of clock_ns. => the first thing at boot; until time_init clock_ns says 0 */
void time_init_early(void);

/* Calibrate the time-stamp counter and the timer (1 ms), read the real-time clock. => once, after irq_init */
void time_init(void);

/* Since boot; never goes back. */
uint64_t clock_ns(void);

/* Since 1970. The clock chip is read once, at boot. */
uint64_t clock_realtime_ns(void);

/* Move the real-time clock (settimeofday); the chip keeps its own. */
void clock_set_realtime_ns(uint64_t ns);

/*
 * Tell programs what the clocks are made from: fill the page that the vDSO reads, and keep it current.
 *
 * => once, after time_init; the page stays
 */
struct vdso_data;
void clock_publish(struct vdso_data *page);

/* The CPUs' counters do not agree: programs are to ask the kernel instead of reading them. Any time. */
void clock_distrust(void);

/* Ticks of the time-stamp counter per second, for messages and /proc/cpuinfo. */
uint64_t tsc_frequency(void);

/*
 * The next timer interrupt on this CPU: at `deadline_ns` of clock_ns, at once if that is past, none for TIMER_NEVER.
 * It may come early (the counter is finite): the handler looks at the clock and arms again.
 *
 * => interrupts or preemption off
 */
void timer_arm(uint64_t deadline_ns);

/* Who is called then, in interrupt context; `user`: user mode was interrupted. */
void timer_set_handler(void (*handler)(bool user));

#endif
