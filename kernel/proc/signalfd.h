// SPDX-License-Identifier: MIT
/*
 * signalfd.h - signalfd(2): blocked signals that are read from a file.
 */
#ifndef PROC_SIGNALFD_H
#define PROC_SIGNALFD_H

#include "fs/file.h"
#include "proc/signal.h"

// `flags`: SFD_NONBLOCK counts. => 0, -ENOMEM
int signalfd_create(sigset_t set, unsigned flags, struct file **out) __must_check;

// Take these signals from now on. => 0, -EINVAL: `file` is no signalfd
int signalfd_change(struct file *file, sigset_t set) __must_check;

/* A signal waits for the process, or for a thread of it. => in any context */
void signalfd_tell(struct process *process);

#endif
