// SPDX-License-Identifier: MIT
/*
 * sysfs.c - /sys, as far as there is something to set: huge pages.
 *
 * The same tables as /proc's describe it, and the same code serves it (procfs.c).
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/huge.h"
#include "mm/leaf.h"
#include "sys/procfs/node.h"

#define SYS_DIRECTORY(file_name, child_table) { .name = (file_name), .mode = S_IFDIR | 0755, .children = (child_table) }

static const char *const modes[HUGE_MODES] = {[HUGE_ALWAYS] = "always", [HUGE_MADVISE] = "madvise", [HUGE_NEVER] = "never"};

/* All words, the one in force in brackets. */
static int show_enabled(const struct proc_inode *inode, struct text *text)
{
    struct huge_policy policy;

    (void)inode;
    huge_policy_get(&policy);
    for (unsigned i = 0; i < HUGE_MODES; i++)
        text_printf(text, i == policy.mode ? "%s[%s]" : "%s%s", i ? " " : "", modes[i]);
    text_puts(text, "\n");
    return 0;
}

static int store_enabled(const struct proc_inode *inode, const char *value)
{
    struct huge_policy policy;

    (void)inode;
    huge_policy_get(&policy);
    for (unsigned i = 0; i < HUGE_MODES; i++)
        if (!strcmp(value, modes[i])) {
            policy.mode = i;
            huge_policy_set(&policy);
            return 0;
        }
    return -EINVAL;
}

/* Nothing is moved together to make a run: a fault that finds none goes on with a small page. */
static int show_defrag(const struct proc_inode *inode, struct text *text)
{
    (void)inode;
    text_puts(text, "always defer defer+madvise madvise [never]\n");
    return 0;
}

static int store_defrag(const struct proc_inode *inode, const char *value)
{
    (void)inode;
    return strcmp(value, "never") ? -EINVAL : 0;
}

static int show_pmd_size(const struct proc_inode *inode, struct text *text)
{
    (void)inode;
    text_printf(text, "%lu\n", LEAF_SPAN);
    return 0;
}

static const struct proc_node huge_nodes[] = {
    PROC_SETTING("defrag", show_defrag, store_defrag),
    PROC_SETTING("enabled", show_enabled, store_enabled),
    PROC_FILE("hpage_pmd_size", 0444, show_pmd_size),
    {0},
};

static const struct proc_node mm_nodes[] = {
    SYS_DIRECTORY("transparent_hugepage", huge_nodes),
    {0},
};

static const struct proc_node kernel_nodes[] = {
    SYS_DIRECTORY("mm", mm_nodes),
    {0},
};

static const struct proc_node top_nodes[] = {
    SYS_DIRECTORY("kernel", kernel_nodes),
    {0},
};

const struct proc_node sys_root_node = {.name = "/", .mode = S_IFDIR | 0555, .children = top_nodes};
