// SPDX-License-Identifier: MIT
/*
 * stat.c - /proc/PID/{stat,statm}: how a process stands, in numbers.
 *
 * What it shows is read under its locks in one go (process_snapshot), then written. A file of /proc/PID/task/TID tells
 * the same of the process, and the thread's own state, signals, faults and times.
 */
#include "arch/x86/time.h"
#include "lib/errno.h"
#include "mm/measure.h"
#include "mm/slab.h"
#include "sys/clock.h"
#include "sys/inspect.h"
#include "sys/procfs/node.h"
#include "sys/procfs/process.h"
#include "sys/procfs/standing.h"

#define NS_PER_TICK (NS_PER_SECOND / USER_HZ)

/* Flags of field 9 that we know, as <linux/sched.h> of the kernel has them. */
#define PF_EXITING    0x4
#define PF_FORKNOEXEC 0x40

struct standing *standing_of(const struct proc_inode *inode)
{
    struct standing *standing = slab_zalloc(sizeof(*standing));
    struct vspace *space;

    if (!standing)
        return NULL;
    process_snapshot(inode->process, inode->number, &standing->snapshot);
    standing->inspected = inspect_allowed(inode->process);
    space = process_vspace(inode->process);
    if (space) {
        standing->has_space = true;
        standing->brk_start = space->brk_start;
        standing->no_huge = space->no_huge;
        vspace_measure(space, &standing->sizes);
        standing->peak_bytes = vspace_peak_bytes(space, standing->sizes.total_bytes);
        standing->peak_resident = MAX(vspace_peak_resident(space), standing_resident(standing));
        vspace_put(space);
    }
    return standing;
}

uint64_t standing_text(const struct standing *standing)
{
    const struct program_ranges *ranges = &standing->snapshot.ranges;
    uint64_t text = ALIGN_UP(ranges->code_end, PAGE_SIZE) - ALIGN_DOWN(ranges->code_start, PAGE_SIZE);

    return MIN(text, standing->sizes.text_bytes);
}

static uint64_t ticks(uint64_t ns)
{
    return ns / NS_PER_TICK;
}

static void put_number(struct text *text, uint64_t number)
{
    text_printf(text, " %lu", number);
}

/* Fields 4 to 9: relations, flags. */
static void put_relations(struct text *text, const struct process_snapshot *s)
{
    unsigned flags = (s->forked_only ? PF_FORKNOEXEC : 0) | (s->exiting ? PF_EXITING : 0);

    text_printf(text, " %d %d %d %d %d %u", s->parent, s->group, s->session, s->tty_device, s->foreground_group, flags);
}

/* Fields 10 to 24: faults, times, sizes. */
static void put_counts(struct text *text, const struct standing *standing, bool of_thread)
{
    const struct process_snapshot *s = &standing->snapshot;
    const struct process_usage none = {0};
    const struct process_usage *used = of_thread ? &s->thread_usage : &s->usage;
    const struct process_usage *children = of_thread ? &none : &s->child_usage;

    put_number(text, used->minor_faults);
    put_number(text, children->minor_faults);
    put_number(text, used->major_faults);
    put_number(text, children->major_faults);
    put_number(text, ticks(used->user_ns));
    put_number(text, ticks(used->system_ns));
    put_number(text, ticks(children->user_ns));
    put_number(text, ticks(children->system_ns));
    text_printf(text, " %d %d %u 0 %lu", 20 + s->nice, s->nice, s->threads, ticks(of_thread ? s->thread_start_ns : s->start_ns));
    text_printf(text, " %lu %lu", standing->sizes.total_bytes, standing_resident(standing));
}

/* Fields 25 to 30; where things lie is told only to who may know. */
static void put_places(struct text *text, const struct standing *standing)
{
    const struct program_ranges *ranges = &standing->snapshot.ranges;
    bool told = standing->inspected && standing->has_space;

    put_number(text, standing->snapshot.limits[RLIMIT_RSS].rlim_cur);
    put_number(text, told ? ranges->code_start : standing->has_space);
    put_number(text, told ? ranges->code_end : standing->has_space);
    put_number(text, told ? ranges->stack_start : 0);
    text_puts(text, " 0 0");
}

/* Fields 31 to 44: signals (the old, 31-bit sets), whether it sleeps, processor, policy. */
static void put_signals(struct text *text, const struct standing *standing, bool of_thread)
{
    const struct process_snapshot *s = &standing->snapshot;
    const uint64_t low = 0x7fffffff;
    bool sleeps = standing->inspected && (of_thread || s->threads < 2) && s->state != 'R';
    bool leads = s->thread_is_leader;

    put_number(text, s->pending & low);
    put_number(text, s->blocked & low);
    put_number(text, s->ignored & low);
    put_number(text, s->caught & low);
    text_printf(text, " %d 0 0 %d %u 0 %u 0 0 0", sleeps, leads ? s->exit_signal : -1, s->cpu, s->policy);
}

/* Fields 45 to 52. */
static void put_strings(struct text *text, const struct standing *standing)
{
    const struct program_ranges *ranges = &standing->snapshot.ranges;

    if (standing->inspected && standing->has_space)
        text_printf(text, " %lu %lu %lu %lu %lu %lu %lu", ranges->data_start, ranges->data_end, standing->brk_start,
                    ranges->arg_start, ranges->arg_end, ranges->env_start, ranges->env_end);
    else
        text_puts(text, " 0 0 0 0 0 0 0");
    text_printf(text, " %d\n", standing->inspected ? standing->snapshot.exit_status : 0);
}

int show_process_stat(const struct proc_inode *inode, struct text *text)
{
    struct standing *standing = standing_of(inode);
    bool of_thread = inode->of_thread;

    if (!standing)
        return -ENOMEM;
    text_printf(text, "%u (%s) %c", inode->number, standing->snapshot.comm, standing->snapshot.state);
    put_relations(text, &standing->snapshot);
    put_counts(text, standing, of_thread);
    put_places(text, standing);
    put_signals(text, standing, of_thread);
    put_strings(text, standing);
    slab_free(standing);
    return 0;
}

int show_process_statm(const struct proc_inode *inode, struct text *text)
{
    struct standing *standing = standing_of(inode);
    const struct vspace_sizes *sizes;

    if (!standing)
        return -ENOMEM;
    sizes = &standing->sizes;
    text_printf(text, "%lu %lu %lu %lu 0 %lu 0\n", sizes->total_bytes / PAGE_SIZE, standing_resident(standing),
                sizes->file + sizes->shared, standing->has_space ? standing_text(standing) / PAGE_SIZE : 0,
                (sizes->data_bytes + sizes->stack_bytes) / PAGE_SIZE);
    slab_free(standing);
    return 0;
}
