// SPDX-License-Identifier: MIT
/*
 * rlimit.h - resource limits.
 */
#ifndef PROC_RLIMIT_H
#define PROC_RLIMIT_H

#include <linux/resource.h>

#include "lib/types.h"

struct process;

/* The soft limit of the running process for RLIMIT_... */
uint64_t rlimit_current(unsigned resource);

/* Bytes that the running process may lock in all: RLIMIT_MEMLOCK, or all there are for the superuser. */
uint64_t rlimit_locked_memory(void);

/*
 * prlimit(2): new and old may be NULL; `process` may be another one.
 *
 * => the caller has checked that it may look at `process`; raising a hard limit needs root
 * => 0, -EINVAL, -EPERM
 */
int rlimit_change(struct process *process, unsigned resource, const struct rlimit *new_limit,
                  struct rlimit *old_limit);

/* At boot: files ask here how long they may be. */
void rlimit_init(void);

/* What the first process starts with. */
void rlimit_set_defaults(struct rlimit limits[RLIM_NLIMITS]);

#endif
