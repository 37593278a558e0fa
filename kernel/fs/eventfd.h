// SPDX-License-Identifier: MIT
/*
 * eventfd.h - eventfd(2): a number that writes add to and reads take.
 */
#ifndef FS_EVENTFD_H
#define FS_EVENTFD_H

#include <linux/fcntl.h>

#include "fs/file.h"

// Of eventfd(2); no UAPI header has them.
#define EFD_SEMAPHORE 1u
#define EFD_CLOEXEC O_CLOEXEC
#define EFD_NONBLOCK O_NONBLOCK

// `flags`: EFD_SEMAPHORE and EFD_NONBLOCK count. => 0, -ENOMEM
int eventfd_create(uint64_t count, unsigned flags, struct file **out) __must_check;

#endif
