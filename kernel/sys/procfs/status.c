// SPDX-License-Identifier: MIT
/*
 * status.c - /proc/PID/{stat,statm,status}: how a process stands.
 *
 * What a process shows is read under its locks in one go (process_snapshot), then written. A file of /proc/PID/task/TID
 * shows the same with the thread's number.
 */
#include "arch/x86/time.h"
#include "fs/credentials.h"
#include "fs/file_table.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "mm/vspace.h"
#include "proc/fs_context.h"
#include "proc/process.h"
#include "sync/sched.h"
#include "sys/clock.h"
#include "sys/inspect.h"
#include "sys/procfs/node.h"
#include "sys/procfs/process.h"

#define NS_PER_TICK (NS_PER_SECOND / USER_HZ)
#define KIB(bytes) ((bytes) / 1024)
#define PAGES_KIB(pages) ((pages) * (PAGE_SIZE / 1024))

/* All that the three files tell, on the heap: it is too large for a stack. */
struct standing {
    struct process_snapshot snapshot;
    struct vspace_sizes sizes;          // all zero: there is no address space (any more)
    bool has_space, no_huge;
    bool inspected;                     // addresses may be told
    vaddr_t brk_start;
};

static struct standing *standing_of(struct process *process)
{
    struct standing *standing = slab_zalloc(sizeof(*standing));
    struct vspace *space;

    if (!standing)
        return NULL;
    process_snapshot(process, &standing->snapshot);
    standing->inspected = inspect_allowed(process);
    space = process_vspace(process);
    if (space) {
        standing->has_space = true;
        standing->brk_start = space->brk_start;
        standing->no_huge = space->no_huge;
        vspace_measure(space, &standing->sizes);
        vspace_put(space);
    }
    return standing;
}

static uint64_t resident(const struct vspace_sizes *sizes)
{
    return sizes->anonymous + sizes->file + sizes->shared;
}

static uint64_t ticks(uint64_t ns)
{
    return ns / NS_PER_TICK;
}

static void put_number(struct text *text, uint64_t number)
{
    text_printf(text, " %lu", number);
}

/* Fields 4 to 24 of stat: relations, faults, times, sizes. */
static void put_stat_counts(struct text *text, const struct standing *standing)
{
    const struct process_snapshot *s = &standing->snapshot;

    text_printf(text, " %d %d %d %d %d 0", s->parent, s->group, s->session, s->tty_device, s->foreground_group);
    text_printf(text, " %lu %lu %lu %lu", s->usage.minor_faults, s->child_usage.minor_faults, s->usage.major_faults,
                s->child_usage.major_faults);
    text_printf(text, " %lu %lu %lu %lu", ticks(s->usage.user_ns), ticks(s->usage.system_ns),
                ticks(s->child_usage.user_ns), ticks(s->child_usage.system_ns));
    text_printf(text, " %d %d %u 0 %lu", 20 + s->nice, s->nice, s->threads, ticks(s->start_ns));
    text_printf(text, " %lu %lu", standing->sizes.total_bytes, resident(&standing->sizes));
}

/* Fields 25 to 30; where things lie is told only to who may know. */
static void put_stat_places(struct text *text, const struct standing *standing)
{
    const struct program_ranges *ranges = &standing->snapshot.ranges;
    bool told = standing->inspected && standing->has_space;

    put_number(text, standing->snapshot.limits[RLIMIT_RSS].rlim_cur);
    put_number(text, told ? ranges->code_start : standing->has_space);
    put_number(text, told ? ranges->code_end : standing->has_space);
    put_number(text, told ? ranges->stack_start : 0);
    text_puts(text, " 0 0");
}

/* Fields 31 to 44: signals (the old, 31-bit sets), where it sleeps, processor. */
static void put_stat_signals(struct text *text, const struct process_snapshot *s)
{
    const uint64_t low = 0x7fffffff;

    put_number(text, s->pending & low);
    put_number(text, s->blocked & low);
    put_number(text, s->ignored & low);
    put_number(text, s->caught & low);
    text_printf(text, " 0 0 0 %d %u 0 0 0 0 0", s->exit_signal, s->cpu);
}

/* Fields 45 to 52. */
static void put_stat_strings(struct text *text, const struct standing *standing)
{
    const struct program_ranges *ranges = &standing->snapshot.ranges;

    if (standing->inspected && standing->has_space)
        text_printf(text, " %lu %lu %lu %lu %lu %lu %lu %d", ranges->data_start, ranges->data_end,
                    standing->brk_start, ranges->arg_start, ranges->arg_end, ranges->env_start, ranges->env_end,
                    standing->snapshot.exit_status);
    else
        text_puts(text, " 0 0 0 0 0 0 0 0");
    text_puts(text, "\n");
}

int show_process_stat(const struct proc_inode *inode, struct text *text)
{
    struct standing *standing = standing_of(inode->process);

    if (!standing)
        return -ENOMEM;
    text_printf(text, "%u (%s) %c", inode->number, standing->snapshot.comm, standing->snapshot.state);
    put_stat_counts(text, standing);
    put_stat_places(text, standing);
    put_stat_signals(text, &standing->snapshot);
    put_stat_strings(text, standing);
    slab_free(standing);
    return 0;
}

int show_process_statm(const struct proc_inode *inode, struct text *text)
{
    struct vspace *space = process_vspace(inode->process);
    struct vspace_sizes sizes = {0};

    if (space) {
        vspace_measure(space, &sizes);
        vspace_put(space);
    }
    text_printf(text, "%lu %lu %lu %lu 0 %lu 0\n", sizes.total_bytes / PAGE_SIZE, resident(&sizes),
                sizes.file + sizes.shared, sizes.text_bytes / PAGE_SIZE,
                (sizes.data_bytes + sizes.stack_bytes) / PAGE_SIZE);
    return 0;
}

/* ---- status ---- */

static const char *state_name(char state)
{
    switch (state) {
    case 'R':
        return "R (running)";
    case 'S':
        return "S (sleeping)";
    case 'D':
        return "D (disk sleep)";
    case 'T':
        return "T (stopped)";
    case 'Z':
        return "Z (zombie)";
    default:
        return "X (dead)";
    }
}

static void put_umask(struct text *text, struct process *process)
{
    struct fs_context *fs = process_fs(process);

    if (!fs)
        return;
    text_printf(text, "Umask:\t%04o\n", fs->umask);
    fs_context_put(fs);
}

static void put_files(struct text *text, struct process *process)
{
    struct file_table *files = process_files(process);

    text_printf(text, "FDSize:\t%u\n", files ? file_table_size(files) : 0);
    if (files)
        file_table_put(files);
}

/* Supplementary groups. They are counted on, and copied one by one, since there may be thousands. */
static void put_groups(struct text *text, struct process *process)
{
    bool more = true;

    text_puts(text, "Groups:\t");
    for (unsigned i = 0; more; i++) {
        uint32_t group = 0;

        spin_lock(&process->lock);
        more = i < process->credentials->group_count;
        if (more)
            group = process->credentials->groups[i];
        spin_unlock(&process->lock);
        if (more)
            text_printf(text, "%u ", group);
    }
    text_puts(text, "\n");
}

static void put_ids(struct text *text, const struct proc_inode *inode, const struct process_snapshot *s)
{
    text_printf(text, "Tgid:\t%d\nNgid:\t0\nPid:\t%u\nPPid:\t%d\nTracerPid:\t0\n", s->id, inode->number, s->parent);
    text_printf(text, "Uid:\t%u\t%u\t%u\t%u\n", s->uid, s->euid, s->suid, s->fsuid);
    text_printf(text, "Gid:\t%u\t%u\t%u\t%u\n", s->gid, s->egid, s->sgid, s->fsgid);
    put_files(text, inode->process);
    put_groups(text, inode->process);
    text_printf(text, "NStgid:\t%d\nNSpid:\t%u\nNSpgid:\t%d\nNSsid:\t%d\n", s->id, inode->number, s->group, s->session);
}

static void put_kib(struct text *text, const char *name, uint64_t kib)
{
    text_printf(text, "%s:\t%8lu kB\n", name, kib);
}

/* Peaks are not kept: no VmPeak, no VmHWM. Nothing is locked or pinned. */
static void put_memory(struct text *text, const struct vspace_sizes *sizes)
{
    put_kib(text, "VmSize", KIB(sizes->total_bytes));
    put_kib(text, "VmLck", 0);
    put_kib(text, "VmPin", 0);
    put_kib(text, "VmRSS", PAGES_KIB(resident(sizes)));
    put_kib(text, "RssAnon", PAGES_KIB(sizes->anonymous));
    put_kib(text, "RssFile", PAGES_KIB(sizes->file));
    put_kib(text, "RssShmem", PAGES_KIB(sizes->shared));
    put_kib(text, "VmData", KIB(sizes->data_bytes));
    put_kib(text, "VmStk", KIB(sizes->stack_bytes));
    put_kib(text, "VmExe", KIB(sizes->text_bytes));
    put_kib(text, "VmLib", 0);
    put_kib(text, "VmPTE", PAGES_KIB(sizes->nodes));
    put_kib(text, "VmSwap", PAGES_KIB(sizes->swapped));
}

static void put_signals(struct text *text, const struct process_snapshot *s)
{
    text_printf(text, "Threads:\t%u\nSigQ:\t0/%lu\n", s->threads, (unsigned long)s->limits[RLIMIT_SIGPENDING].rlim_cur);
    text_printf(text, "SigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%016lx\n",
                s->pending, s->shared_pending, s->blocked, s->ignored, s->caught);
}

/* The superuser has every capability (of Linux's 41) and nobody else has any. */
static void put_capabilities(struct text *text, const struct process_snapshot *s)
{
    const unsigned long all = (1ul << 41) - 1;
    unsigned long own = s->euid ? 0 : all;

    text_printf(text, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016lx\nCapAmb:\t%016lx\n", 0ul, own,
                own, all, 0ul);
    text_puts(text, "NoNewPrivs:\t0\nSeccomp:\t0\nSeccomp_filters:\t0\n");
}

/* "0-3,5" */
static void put_cpu_list(struct text *text, uint64_t cpus)
{
    const char *separator = "";

    for (unsigned first = 0; first < MAX_CPUS; first++) {
        unsigned last = first;

        if (!(cpus >> first & 1))
            continue;
        while (last + 1 < MAX_CPUS && (cpus >> (last + 1) & 1))
            last++;
        text_printf(text, last > first ? "%s%u-%u" : "%s%u", separator, first, last);
        separator = ",";
        first = last;
    }
    text_puts(text, "\n");
}

static void put_scheduling(struct text *text, const struct proc_inode *inode, const struct process_snapshot *s)
{
    uint64_t flags = spin_lock_irq(&process_tree);
    struct pid *pid = pid_find(inode->number);
    uint64_t cpus = pid && pid->thread ? pid->thread->kthread.allowed & sched_online() : sched_online();

    spin_unlock_irq(&process_tree, flags);
    text_printf(text, "Cpus_allowed:\t%lx\nCpus_allowed_list:\t", cpus);
    put_cpu_list(text, cpus);
    text_printf(text, "Mems_allowed:\t1\nMems_allowed_list:\t0\n");
    text_printf(text, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n", s->usage.voluntary,
                s->usage.involuntary);
}

int show_process_status(const struct proc_inode *inode, struct text *text)
{
    struct standing *standing = standing_of(inode->process);
    const struct process_snapshot *s;

    if (!standing)
        return -ENOMEM;
    s = &standing->snapshot;
    text_puts(text, "Name:\t");
    text_escape(text, s->comm, "\n\\");
    text_puts(text, "\n");
    put_umask(text, inode->process);
    text_printf(text, "State:\t%s\n", state_name(s->state));
    put_ids(text, inode, s);
    if (standing->has_space)
        put_memory(text, &standing->sizes);
    if (standing->has_space)
        text_printf(text, "CoreDumping:\t0\nTHP_enabled:\t%d\n", !standing->no_huge);
    put_signals(text, s);
    put_capabilities(text, s);
    put_scheduling(text, inode, s);
    slab_free(standing);
    return 0;
}
