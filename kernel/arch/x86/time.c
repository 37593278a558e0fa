// SPDX-License-Identifier: MIT
/*
 * time.c - the time-stamp counter as a clock, the local APIC as an alarm.
 *
 * Theory      Both count at rates that nobody tells; a clock of known rate (the ACPI timer, else the old 8254) measures
 *             them, between two of its own edges, for 1 ms. QEMU keeps time-stamp counters of all CPUs equal.
 *             A conversion is one multiplication: ns = ticks * scale / 2^32.
 */
#include "arch/x86/time.h"

#include "arch/x86/cpu.h"
#include "arch/x86/lapic.h"
#include "arch/x86/reference_clock.h"
#include "arch/x86/rtc.h"
#include "arch/x86/vdso/vdso_data.h"
#include "lib/log.h"

#define WAIT_MAX_NS (1ull << 40) // more than the counter reaches, and less than overflows a multiplication

/* Constant after time_init. */
static uint64_t tsc_start; // counter at boot
static uint64_t tsc_hz;
static uint64_t ns_per_tick;  // of the time-stamp counter, times 2^32
static uint64_t timer_per_ns; // ticks of the local APIC's timer, times 2^32

static _Atomic uint64_t realtime_offset; // clock_realtime_ns at boot

static struct vdso_data *_Atomic published; // NULL until clock_publish
static _Atomic bool changing;               // somebody writes what is published
static _Atomic bool distrusted;

static uint64_t scale(uint64_t value, uint64_t factor)
{
    return (uint64_t)((unsigned __int128)value * factor >> 32);
}

/* a * b / c without overflow in between. */
static uint64_t multiply_divide(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t quotient, remainder;

    __asm__("mulq %3\n\tdivq %4" : "=a"(quotient), "=&d"(remainder) : "a"(a), "r"(b), "r"(c) : "cc");
    return quotient;
}

void time_init(void)
{
    struct reference_interval interval;

    reference_clock_measure(&interval);
    tsc_hz = multiply_divide(interval.tsc_ticks, NS_PER_SECOND, interval.ns);
    ns_per_tick = multiply_divide(interval.ns, 1ull << 32, interval.tsc_ticks);
    timer_per_ns = multiply_divide(interval.timer_ticks, 1ull << 32, interval.ns);
    if (ns_per_tick == 0 || timer_per_ns == 0)
        panic("the timers of this machine stand still");
    realtime_offset = rtc_read() * NS_PER_SECOND - clock_ns();
}

void time_init_early(void)
{
    tsc_start = read_tsc();
}

uint64_t clock_ns(void)
{
    return scale(read_tsc() - tsc_start, ns_per_tick);
}

uint64_t clock_realtime_ns(void)
{
    return realtime_offset + clock_ns();
}

/* ---- What programs are told ---- */

/* Write what may change into the page, one at a time; readers in user mode wait meanwhile, so nothing may interrupt. */
static void tell(struct vdso_data *page)
{
    unsigned long flags = irq_save();

    while (atomic_exchange(&changing, true))
        cpu_relax();
    uint32_t sequence = page->sequence;
    page->sequence = sequence + 1;
    page->realtime_offset = realtime_offset;
    page->usable = !distrusted;
    page->sequence = sequence + 2;
    changing = false;
    irq_restore(flags);
}

void clock_publish(struct vdso_data *page)
{
    page->tsc_start = tsc_start;
    page->ns_per_tick = ns_per_tick;
    tell(page);
    published = page;
}

void clock_distrust(void)
{
    distrusted = true;
    if (published)
        tell(published);
}

void clock_set_realtime_ns(uint64_t ns)
{
    realtime_offset = ns - clock_ns();
    if (published)
        tell(published);
}

uint64_t tsc_frequency(void)
{
    return tsc_hz;
}

void timer_arm(uint64_t deadline_ns)
{
    if (deadline_ns == TIMER_NEVER) {
        lapic_timer_start(0);
        return;
    }

    uint64_t now = clock_ns();
    uint64_t wait = deadline_ns > now ? MIN(deadline_ns - now, WAIT_MAX_NS) : 0;

    // One tick more than asked: never early for a deadline within reach.
    lapic_timer_start((uint32_t)MIN(scale(wait, timer_per_ns) + 1, (uint64_t)UINT32_MAX));
}
