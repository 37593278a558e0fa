// SPDX-License-Identifier: MIT
/*
 * reference_clock.h - measuring the fast counters against a clock of known rate.
 */
#ifndef GAUR_ARCH_REFERENCE_CLOCK_H
#define GAUR_ARCH_REFERENCE_CLOCK_H

#include "lib/types.h"

/* What passed between two moments. */
struct reference_interval {
    uint64_t ns;
    uint64_t tsc_ticks;
    uint64_t timer_ticks; // of the local APIC's timer
};

/* Watch for about 1 ms. => interrupts off; the local APIC's timer is used up, and stopped */
void reference_clock_measure(struct reference_interval *interval);

#endif
