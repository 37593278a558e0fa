// SPDX-License-Identifier: MIT
/*
 * pty_master.c - the end of a pseudo-terminal that a program holds: it reads what the terminal shows, and what it writes
 * is typed there. In packet mode a byte in front of each read tells what has happened (TIOCPKT in ioctl_tty(2)).
 */
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <linux/poll.h>

#include "dev/pty_private.h"
#include "dev/tty_private.h"
#include "fs/poll.h"
#include "lib/errno.h"
#include "mm/usercopy.h"

#define CHUNK 128u                      // characters typed at a time

// What is in the ring, to its end at most. => bytes, -EFAULT
static int64_t take_run(struct pty *pty, struct io *io)
{
    uint32_t tail = pty->tail, at = tail % RING_SIZE;
    size_t n = MIN(MIN(pty_written(pty), RING_SIZE - at), io->left);
    size_t moved = io_copy_out(io, pty->ring + at, n);

    pty->tail = tail + (uint32_t)moved;
    return moved == 0 && n > 0 ? -EFAULT : (int64_t)moved;
}

static int64_t take(struct pty *pty, struct io *io)
{
    int64_t total = 0, moved;

    do {
        moved = take_run(pty, io);
        if (moved > 0)
            total += moved;
    } while (moved > 0 && io->left > 0);
    tty_writable(pty->tty);
    return total > 0 ? total : moved;
}

static int64_t take_byte(struct io *io, uint8_t byte)
{
    return io_copy_out(io, &byte, 1) == 1 ? 1 : -EFAULT;
}

// The byte in front, then data. => bytes, -EFAULT
static int64_t take_packet(struct pty *pty, struct io *io)
{
    int64_t first = take_byte(io, TIOCPKT_DATA), rest = 0;

    if (first > 0 && io->left > 0)
        rest = take(pty, io);
    return rest > 0 ? first + rest : first;
}

static bool has_events(const struct pty *pty)
{
    return pty->packet && pty->events != 0;
}

static bool may_read(const struct pty *pty)
{
    return pty_written(pty) > 0 || pty->closed || has_events(pty);
}

static int64_t read_locked(struct pty *pty, struct io *io, bool nonblocking)
{
    for (;;) {
        bool closed = pty->closed; // first: what was written before counts
        uint8_t events = pty->packet ? atomic_exchange(&pty->events, 0) : 0;
        int error;

        if (events != 0)
            return take_byte(io, events);
        if (pty_written(pty) > 0)
            return pty->packet ? take_packet(pty, io) : take(pty, io);
        if (closed)
            return -EIO;
        error = nonblocking ? -EAGAIN : wait_event_interruptible(&pty->readable, may_read(pty));
        if (error != 0)
            return error;
    }
}

static int64_t master_read(struct file *file, struct io *io)
{
    struct pty *pty = file->private;
    bool nonblocking = file_is_nonblocking(file);
    int64_t result;

    if (io->left == 0)
        return 0;
    result = tty_take_turn(&pty->read_lock, nonblocking);
    if (result != 0)
        return result;
    result = read_locked(pty, io, nonblocking);
    mutex_unlock(&pty->read_lock);
    return result;
}

// Characters that can be typed now.
static size_t room(const struct pty *pty)
{
    return pty->suspended ? 0 : tty_room(pty->tty);
}

// => characters typed, or -EFAULT
static int64_t type(struct pty *pty, struct io *io, size_t most)
{
    uint8_t data[CHUNK];
    size_t n = io_copy_in(io, data, MIN(most, sizeof data));

    if (n == 0)
        return -EFAULT;
    tty_receive(pty->tty, data, n);
    return (int64_t)n;
}

static int64_t write_locked(struct pty *pty, struct io *io, bool nonblocking)
{
    int64_t total = 0, result = 0;

    while (io->left > 0 && result >= 0) {
        size_t most = room(pty);

        if (most > 0)
            result = type(pty, io, most);
        else if (nonblocking)
            result = -EAGAIN;
        else
            result = wait_event_interruptible(&pty->writable, room(pty) > 0);
        if (result > 0)
            total += result;
    }
    return total > 0 ? total : result;
}

static int64_t master_write(struct file *file, struct io *io)
{
    struct pty *pty = file->private;
    bool nonblocking = file_is_nonblocking(file);
    int64_t result = tty_take_turn(&pty->write_lock, nonblocking);

    if (result != 0)
        return result;
    result = write_locked(pty, io, nonblocking);
    mutex_unlock(&pty->write_lock);
    return result;
}

static uint32_t master_poll(struct file *file, struct poll_table *table)
{
    struct pty *pty = file->private;
    uint32_t ready = 0;

    poll_wait(table, &pty->readable);
    poll_wait(table, &pty->writable);
    if (pty->closed)
        ready |= POLLHUP;
    if (pty_written(pty) > 0)
        ready |= POLLIN | POLLRDNORM;
    if (has_events(pty))
        ready |= POLLIN | POLLRDNORM | POLLPRI;
    if (room(pty) > 0)
        ready |= POLLOUT | POLLWRNORM;
    return ready;
}

static int64_t set_lock(struct pty *pty, vaddr_t argument)
{
    uint32_t on;
    int error = get_user_u32(&on, argument);

    if (error == 0)
        pty->locked = on != 0;
    return error;
}

// What happened before is not told.
static int64_t set_packet(struct pty *pty, vaddr_t argument)
{
    uint32_t on;
    int error = get_user_u32(&on, argument);

    if (error != 0)
        return error;
    if (on != 0 && !pty->packet)
        pty->events = 0;
    pty->packet = on != 0;
    return 0;
}

// TIOCSIG: as if the key had been typed.
static int64_t send_signal(struct pty *pty, vaddr_t signal)
{
    int group = tty_foreground_group(pty->tty);

    if (signal != SIGINT && signal != SIGQUIT && signal != SIGTSTP)
        return -EINVAL;
    if (group != 0)
        tty_hooks->signal_group(group, (int)signal);
    return 0;
}

// Forget what was not read yet. What was typed is the terminal's already.
static int64_t flush(struct pty *pty, vaddr_t what)
{
    if (what != TCIFLUSH && what != TCOFLUSH && what != TCIOFLUSH)
        return -EINVAL;
    if (what == TCOFLUSH)
        return 0;
    mutex_lock(&pty->read_lock);
    pty->tail = pty->head;
    mutex_unlock(&pty->read_lock);
    tty_writable(pty->tty);
    return 0;
}

static int64_t flow(struct pty *pty, vaddr_t what)
{
    const uint8_t stop = 'S' & 0x1f, start = 'Q' & 0x1f;

    switch (what) {
    case TCOOFF:
    case TCOON:
        pty->suspended = what == TCOOFF;
        wake_all_for(&pty->writable, POLLOUT | POLLWRNORM);
        return 0;
    case TCIOFF:
    case TCION:
        if (tty_room(pty->tty) > 0)
            tty_receive(pty->tty, what == TCIOFF ? &stop : &start, 1);
        return 0;
    default:
        return -EINVAL;
    }
}

// What only a master has.
static int64_t ioctl_pair(struct file *file, unsigned command, vaddr_t argument)
{
    struct pty *pty = file->private;

    switch (command) {
    case TIOCGPTN:
        return put_user_u32(argument, pty->place.number);
    case TIOCSPTLCK:
        return set_lock(pty, argument);
    case TIOCGPTLCK:
        return put_user_u32(argument, pty->locked);
    case TIOCPKT:
        return set_packet(pty, argument);
    case TIOCGPKT:
        return put_user_u32(argument, pty->packet);
    case TIOCSIG:
        return send_signal(pty, argument);
    default:
        return tty_ioctl_shared(file, pty->tty, command, argument);
    }
}

// Settings and the session are the terminal's; queues are the master's own.
static int64_t master_ioctl(struct file *file, unsigned command, vaddr_t argument)
{
    struct pty *pty = file->private;
    int session = tty_session(pty->tty);

    switch (command) {
    case TIOCINQ:
        return put_user_u32(argument, pty_written(pty));
    case TIOCOUTQ:
        return put_user_u32(argument, 0);
    case TCFLSH:
        return flush(pty, argument);
    case TCXONC:
        return flow(pty, argument);
    case TCSBRK:
    case TCSBRKP:
        return 0;
    case TIOCGPGRP:
        return put_user_u32(argument, (uint32_t)tty_foreground_group(pty->tty));
    case TIOCGSID:
        return session != 0 ? put_user_u32(argument, (uint32_t)session) : -ENOTTY;
    case TIOCNOTTY: // a master is nobody's terminal
        return -ENOTTY;
    default:
        return ioctl_pair(file, command, argument);
    }
}

const struct file_ops pty_master_ops = {
    .stream = true,
    .open = pty_master_open,
    .release = pty_master_release,
    .read = master_read,
    .write = master_write,
    .ioctl = master_ioctl,
    .poll = master_poll,
};

bool file_is_pty_master(const struct file *file)
{
    return file->ops == &pty_master_ops;
}
