// SPDX-License-Identifier: MIT
/*
 * usage.h - what processes have used, in the structure of the ABI.
 */
#ifndef SYS_USAGE_H
#define SYS_USAGE_H

#include "lib/types.h"

struct process_usage;

/* Write a struct rusage to user address `address`. => 0, -EFAULT */
__must_check int put_rusage(vaddr_t address, const struct process_usage *usage);

#endif
