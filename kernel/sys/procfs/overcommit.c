// SPDX-License-Identifier: MIT
/*
 * overcommit.c - /proc/sys/vm/overcommit_*: how much memory may be promised.
 */
#include "sys/procfs/overcommit.h"

#include "lib/checked.h"
#include "lib/errno.h"
#include "mm/commit.h"
#include "sys/procfs/node.h"

/* A whole decimal number. => 0, -EINVAL */
static int parse(const char *text, uint64_t most, uint64_t *value)
{
    *value = 0;
    if (!*text)
        return -EINVAL;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || mul_overflows(*value, 10, value) || add_overflows(*value, *text - '0', value))
            return -EINVAL;
    }
    return *value <= most ? 0 : -EINVAL;
}

int show_overcommit_memory(const struct proc_inode *inode, struct text *text)
{
    struct commit_settings settings;

    (void)inode;
    commit_settings(&settings);
    text_printf(text, "%d\n", settings.mode);
    return 0;
}

int store_overcommit_memory(const struct proc_inode *inode, const char *value)
{
    struct commit_settings settings;
    uint64_t mode;

    (void)inode;
    if (parse(value, COMMIT_NEVER, &mode))
        return -EINVAL;
    commit_settings(&settings);
    settings.mode = mode;
    commit_configure(&settings);
    return 0;
}

int show_overcommit_ratio(const struct proc_inode *inode, struct text *text)
{
    struct commit_settings settings;

    (void)inode;
    commit_settings(&settings);
    text_printf(text, "%u\n", settings.ratio);
    return 0;
}

/* Of ratio and kilobytes the one that was set last counts; the other shows as 0. */
int store_overcommit_ratio(const struct proc_inode *inode, const char *value)
{
    struct commit_settings settings;
    uint64_t ratio;

    (void)inode;
    if (parse(value, INT32_MAX, &ratio))
        return -EINVAL;
    commit_settings(&settings);
    settings.ratio = ratio;
    settings.kilobytes = 0;
    commit_configure(&settings);
    return 0;
}

int show_overcommit_kbytes(const struct proc_inode *inode, struct text *text)
{
    struct commit_settings settings;

    (void)inode;
    commit_settings(&settings);
    text_printf(text, "%lu\n", settings.kilobytes);
    return 0;
}

int store_overcommit_kbytes(const struct proc_inode *inode, const char *value)
{
    struct commit_settings settings;
    uint64_t kilobytes;

    (void)inode;
    if (parse(value, UINT64_MAX, &kilobytes))
        return -EINVAL;
    commit_settings(&settings);
    settings.kilobytes = kilobytes;
    settings.ratio = 0;
    commit_configure(&settings);
    return 0;
}
