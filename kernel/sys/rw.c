// SPDX-License-Identifier: MIT
/*
 * rw.c - read and write, at the file's position.    Not here: several buffers or an explicit offset: vector.c
 */
#include "sys/rw.h"

#include "proc/signal.h"
#include "proc/thread.h"
#include "sys/descriptor.h"
#include "sys/syscall.h"

int64_t write_result(int64_t result)
{
    struct signal_info info;

    if (unlikely(result == -EPIPE)) {
        signal_info_user(&info, SIGPIPE, SI_USER);
        signal_kill_thread(current_process()->id, current_thread()->tid->number, SIGPIPE, &info);
    }
    return restartable(result);
}

SYSCALL3(read, int, fd, vaddr_t, buffer, uint64_t, size)
{
    struct file *file = descriptor_file(fd);
    struct io io = io_user(buffer, MIN(size, RW_MAX), 0);
    int64_t result = -EFAULT;

    if (!file)
        return -EBADF;
    if (!(file->mode & FILE_READ))
        result = -EBADF;
    else if (user_range_ok(buffer, size))
        result = restartable(file_read(file, &io));
    file_put(file);
    return result;
}

SYSCALL3(write, int, fd, vaddr_t, buffer, uint64_t, size)
{
    struct file *file = descriptor_file(fd);
    struct io io = io_user(buffer, MIN(size, RW_MAX), 0);
    int64_t result = -EFAULT;

    if (!file)
        return -EBADF;
    if (!(file->mode & FILE_WRITE))
        result = -EBADF;
    else if (user_range_ok(buffer, size))
        result = write_result(file_write(file, &io));
    file_put(file);
    return result;
}
