// SPDX-License-Identifier: MIT
/*
 * event.c - files that tell of events: eventfd, timerfd, signalfd.    Not here: epoll.c
 */
#include <linux/fcntl.h>
#include <linux/signalfd.h>
#include <linux/time.h>
#include <linux/timerfd.h>

#include "fs/eventfd.h"
#include "fs/timerfd.h"
#include "mm/usercopy.h"
#include "proc/signalfd.h"
#include "sys/descriptor.h"
#include "sys/syscall.h"
#include "sys/user_time.h"

static int64_t make_eventfd(unsigned count, unsigned flags)
{
    struct file *file;
    int error;

    if (flags & ~(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK))
        return -EINVAL;
    error = eventfd_create(count, flags, &file);
    return error ? error : descriptor_install_new(file, flags & EFD_CLOEXEC);
}

SYSCALL1(eventfd, unsigned, count)
{
    return make_eventfd(count, 0);
}

SYSCALL2(eventfd2, unsigned, count, unsigned, flags)
{
    return make_eventfd(count, flags);
}

/* Clocks that would wake a machine from suspension; there is none. */
static bool is_waking_clock(int clock)
{
    return clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
}

SYSCALL2(timerfd_create, int, clock, unsigned, flags)
{
    struct file *file;
    int error;

    if (flags & ~(TFD_CLOEXEC | TFD_NONBLOCK))
        return -EINVAL;
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME)
        return is_waking_clock(clock) ? -EOPNOTSUPP : -EINVAL;
    error = timerfd_create(clock == CLOCK_REALTIME, flags, &file);
    return error ? error : descriptor_install_new(file, flags & TFD_CLOEXEC);
}

/* The timerfd that `fd` names, with a reference. => 0, -EBADF, -EINVAL */
static int get_timerfd(int fd, struct file **file)
{
    *file = descriptor_file(fd);
    if (!*file)
        return -EBADF;
    if (file_is_timerfd(*file))
        return 0;
    file_put(*file);
    return -EINVAL;
}

SYSCALL4(timerfd_settime, int, fd, unsigned, flags, vaddr_t, new_address, vaddr_t, old_address)
{
    struct alarm_setting new, old;
    struct file *file;
    int error = user_itimerspec(new_address, &new);

    if (!error && (flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)))
        error = -EINVAL;
    if (!error)
        error = get_timerfd(fd, &file);
    if (error)
        return error;
    timerfd_set(file, &new, flags, &old);
    file_put(file);
    return old_address ? put_itimerspec(old_address, &old) : 0;
}

SYSCALL2(timerfd_gettime, int, fd, vaddr_t, address)
{
    struct alarm_setting setting;
    struct file *file;
    int error = get_timerfd(fd, &file);

    if (error)
        return error;
    timerfd_get(file, &setting);
    file_put(file);
    return put_itimerspec(address, &setting);
}

/* Change what the signalfd `fd` takes, or (-1) make one. */
static int64_t signalfd_of(int fd, sigset_t set, unsigned flags)
{
    struct file *file;
    int error;

    if (fd == -1) {
        error = signalfd_create(set, flags, &file);
        return error ? error : descriptor_install_new(file, flags & SFD_CLOEXEC);
    }
    file = descriptor_file(fd);
    if (!file)
        return -EBADF;
    error = signalfd_change(file, set);
    file_put(file);
    return error ? error : fd;
}

static int64_t do_signalfd(int fd, vaddr_t address, uint64_t set_size, unsigned flags)
{
    sigset_t set;

    if (set_size != sizeof(set))
        return -EINVAL;
    if (get_user_u64(&set, address))
        return -EFAULT;
    if (flags & ~(SFD_CLOEXEC | SFD_NONBLOCK))
        return -EINVAL;
    return signalfd_of(fd, set, flags);
}

SYSCALL3(signalfd, int, fd, vaddr_t, set, uint64_t, set_size)
{
    return do_signalfd(fd, set, set_size, 0);
}

SYSCALL4(signalfd4, int, fd, vaddr_t, set, uint64_t, set_size, unsigned, flags)
{
    return do_signalfd(fd, set, set_size, flags);
}
