// SPDX-License-Identifier: MIT
/*
 * pipe_splice.c - bytes between a pipe and a file, two pipes, or a pipe and memory: splice, tee, vmsplice.
 *
 * Theory      These wait until something can be moved, move what can be moved, and wait no more. What leaves a pipe is
 *             written straight from its frames with the pipe locked, so that what the file did not take stays in it.
 * Locking     The pipe, then what the file's write takes. Of two pipes the one that lies lower first.
 */
#include <linux/poll.h>

#include "fs/file.h"
#include "fs/kernel_file.h"
#include "fs/pipe_private.h"
#include "lib/errno.h"

static struct pipe *pipe_of(const struct file *file)
{
    return file->private;
}

// => 1: there are bytes; 0: there will never be; -EAGAIN, -EINTR
static int wait_for_bytes(struct pipe *pipe, bool wait)
{
    int error = 0;

    if (!pipe_may_read(pipe))
        error = wait ? wait_event_interruptible(&pipe->readable, pipe_may_read(pipe)) : -EAGAIN;
    return error != 0 ? error : pipe->bytes != 0;
}

// => 0, -EPIPE, -EAGAIN, -EINTR
static int wait_for_room(struct pipe *pipe, bool wait)
{
    int error = 0;

    if (!pipe_may_write(pipe, 1))
        error = wait ? wait_event_interruptible(&pipe->writable, pipe_may_write(pipe, 1)) : -EAGAIN;
    return error == 0 && pipe->readers == 0 ? -EPIPE : error;
}

static void tell_readers(struct pipe *pipe)
{
    wake_all_for(&pipe->readable, POLLIN | POLLRDNORM);
}

static void tell_writers(struct pipe *pipe)
{
    wake_all_for(&pipe->writable, POLLOUT | POLLWRNORM);
}

// The bytes that lie together `skip` behind the head. => lock held; how many, 0: none
static size_t run_at(struct pipe *pipe, size_t skip, char **data)
{
    uint64_t position = pipe->head + skip;

    if (skip >= pipe->bytes)
        return 0;
    *data = *pipe_slot(pipe, position) + position % PAGE_SIZE;
    return MIN(pipe->bytes - skip, PAGE_SIZE - position % PAGE_SIZE);
}

// => lock held; bytes, 0: the pipe is empty, -errno
static int64_t drain(struct pipe *pipe, struct file *out, uint64_t *offset, size_t size)
{
    int64_t written = 0;
    size_t done = 0, n;
    char *data;

    while (done < size && (n = run_at(pipe, 0, &data)) != 0) {
        struct io io = io_kernel(data, MIN(n, size - done), *offset);

        written = file_pwrite(out, &io);
        if (written <= 0)
            break;
        pipe_advance_head(pipe, pipe_slot(pipe, pipe->head), (size_t)written);
        *offset += (uint64_t)written;
        done += (size_t)written;
    }
    return done != 0 ? (int64_t)done : written;
}

int64_t pipe_to_file(struct file *in, struct file *out, uint64_t *offset, size_t size, bool wait)
{
    struct pipe *pipe = pipe_of(in);
    int64_t moved;

    do {
        moved = wait_for_bytes(pipe, wait);
        if (moved <= 0)
            return moved;
        mutex_lock(&pipe->lock);
        moved = drain(pipe, out, offset, size);
        mutex_unlock(&pipe->lock);
    } while (moved == 0 && pipe->bytes == 0); // another reader was faster
    if (moved > 0)
        tell_writers(pipe);
    return moved;
}

// One frame's worth of the file. => bytes, 0: its end, or no room (*full); -errno
static int64_t fill_part(struct pipe *pipe, struct file *in, uint64_t offset, size_t size, char *frame, bool *full)
{
    int64_t got = kernel_read(in, offset, frame, MIN(size, PAGE_SIZE));
    struct io io;

    if (got <= 0)
        return got;
    io = io_kernel(frame, (size_t)got, 0);
    got = pipe_put(pipe, &io, 1);
    *full = got == 0 || io.left != 0;
    return got;
}

static int64_t fill(struct pipe *pipe, struct file *in, uint64_t *offset, size_t size, bool *full)
{
    char *frame = kalloc();
    int64_t moved = 0;
    size_t done = 0;

    if (frame == NULL)
        return -ENOMEM;
    while (done < size && !*full) {
        moved = fill_part(pipe, in, *offset, size - done, frame, full);
        if (moved <= 0)
            break;
        *offset += (uint64_t)moved;
        done += (size_t)moved;
    }
    kfree(frame);
    return done != 0 ? (int64_t)done : moved;
}

int64_t pipe_from_file(struct file *in, uint64_t *offset, struct file *out, size_t size, bool wait)
{
    struct pipe *pipe = pipe_of(out);
    int64_t moved;
    bool full;

    do {
        full = false;
        moved = wait_for_room(pipe, wait);
        if (moved != 0)
            return moved;
        moved = fill(pipe, in, offset, size, &full);
    } while (moved == 0 && full); // another writer was faster
    if (moved > 0)
        tell_readers(pipe);
    return moved;
}

static void lock_both(struct pipe *a, struct pipe *b)
{
    mutex_lock(a < b ? &a->lock : &b->lock);
    mutex_lock_nested(a < b ? &b->lock : &a->lock);
}

// => both locked; bytes, 0: one is empty or the other full, -errno
static int64_t pour(struct pipe *from, struct pipe *to, size_t size, bool take)
{
    size_t done = 0, n;
    int64_t moved = 0;
    char *data;

    if (to->readers == 0)
        return -EPIPE;
    while (done < size && to->bytes < PIPE_CAPACITY && (n = run_at(from, take ? 0 : done, &data)) != 0) {
        struct io io = io_kernel(data, MIN(n, size - done), 0);

        moved = pipe_put_run(to, &io, PIPE_CAPACITY - to->bytes);
        if (moved < 0)
            break;
        if (take)
            pipe_advance_head(from, pipe_slot(from, from->head), (size_t)moved);
        done += (size_t)moved;
    }
    return done != 0 ? (int64_t)done : moved;
}

int64_t pipe_to_pipe(struct file *in, struct file *out, size_t size, bool take, bool wait)
{
    struct pipe *from = pipe_of(in), *to = pipe_of(out);
    int64_t moved;

    do {
        moved = wait_for_bytes(from, wait);
        if (moved <= 0)
            return moved;
        moved = wait_for_room(to, wait);
        if (moved != 0)
            return moved;
        lock_both(from, to);
        moved = pour(from, to, size, take);
        mutex_unlock(&to->lock);
        mutex_unlock(&from->lock);
    } while (moved == 0);
    if (moved > 0) {
        tell_readers(to);
        tell_writers(from);
    }
    return moved;
}

int64_t pipe_put_some(struct file *file, struct io *io, bool wait)
{
    struct pipe *pipe = pipe_of(file);
    int64_t moved;

    do {
        moved = wait_for_room(pipe, wait);
        if (moved == 0)
            moved = pipe_put(pipe, io, 1);
    } while (moved == 0);
    if (moved > 0)
        tell_readers(pipe);
    return moved;
}

int64_t pipe_take_some(struct file *file, struct io *io, bool wait)
{
    struct pipe *pipe = pipe_of(file);
    int64_t moved;

    do {
        moved = wait_for_bytes(pipe, wait);
        if (moved <= 0)
            return moved;
        moved = pipe_take(pipe, io);
    } while (moved == 0);
    if (moved > 0)
        tell_writers(pipe);
    return moved;
}

bool pipes_are_same(const struct file *a, const struct file *b)
{
    return pipe_of(a) == pipe_of(b);
}
