// SPDX-License-Identifier: MIT
/*
 * lock.h - fcntl's commands for locks, called by descriptor.c.
 */
#ifndef SYS_LOCK_H
#define SYS_LOCK_H

#include "lib/types.h"

struct file;

/* F_GETLK, F_SETLK, F_SETLKW and the three of OFD locks; `file` is what `fd` named. */
int64_t fcntl_lock(int fd, struct file *file, unsigned command, vaddr_t argument);

#endif
