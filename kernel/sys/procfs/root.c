// SPDX-License-Identifier: MIT
/*
 * root.c - the names at the top of /proc.
 */
#include <stddef.h>

#include "lib/printf.h"
#include "lib/string.h"
#include "proc/process.h"
#include "sys/procfs/node.h"
#include "sys/procfs/page_files.h"
#include "sys/procfs/system.h"

/* A link's text is cut at `size` and has no end. => its length */
static int64_t put_link(char *buffer, size_t size, const char *text)
{
    size_t length = MIN(strlen(text), size);

    memcpy(buffer, text, length);
    return length;
}

static int64_t self_link(const struct proc_inode *inode, char *buffer, size_t size)
{
    char text[16];

    (void)inode;
    snprintf(text, sizeof(text), "%d", current_process()->id);
    return put_link(buffer, size, text);
}

static int64_t thread_self_link(const struct proc_inode *inode, char *buffer, size_t size)
{
    char text[32];

    (void)inode;
    snprintf(text, sizeof(text), "%d/task/%d", current_process()->id, current_thread()->tid->number);
    return put_link(buffer, size, text);
}

static int64_t mounts_link(const struct proc_inode *inode, char *buffer, size_t size)
{
    (void)inode;
    return put_link(buffer, size, "self/mounts");
}

static int64_t next_process(const struct proc_inode *dir, uint32_t from)
{
    struct process *process = process_find_from(from);
    int64_t id = process ? process->id : -1;

    (void)dir;
    if (process)
        process_put(process);
    return id;
}

static const struct proc_listing processes = {
    .node = &proc_process_node,
    .next = next_process,
    .of_processes = true,
};

static const struct proc_node sysvipc_nodes[] = {
    PROC_FILE("msg", 0444, show_sysvipc_msg),
    PROC_FILE("sem", 0444, show_sysvipc_sem),
    PROC_FILE("shm", 0444, show_sysvipc_shm),
    {0},
};

static const struct proc_node root_children[] = {
    {.name = "self", .mode = S_IFLNK | 0777, .link = self_link},
    {.name = "thread-self", .mode = S_IFLNK | 0777, .link = thread_self_link},
    {.name = "mounts", .mode = S_IFLNK | 0777, .link = mounts_link},
    PROC_FILE("cmdline", 0444, show_kernel_cmdline),
    PROC_FILE("cpuinfo", 0444, show_cpuinfo),
    PROC_FILE("devices", 0444, show_devices),
    PROC_FILE("diskstats", 0444, show_diskstats),
    PROC_FILE("filesystems", 0444, show_filesystems),
    PROC_FILE("interrupts", 0444, show_interrupts),
    PROC_FILE("kmsg", 0400, show_kmsg),
    {.name = "kpagecount", .mode = S_IFREG | 0400, .flags = PROC_RAW, .ops = &kpagecount_ops},
    {.name = "kpageflags", .mode = S_IFREG | 0400, .flags = PROC_RAW, .ops = &kpageflags_ops},
    PROC_FILE("loadavg", 0444, show_loadavg),
    PROC_FILE("locks", 0444, show_locks),
    PROC_FILE("meminfo", 0444, show_meminfo),
    PROC_FILE("partitions", 0444, show_partitions),
    PROC_FILE("slabinfo", 0400, show_slabinfo),
    PROC_FILE("stat", 0444, show_stat),
    PROC_FILE("swaps", 0444, show_swaps),
    PROC_FILE("uptime", 0444, show_uptime),
    PROC_FILE("version", 0444, show_version),
    PROC_FILE("vmstat", 0444, show_vmstat),
    PROC_DIRECTORY("gaur", proc_gaur_nodes),
    PROC_DIRECTORY("sys", proc_sys_nodes),
    PROC_DIRECTORY("sysvipc", sysvipc_nodes),
    {0},
};

const struct proc_node proc_root_node = {
    .name = "/",
    .mode = S_IFDIR | 0555,
    .children = root_children,
    .listing = &processes,
};
