// SPDX-License-Identifier: MIT
/*
 * epoll.h - epoll(7): a file that watches others, and tells which of them are ready.
 */
#ifndef FS_EPOLL_H
#define FS_EPOLL_H

#include <linux/eventpoll.h>

#include "fs/file.h"

// A new epoll. => 0, -ENOMEM
int epoll_create(struct file **out) __must_check;

bool file_is_epoll(const struct file *file);

/*
 * epoll_ctl(2). => `epoll` is one; the caller has references to both files, and `fd` is the number that named `file`
 *
 * add: 0, -EEXIST, -EPERM (it cannot be waited for), -ELOOP, -EINVAL (a circle; too many ways to wake), -ENOMEM
 * modify, remove: 0, -ENOENT; modify -EINVAL for what was added with EPOLLEXCLUSIVE
 */
int epoll_add(struct file *epoll, struct file *file, int fd, const struct epoll_event *event) __must_check;
int epoll_modify(struct file *epoll, struct file *file, int fd, const struct epoll_event *event) __must_check;
int epoll_remove(struct file *epoll, struct file *file, int fd) __must_check;

/*
 * epoll_wait(2): write up to `max` events to user address `events`.
 *
 * => how many; 0: the deadline (clock_ns; POLL_AT_ONCE, POLL_FOREVER) has passed; -EINTR, -EFAULT
 */
int epoll_collect(struct file *epoll, vaddr_t events, unsigned max, uint64_t deadline_ns) __must_check;

// Whether an epoll watches the file; and end that, as its last reference is gone. May sleep.
static inline bool epoll_watches(struct file *file)
{
    return __atomic_load_n(&file->watchers, __ATOMIC_ACQUIRE) != NULL;
}
void epoll_forget(struct file *file);

#endif
