// SPDX-License-Identifier: MIT
/*
 * vdso.c - system calls that do not enter the kernel: what time it is, and on which CPU.
 *
 * A small shared object, linked by itself (vdso.ld) and mapped into every program; AT_SYSINFO_EHDR tells where. The page
 * before it is [vvar], which the kernel writes. C libraries look the functions up by name and version; see vdso(7).
 *
 * Theory      The same counter and the same multiplication as the kernel's: so that the two kinds of asking never see time go
 *             back. The counter is read after what was read before (lfence). Whatever is not known here, errors too, is left
 *             to the system call.
 */
#include <linux/time.h>
#include <linux/unistd.h>

#include "arch/x86/descriptor.h"
#include "arch/x86/vdso/vdso_data.h"

#define NS_PER_SECOND 1000000000ull

/* The page before our first one: vdso.ld. */
extern const struct vdso_data vdso_page __attribute__((visibility("hidden")));

static inline long system_call(long number, long a, long b)
{
    long result;

    __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b) : "rcx", "r11", "memory");
    return result;
}

static inline uint64_t read_counter(void)
{
    uint32_t low, high;

    __asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

static inline uint64_t load(const _Atomic uint64_t *field)
{
    return atomic_load_explicit(field, memory_order_relaxed);
}

/* Nanoseconds since boot or since 1970. => false: ask the kernel */
static bool read_clock(bool since_1970, uint64_t *ns)
{
    const struct vdso_data *page = &vdso_page;
    uint32_t sequence;

    do {
        sequence = atomic_load_explicit(&page->sequence, memory_order_acquire);
        if (!atomic_load_explicit(&page->usable, memory_order_relaxed))
            return false;
        uint64_t ticks = read_counter() - load(&page->tsc_start);
        *ns = (uint64_t)((unsigned __int128)ticks * load(&page->ns_per_tick) >> 32);
        if (since_1970)
            *ns += load(&page->realtime_offset);
        atomic_thread_fence(memory_order_acquire);
    } while ((sequence & 1) || sequence != atomic_load_explicit(&page->sequence, memory_order_relaxed));
    return true;
}

/* Clocks that are told here, as sets of their numbers. */
#define SINCE_1970 (1u << CLOCK_REALTIME | 1u << CLOCK_REALTIME_COARSE | 1u << CLOCK_TAI)
#define SINCE_BOOT                                                                                                        \
    (1u << CLOCK_MONOTONIC | 1u << CLOCK_MONOTONIC_RAW | 1u << CLOCK_MONOTONIC_COARSE | 1u << CLOCK_BOOTTIME)

static inline bool is_in(uint32_t clocks, int clock)
{
    return (unsigned)clock < 32 && (clocks >> clock & 1);
}

int __vdso_clock_gettime(int clock, struct __kernel_timespec *time);
int __vdso_clock_gettime(int clock, struct __kernel_timespec *time)
{
    uint64_t ns;

    if (!is_in(SINCE_1970 | SINCE_BOOT, clock) || !read_clock(is_in(SINCE_1970, clock), &ns))
        return (int)system_call(__NR_clock_gettime, clock, (long)time);
    time->tv_sec = (long long)(ns / NS_PER_SECOND);
    time->tv_nsec = (long long)(ns % NS_PER_SECOND);
    return 0;
}

int __vdso_clock_getres(int clock, struct __kernel_timespec *resolution);
int __vdso_clock_getres(int clock, struct __kernel_timespec *resolution)
{
    if (!is_in(SINCE_1970 | SINCE_BOOT, clock))
        return (int)system_call(__NR_clock_getres, clock, (long)resolution);
    if (resolution)
        *resolution = (struct __kernel_timespec){.tv_sec = 0, .tv_nsec = 1};
    return 0;
}

int __vdso_gettimeofday(struct timeval *time, struct timezone *zone);
int __vdso_gettimeofday(struct timeval *time, struct timezone *zone)
{
    uint64_t ns;

    if (!read_clock(true, &ns))
        return (int)system_call(__NR_gettimeofday, (long)time, (long)zone);
    if (time) {
        time->tv_sec = (long)(ns / NS_PER_SECOND);
        time->tv_usec = (long)(ns % NS_PER_SECOND / 1000);
    }
    if (zone)
        *zone = (struct timezone){0, 0};
    return 0;
}

long __vdso_time(long *time);
long __vdso_time(long *time)
{
    uint64_t ns;

    if (!read_clock(true, &ns))
        return system_call(__NR_time, (long)time, 0);
    if (time)
        *time = (long)(ns / NS_PER_SECOND);
    return (long)(ns / NS_PER_SECOND);
}

/* Each CPU's table has a segment whose limit is the CPU's number. There is one NUMA node. */
long __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused);
long __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
    uint64_t number;

    (void)unused;
    __asm__ volatile("lsl %1, %0" : "=r"(number) : "r"((uint64_t)SEL_CPU_NUMBER));
    if (cpu)
        *cpu = (unsigned)number;
    if (node)
        *node = 0;
    return 0;
}

/* The names without the prefix, as Linux has them. */
#define ALIAS(name) extern __typeof__(__vdso_##name) name __attribute__((weak, alias("__vdso_" #name)))
ALIAS(clock_gettime);
ALIAS(clock_getres);
ALIAS(gettimeofday);
ALIAS(time);
ALIAS(getcpu);
