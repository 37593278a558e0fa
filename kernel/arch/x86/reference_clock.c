// SPDX-License-Identifier: MIT
/*
 * reference_clock.c - the ACPI power-management timer (ACPI 6.4, 4.8.3.3), or the 8254 (Intel 8254 data sheet).
 */
#include "arch/x86/reference_clock.h"

#include "arch/x86/acpi.h"
#include "arch/x86/io.h"
#include "arch/x86/lapic.h"

#define PM_TIMER_HZ   3579545ull
#define PM_TIMER_MASK 0xffffff // some machines have 24 bits only
#define PIT_HZ        1193182ull
#define PIT_MASK      0xffff
#define PIT_CHANNEL2  0x42
#define PIT_COMMAND   0x43
#define PIT_GATE      0x61 // bit 0 lets channel 2 count, bit 1 is the speaker
#define NS_PER_SECOND 1000000000ull
#define TRIES         10000000 // a clock that stands still must not hang the boot

/* A counter that goes up, as far as its mask reaches. */
struct reference_clock {
    uint32_t (*read)(void);
    uint32_t mask;
    uint64_t hz;
};

/* The fast counters at an edge of the slow one. */
struct moment {
    uint32_t ticks;
    uint64_t tsc;
    uint32_t timer;
};

static uint32_t pm_timer_read(void)
{
    return inl(acpi_info()->pm_timer_port) & PM_TIMER_MASK;
}

/* It counts down. */
static uint32_t pit_read(void)
{
    outb(PIT_COMMAND, 0x80); // latch channel 2
    uint32_t low = inb(PIT_CHANNEL2);

    return ~(low | (uint32_t)inb(PIT_CHANNEL2) << 8) & PIT_MASK;
}

static void pit_start(void)
{
    outb(PIT_GATE, (uint8_t)((inb(PIT_GATE) & ~2) | 1));
    outb(PIT_COMMAND, 0xb4); // channel 2, both bytes, rate generator
    outb(PIT_CHANNEL2, 0xff);
    outb(PIT_CHANNEL2, 0xff);
}

static struct reference_clock choose(void)
{
    if (acpi_info()->pm_timer_port)
        return (struct reference_clock){pm_timer_read, PM_TIMER_MASK, PM_TIMER_HZ};
    pit_start();
    return (struct reference_clock){pit_read, PIT_MASK, PIT_HZ};
}

/* Wait until the clock has passed `ticks` since `start`, and one edge at least. */
static struct moment next_edge(const struct reference_clock *clock, uint32_t start, uint32_t ticks)
{
    struct moment moment = {.ticks = start};
    unsigned tries = 0;

    do
        moment.ticks = clock->read();
    while (((moment.ticks - start) & clock->mask) <= ticks && ++tries < TRIES);
    moment.tsc = read_tsc();
    moment.timer = lapic_timer_count();
    return moment;
}

void reference_clock_measure(struct reference_interval *interval)
{
    struct reference_clock clock = choose();

    lapic_timer_start(UINT32_MAX);
    struct moment first = next_edge(&clock, clock.read(), 0);
    struct moment last = next_edge(&clock, first.ticks, (uint32_t)(clock.hz / 1000));

    lapic_timer_start(0);
    interval->ns = ((last.ticks - first.ticks) & clock.mask) * NS_PER_SECOND / clock.hz;
    interval->tsc_ticks = last.tsc - first.tsc;
    interval->timer_ticks = first.timer - last.timer;
}
