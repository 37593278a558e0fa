// SPDX-License-Identifier: MIT
/*
 * descriptor.h - from a program's small number to an open file, for the system calls.
 */
#ifndef SYS_DESCRIPTOR_H
#define SYS_DESCRIPTOR_H

#include "fs/file.h"
#include "fs/file_table.h"
#include "lib/errno.h"
#include "proc/process.h"
#include "proc/rlimit.h"

/* The file behind `fd`, files opened with O_PATH too, with a reference. NULL: -EBADF. */
static inline struct file *descriptor_any(int fd)
{
    return fd_get(current_process()->files, fd);
}

/* The file behind `fd`, with a reference, unless it is open as a name only (O_PATH). NULL: -EBADF. */
static inline struct file *descriptor_file(int fd)
{
    struct file *file = descriptor_any(fd);

    if (file && unlikely(file->mode & FILE_PATH)) {
        file_put(file);
        return NULL;
    }
    return file;
}

/* Reserve the lowest free number from `first` on, within RLIMIT_NOFILE. => as fd_alloc */
__must_check static inline int descriptor_alloc(int first, bool close_on_exec)
{
    return fd_alloc(current_process()->files, first, rlimit_current(RLIMIT_NOFILE), close_on_exec);
}

static inline void descriptor_install(int fd, struct file *file)
{
    fd_install(current_process()->files, fd, file);
}

static inline void descriptor_cancel(int fd)
{
    fd_cancel(current_process()->files, fd);
}

/* A number for a file just made, whose reference is taken over in any case. => the number, or as fd_alloc */
__must_check static inline int descriptor_install_new(struct file *file, bool close_on_exec)
{
    int fd = descriptor_alloc(0, close_on_exec);

    if (fd < 0)
        file_put(file);
    else
        descriptor_install(fd, file);
    return fd;
}

#endif
