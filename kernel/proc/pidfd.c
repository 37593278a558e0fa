// SPDX-License-Identifier: MIT
/*
 * pidfd.c - files that name a process.
 */
#include "proc/pidfd.h"

#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/stat.h>

#include "fs/poll.h"
#include "proc/process.h"

// family_exit wakes the process's own queue, too.
static uint32_t pidfd_poll(struct file *file, struct poll_table *table)
{
    struct process *process = file->private;

    poll_wait(table, &process->events);
    return __atomic_load_n(&process->state, __ATOMIC_RELAXED) != PROCESS_ALIVE ? POLLIN | POLLRDNORM : 0;
}

static void pidfd_release(struct file *file)
{
    process_put(file->private);
}

static const struct file_ops pidfd_file_ops = {
    .stream = true,
    .release = pidfd_release,
    .poll = pidfd_poll,
};

int pidfd_create(struct process *process, bool nonblocking, struct file **out)
{
    int error = file_create_nameless("anon_inode:[pidfd]", S_IRUSR | S_IWUSR, &pidfd_file_ops,
                                     O_RDWR | (nonblocking ? O_NONBLOCK : 0), process, out);

    if (error == 0)
        process_get(process);
    return error;
}

struct process *pidfd_process(const struct file *file)
{
    return file->ops == &pidfd_file_ops ? file->private : NULL;
}
