// SPDX-License-Identifier: MIT
/*
 * timerfd.c - a timer whose expirations are read.
 */
#include "fs/timerfd.h"

#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/stat.h>
#include <linux/timerfd.h>

#include "fs/poll.h"
#include "lib/errno.h"
#include "mm/slab.h"
#include "sync/mutex.h"
#include "sync/wait.h"

/* Fields: (c) constant  (s) setting  (a) atomic */
struct timerfd {
    struct alarm alarm;
    struct mutex setting;               // one settime at a time
    bool wall;                          // (c) by the wall clock
    _Atomic bool cancelled_by_set;      // (a) a change of the wall clock ends a wait: TFD_TIMER_CANCEL_ON_SET
    _Atomic bool cancelled;             // (a) that has happened
    struct wait_queue readable;
};

static struct timerfd *timerfd_of_alarm(struct alarm *alarm)
{
    return container_of(alarm, struct timerfd, alarm);
}

static void timerfd_rings(struct alarm *alarm)
{
    wake_all_for(&timerfd_of_alarm(alarm)->readable, POLLIN);
}

static void timerfd_clock_set(struct alarm *alarm)
{
    struct timerfd *timer = timerfd_of_alarm(alarm);

    if (!timer->cancelled_by_set)
        return;
    timer->cancelled = true;
    wake_all_for(&timer->readable, POLLIN);
}

static const struct alarm_ops timerfd_alarm_ops = {.rings = timerfd_rings, .clock_set = timerfd_clock_set};

static bool may_read(const struct timerfd *timer)
{
    return timer->cancelled || alarm_has_rung(&timer->alarm);
}

static int64_t timerfd_read(struct file *file, struct io *io)
{
    struct timerfd *timer = file->private;
    uint64_t rung;

    if (io->left < sizeof rung)
        return -EINVAL;
    for (;;) {
        int error = -EAGAIN;

        rung = alarm_collect(&timer->alarm);
        if (atomic_exchange(&timer->cancelled, false))
            return -ECANCELED;
        if (rung != 0)
            break;
        if (!file_is_nonblocking(file))
            error = wait_event_interruptible(&timer->readable, may_read(timer));
        if (error != 0)
            return error;
    }
    return io_copy_out(io, &rung, sizeof rung) == sizeof rung ? (int64_t)sizeof rung : -EFAULT;
}

static uint32_t timerfd_poll(struct file *file, struct poll_table *table)
{
    struct timerfd *timer = file->private;

    poll_wait(table, &timer->readable);
    return may_read(timer) ? POLLIN : 0;
}

static void timerfd_release(struct file *file)
{
    struct timerfd *timer = file->private;

    alarm_end(&timer->alarm);
    slab_free(timer);
}

static const struct file_ops timerfd_file_ops = {
    .stream = true,
    .release = timerfd_release,
    .read = timerfd_read,
    .poll = timerfd_poll,
};

bool file_is_timerfd(const struct file *file)
{
    return file->ops == &timerfd_file_ops;
}

int timerfd_create(bool wall, unsigned flags, struct file **out)
{
    struct timerfd *timer = slab_zalloc(sizeof *timer);
    int error;

    if (timer == NULL)
        return -ENOMEM;
    alarm_init(&timer->alarm, &timerfd_alarm_ops);
    mutex_init(&timer->setting, "timerfd", RANK_FILE_OFFSET);
    wait_queue_init(&timer->readable);
    timer->wall = wall;
    error = file_create_nameless("anon_inode:[timerfd]", S_IRUSR | S_IWUSR, &timerfd_file_ops,
                                 O_RDWR | (flags & TFD_NONBLOCK), timer, out);
    if (error != 0)
        slab_free(timer);
    return error;
}

static int kind_of(const struct timerfd *timer, unsigned flags)
{
    if (!(flags & TFD_TIMER_ABSTIME))
        return ALARM_AFTER;
    return timer->wall ? ALARM_AT_WALL_TIME : ALARM_AT;
}

void timerfd_set(struct file *file, const struct alarm_setting *setting, unsigned flags, struct alarm_setting *old)
{
    struct timerfd *timer = file->private;

    mutex_lock(&timer->setting);
    alarm_get(&timer->alarm, old, 0);
    timer->cancelled_by_set = (flags & TFD_TIMER_CANCEL_ON_SET) != 0;
    timer->cancelled = false;
    alarm_set(&timer->alarm, setting, kind_of(timer, flags));
    mutex_unlock(&timer->setting);
}

void timerfd_get(struct file *file, struct alarm_setting *out)
{
    alarm_get(&((struct timerfd *)file->private)->alarm, out, 0);
}
