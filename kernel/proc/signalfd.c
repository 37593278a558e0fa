// SPDX-License-Identifier: MIT
/*
 * signalfd.c - blocked signals that are read from a file.
 *
 * Theory      Whoever reads or polls a signalfd takes its own signals: those of its thread and its process, whoever
 *             made the file. So it waits in a queue of its process, not of the file. An epoll may stand in that queue
 *             after the process has ended; so the queues lie here and stay. A few are shared by all processes: one
 *             that is woken for another's signal looks, and finds nothing.
 */
#include "proc/signalfd.h"

#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/signalfd.h>
#include <linux/stat.h>

#include "fs/poll.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/process.h"
#include "proc/signal_queue.h"
#include "sync/wait.h"

#define QUEUES 8u

static struct wait_queue queues[QUEUES] = {
    WAIT_QUEUE_INIT(queues[0]), WAIT_QUEUE_INIT(queues[1]), WAIT_QUEUE_INIT(queues[2]), WAIT_QUEUE_INIT(queues[3]),
    WAIT_QUEUE_INIT(queues[4]), WAIT_QUEUE_INIT(queues[5]), WAIT_QUEUE_INIT(queues[6]), WAIT_QUEUE_INIT(queues[7]),
};

struct signalfd {
    _Atomic sigset_t set;       // what it takes
};

static struct wait_queue *queue_of(const struct process *process)
{
    return &queues[(unsigned)process->id % QUEUES];
}

void signalfd_tell(struct process *process)
{
    wake_all_for(queue_of(process), POLLIN);
}

/* Whether there is one to take, as a wait may ask: without a lock. */
static bool may_read(const struct signalfd *signals)
{
    const struct thread *thread = current_thread();
    sigset_t waiting = __atomic_load_n(&thread->pending.set, __ATOMIC_RELAXED)
                       | __atomic_load_n(&thread->process->pending.set, __ATOMIC_RELAXED);

    return (waiting & signals->set) != 0;
}

static void put_sender(struct signalfd_siginfo *out, const struct signal_info *info)
{
    out->ssi_pid = (uint32_t)info->si_pid;
    out->ssi_uid = info->si_uid;
}

static void put_value(struct signalfd_siginfo *out, const struct signal_info *info)
{
    out->ssi_int = info->si_int;
    out->ssi_ptr = (uint64_t)info->si_ptr;
}

static void put_child(struct signalfd_siginfo *out, const struct signal_info *info)
{
    put_sender(out, info);
    out->ssi_status = info->si_status;
    out->ssi_utime = (uint64_t)info->si_utime;
    out->ssi_stime = (uint64_t)info->si_stime;
}

/* What the kernel says of a signal (si_code above 0) depends on the signal. */
static void put_from_kernel(struct signalfd_siginfo *out, const struct signal_info *info)
{
    if (info->si_code == SI_KERNEL)
        return;
    if (info->si_signo == SIGCHLD)
        put_child(out, info);
    else if (SIGNAL_BIT(info->si_signo) & SIGNAL_SYNCHRONOUS)
        out->ssi_addr = (uint64_t)info->si_addr;
}

static void put_info(struct signalfd_siginfo *out, const struct signal_info *info)
{
    memset(out, 0, sizeof *out);
    out->ssi_signo = (uint32_t)info->si_signo;
    out->ssi_errno = info->si_errno;
    out->ssi_code = info->si_code;
    if (info->si_code > 0) {
        put_from_kernel(out, info);
    } else if (info->si_code == SI_TIMER) {
        out->ssi_tid = (uint32_t)info->si_tid;
        out->ssi_overrun = (uint32_t)info->si_overrun;
        put_value(out, info);
    } else {
        put_sender(out, info);
        if (info->si_code != SI_USER)
            put_value(out, info);
    }
}

/* Take one signal and tell of it. => 1, 0: there is none, -EFAULT: it is lost, as on Linux */
static int read_one(const struct signalfd *signals, struct io *io)
{
    struct signalfd_siginfo out;
    struct signal_info info;

    if (signal_accept(signals->set, &info) == 0)
        return 0;
    put_info(&out, &info);
    return io_copy_out(io, &out, sizeof out) == sizeof out ? 1 : -EFAULT;
}

static int64_t signalfd_read(struct file *file, struct io *io)
{
    const struct signalfd *signals = file->private;
    size_t wanted = io->left / sizeof(struct signalfd_siginfo), count = 0;
    int result = 0;

    if (wanted == 0)
        return -EINVAL;
    while (count < wanted) {
        result = read_one(signals, io);
        if (result > 0)
            count++;
        else if (result == 0 && count == 0 && !file_is_nonblocking(file))
            result = wait_event_interruptible(queue_of(current_process()), may_read(signals));
        else
            break;
        if (result < 0)
            break;
    }
    if (count != 0)
        return (int64_t)(count * sizeof(struct signalfd_siginfo));
    return result != 0 ? result : -EAGAIN;
}

static uint32_t signalfd_poll(struct file *file, struct poll_table *table)
{
    poll_wait(table, queue_of(current_process()));
    return may_read(file->private) ? POLLIN : 0;
}

static void signalfd_release(struct file *file)
{
    slab_free(file->private);
}

static const struct file_ops signalfd_file_ops = {
    .stream = true,
    .release = signalfd_release,
    .read = signalfd_read,
    .poll = signalfd_poll,
};

int signalfd_create(sigset_t set, unsigned flags, struct file **out)
{
    struct signalfd *signals = slab_alloc(sizeof *signals);
    int error;

    if (signals == NULL)
        return -ENOMEM;
    signals->set = set & ~SIGNAL_UNMASKABLE;
    error = file_create_nameless("anon_inode:[signalfd]", S_IRUSR | S_IWUSR, &signalfd_file_ops,
                                 O_RDWR | (flags & SFD_NONBLOCK), signals, out);
    if (error != 0)
        slab_free(signals);
    return error;
}

int signalfd_change(struct file *file, sigset_t set)
{
    struct signalfd *signals = file->private;

    if (file->ops != &signalfd_file_ops)
        return -EINVAL;
    signals->set = set & ~SIGNAL_UNMASKABLE;
    signalfd_tell(current_process());
    return 0;
}
