// SPDX-License-Identifier: MIT
/*
 * oom.c - /proc/PID/{oom_score,oom_score_adj,oom_adj}: how likely a process is to be ended when memory has run out.
 */
#include <linux/oom.h>

#include "fs/credentials.h"
#include "lib/errno.h"
#include "proc/cred.h"
#include "proc/oom.h"
#include "proc/process.h"
#include "sys/procfs/node.h"
#include "sys/procfs/process.h"

int show_oom_score(const struct proc_inode *inode, struct text *text)
{
    text_printf(text, "%lu\n", oom_score(inode->process));
    return 0;
}

int show_oom_score_adj(const struct proc_inode *inode, struct text *text)
{
    text_printf(text, "%d\n", inode->process->oom_score_adj);
    return 0;
}

/* A whole number, perhaps below zero. => 0, -EINVAL */
static int parse(const char *value, int least, int most, int *out)
{
    bool negative = *value == '-';
    int number = 0;

    value += negative;
    if (!*value)
        return -EINVAL;
    for (; *value; value++) {
        if (*value < '0' || *value > '9' || number > most * 10)
            return -EINVAL;
        number = number * 10 + *value - '0';
    }
    *out = negative ? -number : number;
    return *out >= least && *out <= most ? 0 : -EINVAL;
}

/* Anybody may make it worse for their own processes; better only the superuser. */
static int adjust(struct process *process, int adjustment)
{
    if (adjustment < process->oom_score_adj_least && !credentials_is_root(current_credentials()))
        return -EACCES;
    process->oom_score_adj = adjustment;
    if (credentials_is_root(current_credentials()))
        process->oom_score_adj_least = adjustment;
    return 0;
}

int store_oom_score_adj(const struct proc_inode *inode, const char *value)
{
    int adjustment, error = parse(value, OOM_SCORE_ADJ_MIN, OOM_SCORE_ADJ_MAX, &adjustment);

    return error ? error : adjust(inode->process, adjustment);
}

/* The old scale, -17 to 15. */
int show_oom_adj(const struct proc_inode *inode, struct text *text)
{
    int adjustment = inode->process->oom_score_adj;

    text_printf(text, "%d\n",
                adjustment == OOM_SCORE_ADJ_MAX ? OOM_ADJUST_MAX : adjustment * -OOM_DISABLE / OOM_SCORE_ADJ_MAX);
    return 0;
}

int store_oom_adj(const struct proc_inode *inode, const char *value)
{
    int old, error = parse(value, OOM_DISABLE, OOM_ADJUST_MAX, &old);

    if (error)
        return error;
    return adjust(inode->process, old == OOM_ADJUST_MAX ? OOM_SCORE_ADJ_MAX : old * OOM_SCORE_ADJ_MAX / -OOM_DISABLE);
}
