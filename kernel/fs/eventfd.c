// SPDX-License-Identifier: MIT
/*
 * eventfd.c - a number that writes add to and reads take.
 *
 * Locking     None: the number changes by compare-and-exchange. It never reaches UINT64_MAX.
 */
#include "fs/eventfd.h"

#include <linux/poll.h>
#include <linux/stat.h>
#include <stdatomic.h>

#include "fs/poll.h"
#include "lib/errno.h"
#include "mm/slab.h"
#include "sync/wait.h"

#define COUNT_MAX (UINT64_MAX - 1)

struct eventfd {
    _Atomic uint64_t count;
    bool semaphore;                         // (c) a read takes one, not all
    struct wait_queue readable, writable;
};

// => what was taken; 0: nothing there
static uint64_t take(struct eventfd *event)
{
    uint64_t count = event->count, taken;

    do {
        taken = event->semaphore ? count != 0 : count;
    } while (!atomic_compare_exchange_weak(&event->count, &count, count - taken));
    return taken;
}

// => false: no room
static bool add(struct eventfd *event, uint64_t value)
{
    uint64_t count = event->count;

    do {
        if (value > COUNT_MAX - count)
            return false;
    } while (!atomic_compare_exchange_weak(&event->count, &count, count + value));
    return true;
}

static int64_t eventfd_read(struct file *file, struct io *io)
{
    struct eventfd *event = file->private;
    uint64_t taken;

    if (io->left < sizeof taken)
        return -EINVAL;
    while ((taken = take(event)) == 0) {
        int error = -EAGAIN;

        if (!file_is_nonblocking(file))
            error = wait_event_interruptible(&event->readable, event->count != 0);
        if (error != 0)
            return error;
    }
    wake_all_for(&event->writable, POLLOUT);
    return io_copy_out(io, &taken, sizeof taken) == sizeof taken ? (int64_t)sizeof taken : -EFAULT;
}

static int64_t eventfd_write(struct file *file, struct io *io)
{
    struct eventfd *event = file->private;
    uint64_t value;

    if (io->left < sizeof value)
        return -EINVAL;
    if (io_copy_in(io, &value, sizeof value) != sizeof value)
        return -EFAULT;
    if (value == UINT64_MAX)
        return -EINVAL;
    while (!add(event, value)) {
        int error = -EAGAIN;

        if (!file_is_nonblocking(file))
            error = wait_event_interruptible(&event->writable, value <= COUNT_MAX - event->count);
        if (error != 0)
            return error;
    }
    wake_all_for(&event->readable, POLLIN);
    return sizeof value;
}

static uint32_t eventfd_poll(struct file *file, struct poll_table *table)
{
    struct eventfd *event = file->private;
    uint64_t count;

    poll_wait(table, &event->readable);
    poll_wait(table, &event->writable);
    count = event->count;
    return (count != 0 ? POLLIN : 0) | (count < COUNT_MAX ? POLLOUT : 0);
}

static void eventfd_release(struct file *file)
{
    slab_free(file->private);
}

static const struct file_ops eventfd_file_ops = {
    .stream = true,
    .release = eventfd_release,
    .read = eventfd_read,
    .write = eventfd_write,
    .poll = eventfd_poll,
};

int eventfd_create(uint64_t count, unsigned flags, struct file **out)
{
    struct eventfd *event = slab_zalloc(sizeof *event);
    int error;

    if (event == NULL)
        return -ENOMEM;
    event->count = count;
    event->semaphore = flags & EFD_SEMAPHORE;
    wait_queue_init(&event->readable);
    wait_queue_init(&event->writable);
    error = file_create_nameless("anon_inode:[eventfd]", S_IRUSR | S_IWUSR, &eventfd_file_ops,
                                 O_RDWR | (flags & EFD_NONBLOCK), event, out);
    if (error != 0)
        slab_free(event);
    return error;
}
