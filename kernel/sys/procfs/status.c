// SPDX-License-Identifier: MIT
/*
 * status.c - /proc/PID/status: how a process stands, in words.
 */
#include "fs/credentials.h"
#include "fs/file_table.h"
#include "lib/errno.h"
#include "mm/slab.h"
#include "mm/vspace.h"
#include "proc/fs_context.h"
#include "proc/process.h"
#include "sync/sched.h"
#include "sys/procfs/node.h"
#include "sys/procfs/process.h"
#include "sys/procfs/standing.h"

#define KIB(bytes) ((bytes) / 1024)
#define PAGES_KIB(pages) ((pages) * (PAGE_SIZE / 1024))

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
        else if (i == 0)
            text_puts(text, " ");
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

/* Peaks are the largest that were measured, by whoever looked. Nothing is pinned. */
static void put_memory(struct text *text, const struct standing *standing)
{
    const struct vspace_sizes *sizes = &standing->sizes;
    uint64_t program = standing_text(standing);

    put_kib(text, "VmPeak", KIB(standing->peak_bytes));
    put_kib(text, "VmSize", KIB(sizes->total_bytes));
    put_kib(text, "VmLck", KIB(sizes->locked_bytes));
    put_kib(text, "VmPin", 0);
    put_kib(text, "VmHWM", PAGES_KIB(standing->peak_resident));
    put_kib(text, "VmRSS", PAGES_KIB(standing_resident(standing)));
    put_kib(text, "RssAnon", PAGES_KIB(sizes->anonymous));
    put_kib(text, "RssFile", PAGES_KIB(sizes->file));
    put_kib(text, "RssShmem", PAGES_KIB(sizes->shared));
    put_kib(text, "VmData", KIB(sizes->data_bytes));
    put_kib(text, "VmStk", KIB(sizes->stack_bytes));
    put_kib(text, "VmExe", KIB(program));
    put_kib(text, "VmLib", KIB(sizes->text_bytes - program));
    put_kib(text, "VmPTE", PAGES_KIB(sizes->nodes));
    put_kib(text, "VmSwap", PAGES_KIB(sizes->swapped));
    put_kib(text, "HugetlbPages", 0);
    text_printf(text, "CoreDumping:\t0\nTHP_enabled:\t%d\n", !standing->no_huge);
}

static void put_signals(struct text *text, const struct process_snapshot *s)
{
    text_printf(text, "Threads:\t%u\nSigQ:\t%u/%lu\n", s->threads, s->queued, (unsigned long)s->limits[RLIMIT_SIGPENDING].rlim_cur);
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
    struct thread *thread = proc_thread(inode);
    uint64_t cpus = thread ? thread->kthread.allowed & sched_online() : sched_online();

    spin_unlock_irq(&process_tree, flags);
    text_printf(text, "Cpus_allowed:\t%lx\nCpus_allowed_list:\t", cpus);
    put_cpu_list(text, cpus);
    text_printf(text, "Mems_allowed:\t1\nMems_allowed_list:\t0\n");
    text_printf(text, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n", s->thread_usage.voluntary,
                s->thread_usage.involuntary);
}

int show_process_status(const struct proc_inode *inode, struct text *text)
{
    struct standing *standing = standing_of(inode);
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
        put_memory(text, standing);
    put_signals(text, s);
    put_capabilities(text, s);
    put_scheduling(text, inode, s);
    slab_free(standing);
    return 0;
}
