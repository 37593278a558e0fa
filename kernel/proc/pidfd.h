// SPDX-License-Identifier: MIT
/*
 * pidfd.h - files that name a process, whatever becomes of its number. Readable when it has ended.
 */
#ifndef PROC_PIDFD_H
#define PROC_PIDFD_H

#include "fs/file.h"

struct process;

// `nonblocking`: waitid does not wait for it. => 0, -ENOMEM
int pidfd_create(struct process *process, bool nonblocking, struct file **out) __must_check;

// The process that the file names; the file's reference. NULL: it is no such file.
struct process *pidfd_process(const struct file *file);

#endif
