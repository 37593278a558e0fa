// SPDX-License-Identifier: MIT
/*
 * system.c - what the whole system is and has done: uptime, stat, loadavg, version, ...
 *
 * Not here    Memory: memory.c. CPUs: cpuinfo.c.
 */
#include "sys/procfs/system.h"

#include "arch/x86/acpi.h"
#include "arch/x86/boot_info.h"
#include "arch/x86/cpu.h"
#include "arch/x86/irq.h"
#include "arch/x86/time.h"
#include "dev/block.h"
#include "dev/block_disk.h"
#include "fs/char_device.h"
#include "fs/mount.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/process.h"
#include "sync/sched.h"
#include "sys/clock.h"
#include "sys/procfs/node.h"
#include "sys/syslog.h"
#include "sys/uts.h"

#define NS_PER_TICK (NS_PER_SECOND / USER_HZ)
#define NS_PER_CENTISECOND (NS_PER_SECOND / 100)
#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif
#define LOAD_ONE 2048u      // the scheduler's unit of load averages

int show_kernel_cmdline(const struct proc_inode *inode, struct text *text)
{
    (void)inode;
    text_puts(text, boot_info()->command_line);
    text_puts(text, "\n");
    return 0;
}

int show_version(const struct proc_inode *inode, struct text *text)
{
    (void)inode;
    text_puts(text, UTS_SYSNAME " version " UTS_RELEASE " (gaur@gaur) (" COMPILER ") " UTS_VERSION "\n");
    return 0;
}

/* "12.34": seconds with two digits behind the point. */
static void put_seconds(struct text *text, uint64_t ns)
{
    uint64_t hundredths = ns / NS_PER_CENTISECOND;

    text_printf(text, "%lu.%02lu", hundredths / 100, hundredths % 100);
}

static void add_stat(struct sched_cpu_stat *sum, const struct sched_cpu_stat *more)
{
    sum->user_ns += more->user_ns;
    sum->system_ns += more->system_ns;
    sum->idle_ns += more->idle_ns;
    sum->switches += more->switches;
}

static struct sched_cpu_stat all_cpus_stat(void)
{
    struct sched_cpu_stat sum = {0}, one;

    for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
        sched_cpu_stat(cpu, &one);
        add_stat(&sum, &one);
    }
    return sum;
}

int show_uptime(const struct proc_inode *inode, struct text *text)
{
    (void)inode;
    put_seconds(text, clock_ns());
    text_puts(text, " ");
    put_seconds(text, all_cpus_stat().idle_ns);
    text_puts(text, "\n");
    return 0;
}

int show_loadavg(const struct proc_inode *inode, struct text *text)
{
    uint64_t load[3];

    (void)inode;
    sched_load_average(load);
    for (int i = 0; i < 3; i++) {
        uint64_t rounded = load[i] + LOAD_ONE / 200;

        text_printf(text, "%lu.%02lu ", rounded / LOAD_ONE, rounded % LOAD_ONE * 100 / LOAD_ONE);
    }
    text_printf(text, "%u/%u %d\n", sched_runnable(), thread_total(), pid_last());
    return 0;
}

/* user nice system idle iowait irq softirq steal guest guest_nice, in ticks */
static void put_cpu_times(struct text *text, const struct sched_cpu_stat *stat)
{
    uint64_t user = stat->user_ns / NS_PER_TICK, system = stat->system_ns / NS_PER_TICK;
    uint64_t idle = stat->idle_ns / NS_PER_TICK;

    text_printf(text, " %lu 0 %lu %lu 0 0 0 0 0 0\n", user, system, idle);
}

/* All, and those of each ISA line. */
static void put_interrupts(struct text *text)
{
    uint64_t total = 0;

    for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
        for (unsigned kind = 0; kind < IRQ_OWN_KINDS; kind++)
            total += irq_own_count(kind, cpu);
        for (unsigned irq = 0; irq < ISA_IRQS; irq++)
            total += irq_count(irq, cpu);
    }
    text_printf(text, "intr %lu", total);
    for (unsigned irq = 0; irq < ISA_IRQS; irq++)
        text_printf(text, " %lu", irq_count(irq, 0));
    text_puts(text, "\n");
}

int show_stat(const struct proc_inode *inode, struct text *text)
{
    struct sched_cpu_stat sum = all_cpus_stat(), one;
    uint64_t boot = (clock_realtime_ns() - clock_ns()) / NS_PER_SECOND;

    (void)inode;
    text_puts(text, "cpu ");
    put_cpu_times(text, &sum);
    for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
        sched_cpu_stat(cpu, &one);
        text_printf(text, "cpu%u", cpu);
        put_cpu_times(text, &one);
    }
    put_interrupts(text);
    text_printf(text, "ctxt %lu\n", sum.switches);
    text_printf(text, "btime %lu\n", boot);
    text_printf(text, "processes %lu\n", process_forks());
    text_printf(text, "procs_running %u\nprocs_blocked 0\n", sched_runnable());
    text_puts(text, "softirq 0 0 0 0 0 0 0 0 0 0 0\n");
    return 0;
}

static bool show_type(const struct file_system_type *type, void *arg)
{
    text_printf(arg, "%s\t%s\n", type->needs_device ? "" : "nodev", type->name);
    return true;
}

int show_filesystems(const struct proc_inode *inode, struct text *text)
{
    (void)inode;
    file_systems_for_each(show_type, text);
    return 0;
}

/* Ranges of minors that one driver has registered after another are told once. */
struct drivers_work {
    struct text *text;
    const struct char_device *last;
};

static bool show_driver(const struct char_device *device, void *arg)
{
    struct drivers_work *work = arg;

    if (!work->last || work->last->major != device->major || strcmp(work->last->name, device->name))
        text_printf(work->text, "%3u %s\n", device->major, device->name);
    work->last = device;
    return true;
}

int show_devices(const struct proc_inode *inode, struct text *text)
{
    struct drivers_work work = {.text = text};

    (void)inode;
    text_puts(text, "Character devices:\n");
    char_devices_for_each(show_driver, &work);
    text_puts(text, "\nBlock devices:\n");
    if (block_next(NULL))
        text_printf(text, "%3u virtblk\n", DISK_MAJOR);
    return 0;
}

/* All messages that are kept. Unlike Linux's, this reading takes nothing away, and ends. */
int show_kmsg(const struct proc_inode *inode, struct text *text)
{
    char *record = slab_alloc(SYSLOG_RECORD_MAX);
    uint64_t sequence = log_oldest();
    size_t size;

    (void)inode;
    if (!record)
        return -ENOMEM;
    while (!text->error && (size = syslog_record(&sequence, record)) != 0)
        text_write(text, record, size);
    slab_free(record);
    return 0;
}
