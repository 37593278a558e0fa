// SPDX-License-Identifier: MIT
/*
 * process.c - the names below /proc/PID, and its small files.
 */
#include "sys/procfs/process.h"

#include "arch/x86/trap.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/fault.h"
#include "proc/process.h"
#include "sys/procfs/node.h"
#include "sys/procfs/page_files.h"

struct thread *proc_thread(const struct proc_inode *inode)
{
    struct pid *pid = pid_find(inode->number);

    return pid && pid->thread && pid->thread->process == inode->process ? pid->thread : NULL;
}

static int show_comm(const struct proc_inode *inode, struct text *text)
{
    uint64_t flags = spin_lock_irq(&process_tree);
    struct thread *thread = proc_thread(inode);
    char comm[COMM_SIZE];

    memcpy(comm, thread ? thread->comm : inode->process->comm, COMM_SIZE);
    spin_unlock_irq(&process_tree, flags);
    text_printf(text, "%s\n", comm);
    return 0;
}

/* Only its own process changes a thread's name. */
static int store_comm(const struct proc_inode *inode, const char *value)
{
    return inode->process == current_process() ? process_name_thread(inode->number, value) : -EINVAL;
}

/* ---- limits ---- */

static const struct limit_name {
    const char *name, *unit;
} limit_names[RLIM_NLIMITS] = {
    [RLIMIT_CPU] = {"Max cpu time", "seconds"},
    [RLIMIT_FSIZE] = {"Max file size", "bytes"},
    [RLIMIT_DATA] = {"Max data size", "bytes"},
    [RLIMIT_STACK] = {"Max stack size", "bytes"},
    [RLIMIT_CORE] = {"Max core file size", "bytes"},
    [RLIMIT_RSS] = {"Max resident set", "bytes"},
    [RLIMIT_NPROC] = {"Max processes", "processes"},
    [RLIMIT_NOFILE] = {"Max open files", "files"},
    [RLIMIT_MEMLOCK] = {"Max locked memory", "bytes"},
    [RLIMIT_AS] = {"Max address space", "bytes"},
    [RLIMIT_LOCKS] = {"Max file locks", "locks"},
    [RLIMIT_SIGPENDING] = {"Max pending signals", "signals"},
    [RLIMIT_MSGQUEUE] = {"Max msgqueue size", "bytes"},
    [RLIMIT_NICE] = {"Max nice priority", NULL},
    [RLIMIT_RTPRIO] = {"Max realtime priority", NULL},
    [RLIMIT_RTTIME] = {"Max realtime timeout", "us"},
};

static void put_limit(struct text *text, uint64_t value)
{
    if (value == RLIM_INFINITY)
        text_printf(text, "%-20s ", "unlimited");
    else
        text_printf(text, "%-20lu ", value);
}

static int show_limits(const struct proc_inode *inode, struct text *text)
{
    struct rlimit limit;

    text_printf(text, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (unsigned i = 0; i < RLIM_NLIMITS; i++) {
        spin_lock(&inode->process->lock);
        limit = inode->process->limits[i];
        spin_unlock(&inode->process->lock);
        text_printf(text, "%-25s ", limit_names[i].name);
        put_limit(text, limit.rlim_cur);
        put_limit(text, limit.rlim_max);
        if (limit_names[i].unit)
            text_printf(text, "%-10s\n", limit_names[i].unit);
        else
            text_puts(text, "\n");
    }
    return 0;
}

/* ---- gaur/fault ---- */

/* => false: there is no such thread */
static bool last_fault(const struct proc_inode *inode, struct fault *fault)
{
    uint64_t flags = spin_lock_irq(&process_tree);
    struct thread *thread = proc_thread(inode);

    if (thread)
        *fault = thread->last_fault;
    spin_unlock_irq(&process_tree, flags);
    return thread;
}

static int show_fault(const struct proc_inode *inode, struct text *text)
{
    struct fault fault = {0};

    if (!last_fault(inode, &fault))
        return -ESRCH;
    text_printf(text, "address 0x%lx\ncode 0x%x\n", fault.address, fault.code);
    text_printf(text, "bits P=%d W=%d U=%d I=%d\n", !!(fault.code & PF_P), !!(fault.code & PF_W),
                !!(fault.code & PF_U), !!(fault.code & PF_I));
    text_printf(text, "cause %s\noutcome %s\n", fault_cause_name(fault.cause), fault_outcome_name(fault.outcome));
    return 0;
}

static const struct proc_node gaur_nodes[] = {
    {.name = "fault", .mode = S_IFREG | 0444, .flags = PROC_INSPECT, .show = show_fault},
    {0},
};

/* ---- The directories ---- */

#define INSPECTED_FILE(file_name, permissions, show_function)                                                  \
    { .name = (file_name), .mode = S_IFREG | (permissions), .flags = PROC_INSPECT, .show = (show_function) }
#define MEMORY_FILE(file_name, more_flags, permissions, show_function)                                         \
    { .name = (file_name), .mode = S_IFREG | (permissions), .flags = PROC_PLAIN | (more_flags), .show = (show_function) }
#define INSPECTED_LINK(file_name, link_function, follow_function)                                              \
    {                                                                                                          \
        .name = (file_name), .mode = S_IFLNK | 0777, .flags = PROC_INSPECT, .link = (link_function),           \
        .follow = (follow_function)                                                                            \
    }

static const struct proc_listing threads;

/* A process has all of these, a thread all but the first. */
static const struct proc_node process_nodes[] = {
    {.name = "task", .mode = S_IFDIR | 0555, .listing = &threads},
    MEMORY_FILE("auxv", PROC_INSPECT | PROC_OUTLIVES, 0400, show_auxv),
    MEMORY_FILE("cmdline", 0, 0444, show_cmdline),
    {.name = "comm", .mode = S_IFREG | 0644, .show = show_comm, .store = store_comm},
    INSPECTED_LINK("cwd", cwd_link, cwd_follow),
    MEMORY_FILE("environ", PROC_INSPECT | PROC_OUTLIVES, 0400, show_environ),
    INSPECTED_LINK("exe", exe_link, exe_follow),
    {.name = "fd", .mode = S_IFDIR | 0500, .listing = &proc_fds},
    {.name = "fdinfo", .mode = S_IFDIR | 0500, .listing = &proc_fdinfos},
    PROC_DIRECTORY("gaur", gaur_nodes),
    PROC_FILE("limits", 0444, show_limits),
    INSPECTED_FILE("maps", 0444, show_maps),
    PROC_FILE("mountinfo", 0444, show_mountinfo),
    PROC_FILE("mounts", 0444, show_mounts),
    PROC_SETTING("oom_adj", show_oom_adj, store_oom_adj),
    PROC_FILE("oom_score", 0444, show_oom_score),
    PROC_SETTING("oom_score_adj", show_oom_score_adj, store_oom_score_adj),
    {.name = "pagemap", .mode = S_IFREG | 0400, .flags = PROC_INSPECT | PROC_RAW, .ops = &pagemap_ops},
    INSPECTED_LINK("root", root_link, root_follow),
    INSPECTED_FILE("smaps", 0444, show_smaps),
    INSPECTED_FILE("smaps_rollup", 0444, show_smaps_rollup),
    {.name = "stack", .mode = S_IFREG | 0400, .show = show_stack},
    PROC_FILE("stat", 0444, show_process_stat),
    PROC_FILE("statm", 0444, show_process_statm),
    PROC_FILE("status", 0444, show_process_status),
    PROC_FILE("wchan", 0444, show_wchan),
    {0},
};

static int64_t next_thread(const struct proc_inode *dir, uint32_t from)
{
    pid_t tid = process_next_thread(dir->process, from);

    return tid ? tid : -1;
}

static const struct proc_node thread_node = {
    .name = "thread", .mode = S_IFDIR | 0555, .children = process_nodes + 1,
};
static const struct proc_listing threads = {.node = &thread_node, .next = next_thread, .of_threads = true};

const struct proc_node proc_process_node = {.name = "process", .mode = S_IFDIR | 0555, .children = process_nodes};
