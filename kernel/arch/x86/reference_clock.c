// SPDX-License-Identifier: MIT
/*
 * reference_clock.c - the ACPI power-management timer (ACPI 6.4, 4.8.3.3), or the 8254 (Intel 8254 data sheet).
 *
 * Theory      An emulated CPU may stand still for milliseconds at any instruction. If it does so between reading the slow
 *             counter and the fast ones, the measurement is wrong by as much. So each reading knows how long it took,
 *             and a measurement with a slow one is made again.
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
#define ATTEMPTS      10
#define DOUBT_SHARE   256 // a measurement is good if its readings took at most this part of it

/* A counter that goes up, as far as its mask reaches. */
struct reference_clock {
    uint32_t (*read)(void);
    uint32_t mask;
    uint64_t hz;
};

/* The fast counters when the slow one was read. */
struct moment {
    uint32_t ticks;
    uint32_t timer;
    uint64_t tsc;
    uint64_t doubt; // how long the readings took, by the time-stamp counter
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

static struct moment moment_now(const struct reference_clock *clock)
{
    struct moment moment;
    uint64_t before = read_tsc();

    moment.ticks = clock->read();
    moment.timer = lapic_timer_count();
    moment.tsc = read_tsc();
    moment.doubt = moment.tsc - before;
    return moment;
}

/* Wait until the clock has passed `ticks` since `start`, and one edge at least. */
static struct moment next_edge(const struct reference_clock *clock, uint32_t start, uint32_t ticks)
{
    struct moment moment;
    unsigned tries = 0;

    do
        moment = moment_now(clock);
    while (((moment.ticks - start) & clock->mask) <= ticks && ++tries < TRIES);
    return moment;
}

/* One measurement. => how long its readings took, by the time-stamp counter */
static uint64_t measure(const struct reference_clock *clock, struct reference_interval *interval)
{
    lapic_timer_start(UINT32_MAX);
    struct moment first = next_edge(clock, clock->read(), 0);
    struct moment last = next_edge(clock, first.ticks, (uint32_t)(clock->hz / 1000));

    lapic_timer_start(0);
    interval->ns = ((last.ticks - first.ticks) & clock->mask) * NS_PER_SECOND / clock->hz;
    interval->tsc_ticks = last.tsc - first.tsc;
    interval->timer_ticks = first.timer - last.timer;
    return first.doubt + last.doubt;
}

void reference_clock_measure(struct reference_interval *interval)
{
    struct reference_clock clock = choose();
    uint64_t doubt = measure(&clock, interval);

    for (int i = 1; i < ATTEMPTS && doubt > interval->tsc_ticks / DOUBT_SHARE; i++) {
        struct reference_interval again;
        uint64_t doubt_again = measure(&clock, &again);

        if (doubt_again < doubt) {
            doubt = doubt_again;
            *interval = again;
        }
    }
}
