// SPDX-License-Identifier: MIT
/*
 * epoll.c - epoll_create, epoll_ctl, epoll_wait and their kin: decode for fs/epoll.h.
 */
#include "fs/epoll.h"

#include "mm/usercopy.h"
#include "proc/signal.h"
#include "proc/thread.h"
#include "sys/descriptor.h"
#include "sys/poll.h"
#include "sys/rw.h"
#include "sys/syscall.h"
#include "sys/user_time.h"

#define EVENTS_MAX (INT32_MAX / sizeof(struct epoll_event))

/* What may be asked for together with EPOLLEXCLUSIVE. */
#define WITH_EXCLUSIVE (EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)

static int64_t make_epoll(unsigned flags)
{
    struct file *file;
    int error;

    if (flags & ~EPOLL_CLOEXEC)
        return -EINVAL;
    error = epoll_create(&file);
    return error ? error : descriptor_install_new(file, flags & EPOLL_CLOEXEC);
}

SYSCALL1(epoll_create, int, size)
{
    return size <= 0 ? -EINVAL : make_epoll(0);
}

SYSCALL1(epoll_create1, unsigned, flags)
{
    return make_epoll(flags);
}

/* EPOLLEXCLUSIVE can be given only once, to begin with, for what is no epoll. */
static bool exclusive_ok(int operation, const struct file *file, uint32_t events)
{
    if (operation == EPOLL_CTL_DEL || !(events & EPOLLEXCLUSIVE))
        return true;
    return operation == EPOLL_CTL_ADD && !file_is_epoll(file) && !(events & ~WITH_EXCLUSIVE);
}

static int control(struct file *epoll, int operation, int fd, struct file *file, const struct epoll_event *event)
{
    if (!file->ops->poll)
        return -EPERM;
    if (file == epoll || !file_is_epoll(epoll) || !exclusive_ok(operation, file, event->events))
        return -EINVAL;
    switch (operation) {
    case EPOLL_CTL_ADD:
        return epoll_add(epoll, file, fd, event);
    case EPOLL_CTL_MOD:
        return epoll_modify(epoll, file, fd, event);
    case EPOLL_CTL_DEL:
        return epoll_remove(epoll, file, fd);
    default:
        return -EINVAL;
    }
}

SYSCALL4(epoll_ctl, int, epfd, int, operation, int, fd, vaddr_t, address)
{
    struct epoll_event event = {0};
    struct file *epoll, *file;
    int64_t result = -EBADF;

    if (operation != EPOLL_CTL_DEL && copy_from_user(&event, address, sizeof(event)))
        return -EFAULT;
    event.events &= ~EPOLLWAKEUP;   // nothing here ever suspends the machine
    epoll = descriptor_file(epfd);
    file = descriptor_file(fd);
    if (epoll && file)
        result = control(epoll, operation, fd, file, &event);
    if (epoll)
        file_put(epoll);
    if (file)
        file_put(file);
    return result;
}

static int64_t wait_for_events(int epfd, vaddr_t events, int max, uint64_t deadline)
{
    struct file *epoll;
    int64_t result = -EINVAL;

    if (max <= 0 || (unsigned)max > EVENTS_MAX)
        return -EINVAL;
    if (!user_range_ok(events, max * sizeof(struct epoll_event)))
        return -EFAULT;
    epoll = descriptor_file(epfd);
    if (!epoll)
        return -EBADF;
    if (file_is_epoll(epoll))
        result = epoll_collect(epoll, events, max, deadline);
    file_put(epoll);
    return result;
}

static uint64_t deadline_of(int milliseconds)
{
    if (milliseconds < 0)
        return POLL_FOREVER;
    return milliseconds ? deadline_after(milliseconds * 1000000ull) : POLL_AT_ONCE;
}

/* With another signal mask meanwhile. A signal that ends the wait puts the old one back itself. */
static int64_t wait_with_mask(int epfd, vaddr_t events, int max, uint64_t deadline, vaddr_t mask, uint64_t mask_size)
{
    int64_t result = poll_take_mask(mask, mask_size);

    if (result)
        return result;
    result = wait_for_events(epfd, events, max, deadline);
    return result == -EINTR ? result : poll_result(result);
}

SYSCALL4(epoll_wait, int, epfd, vaddr_t, events, int, max, int, milliseconds)
{
    return wait_for_events(epfd, events, max, deadline_of(milliseconds));
}

SYSCALL6(epoll_pwait, int, epfd, vaddr_t, events, int, max, int, milliseconds, vaddr_t, mask, uint64_t, mask_size)
{
    return wait_with_mask(epfd, events, max, deadline_of(milliseconds), mask, mask_size);
}

SYSCALL6(epoll_pwait2, int, epfd, vaddr_t, events, int, max, vaddr_t, timeout, vaddr_t, mask, uint64_t, mask_size)
{
    uint64_t deadline;
    int error = poll_deadline(timeout, &deadline);

    return error ? error : wait_with_mask(epfd, events, max, deadline, mask, mask_size);
}
