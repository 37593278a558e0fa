// SPDX-License-Identifier: MIT
/*
 * pipe.c - pipes and FIFOs.
 *
 * Theory      A ring of bytes over 17 frames. head and tail count bytes; byte n lies in frame n / 4096 mod 17. A frame
 *             is taken when its first byte comes and given back when its last one is read, so an empty pipe has none.
 *             Nor has one with a few bytes: the first ones after it was empty lie in the structure itself, which makes
 *             messages of a few bytes cheap, and move to a frame when more come. Readers and writers first wait
 *             without the lock, then look again with it.
 * Locking     A mutex, since bytes are copied from and to users under it. The counts that waits and polls look at are
 *             atomic. inode->lock guards inode->pipe and so the life of the ring of a FIFO.
 * Atomicity   Writes of up to PIPE_BUF bytes wait until there is room for all (pipe(7)).
 */
#include "fs/pipe.h"

#include <asm/ioctls.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/poll.h>
#include <linux/stat.h>
#include <stdatomic.h>

#include "fs/file.h"
#include "fs/inode.h"
#include "fs/nameless.h"
#include "fs/pipe_private.h"
#include "fs/poll.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kalloc.h"
#include "mm/slab.h"
#include "mm/usercopy.h"
#include "sync/mutex.h"
#include "sync/wait.h"

static struct pipe *pipe_alloc(void)
{
    struct pipe *pipe = slab_zalloc(sizeof *pipe);

    if (pipe == NULL)
        return NULL;
    mutex_init(&pipe->lock, "pipe", RANK_PIPE);
    wait_queue_init(&pipe->readable);
    wait_queue_init(&pipe->writable);
    return pipe;
}

static void pipe_free(struct pipe *pipe)
{
    for (unsigned i = 0; i < PIPE_FRAMES; i++) {
        if (pipe->frames[i] != NULL)
            pipe_drop_frame(pipe, &pipe->frames[i]);
    }
    slab_free(pipe);
}

// Have memory for `n` bytes from `tail` on, which lie in one frame. => lock held; where they go, or NULL: no memory
static char *pipe_reserve(struct pipe *pipe, size_t n)
{
    char **slot = pipe_slot(pipe, pipe->tail);
    uint64_t offset = pipe->tail % PAGE_SIZE;
    char *frame;

    if (*slot == NULL && pipe->tail + n <= FEW_BYTES)
        *slot = pipe->few;
    if (*slot == NULL || (*slot == pipe->few && offset + n > FEW_BYTES)) {
        frame = kalloc();
        if (frame == NULL)
            return NULL;
        if (*slot != NULL)
            memcpy(frame, pipe->few, FEW_BYTES);
        *slot = frame;
    }
    return *slot + offset;
}

// Give bytes to the reader, up to the end of a frame. => lock held; bytes, 0 (empty), -EFAULT
static int64_t pipe_take_run(struct pipe *pipe, struct io *io)
{
    char **slot = pipe_slot(pipe, pipe->head);
    uint64_t offset = pipe->head % PAGE_SIZE;
    size_t n = MIN(MIN((uint64_t)pipe->bytes, PAGE_SIZE - offset), io->left);
    size_t moved;

    if (n == 0)
        return 0;
    moved = io_copy_out(io, *slot + offset, n);
    if (moved == 0)
        return -EFAULT;
    pipe_advance_head(pipe, slot, moved);
    return (int64_t)moved;
}

static inline int64_t put_run(struct pipe *pipe, struct io *io, size_t room)
{
    size_t n = MIN(MIN(room, PAGE_SIZE - pipe->tail % PAGE_SIZE), io->left);
    char *to = pipe_reserve(pipe, n);
    size_t moved;

    if (to == NULL)
        return -ENOMEM;
    moved = io_copy_in(io, to, n);
    if (moved == 0) {
        if (pipe->tail % PAGE_SIZE == 0) // nothing else lies there
            pipe_drop_frame(pipe, pipe_slot(pipe, pipe->tail));
        return -EFAULT;
    }
    pipe->tail += moved;
    pipe_count(pipe, pipe->bytes + (uint32_t)moved);
    return (int64_t)moved;
}

static inline int64_t take(struct pipe *pipe, struct io *io)
{
    int64_t total = 0, moved;

    mutex_lock(&pipe->lock);
    do {
        moved = pipe_take_run(pipe, io);
        if (moved > 0)
            total += moved;
    } while (moved > 0 && io->left > 0);
    mutex_unlock(&pipe->lock);
    return total > 0 ? total : moved;
}

static int64_t pipe_read(struct file *file, struct io *io)
{
    struct pipe *pipe = file->private;

    for (;;) {
        int64_t moved = 0;

        if (pipe->bytes != 0)
            moved = take(pipe, io);
        if (moved > 0)
            wake_all_for(&pipe->writable, POLLOUT | POLLWRNORM);
        if (moved != 0)
            return moved;
        if (pipe->writers == 0 && pipe->bytes == 0)
            return 0;
        if (file_is_nonblocking(file))
            return -EAGAIN;
        moved = wait_event_interruptible(&pipe->readable, pipe_may_read(pipe));
        if (moved != 0)
            return moved;
    }
}

static inline int64_t put(struct pipe *pipe, struct io *io, size_t need)
{
    int64_t total = 0, moved = 0;
    size_t room;

    mutex_lock(&pipe->lock);
    room = PIPE_CAPACITY - pipe->bytes;
    if (pipe->readers == 0)
        moved = -EPIPE;
    else if (room < need)
        room = 0;
    while (moved >= 0 && room > 0 && io->left > 0) {
        moved = put_run(pipe, io, room);
        if (moved > 0) {
            total += moved;
            room -= (size_t)moved;
        }
    }
    mutex_unlock(&pipe->lock);
    return total > 0 ? total : moved;
}

static int64_t pipe_write(struct file *file, struct io *io)
{
    struct pipe *pipe = file->private;
    size_t need = io->left <= PIPE_BUF ? io->left : 1;
    int64_t total = 0, moved;

    for (;;) {
        moved = put(pipe, io, need);
        if (moved > 0) {
            total += moved;
            wake_all_for(&pipe->readable, POLLIN | POLLRDNORM);
            if (io->left == 0)
                return total;
            continue;
        }
        if (moved == 0 && file_is_nonblocking(file))
            moved = -EAGAIN;
        if (moved == 0)
            moved = wait_event_interruptible(&pipe->writable, pipe_may_write(pipe, need));
        if (moved != 0)
            return total > 0 ? total : moved;
    }
}

static uint32_t pipe_poll(struct file *file, struct poll_table *table)
{
    struct pipe *pipe = file->private;
    uint32_t ready = 0;

    if (file->mode & FILE_READ) {
        poll_wait(table, &pipe->readable);
        if (pipe->bytes != 0)
            ready |= POLLIN | POLLRDNORM;
        // a FIFO that no writer has opened since we did is not hung up
        if (pipe->writers == 0 && pipe->writer_opens != file->position)
            ready |= POLLHUP;
    }
    if (file->mode & FILE_WRITE) {
        poll_wait(table, &pipe->writable);
        if (PIPE_CAPACITY - pipe->bytes >= PIPE_BUF)
            ready |= POLLOUT | POLLWRNORM;
        if (pipe->readers == 0)
            ready |= POLLERR;
    }
    return ready;
}

static int64_t pipe_ioctl(struct file *file, unsigned command, vaddr_t argument)
{
    struct pipe *pipe = file->private;

    if (command != FIONREAD)
        return -ENOTTY;
    return put_user_u32(argument, pipe->bytes);
}

// Count the ends that the file is.
static void pipe_open_ends(struct pipe *pipe, const struct file *file)
{
    if (file->mode & FILE_READ) {
        pipe->readers++;
        pipe->reader_opens++;
    }
    if (file->mode & FILE_WRITE) {
        pipe->writers++;
        pipe->writer_opens++;
    }
    wake_all(&pipe->readable);
    wake_all(&pipe->writable);
}

static void pipe_close_ends(struct pipe *pipe, const struct file *file)
{
    mutex_lock(&pipe->lock);
    if (file->mode & FILE_READ)
        pipe->readers--;
    if (file->mode & FILE_WRITE)
        pipe->writers--;
    mutex_unlock(&pipe->lock);
    wake_all(&pipe->readable);
    wake_all(&pipe->writable);
}

// The pipe of an inode, made if it has none. => one more file counted; NULL: no memory
static __cold struct pipe *pipe_attach(struct inode *inode)
{
    struct pipe *pipe;

    rwlock_write_lock(&inode->lock);
    if (inode->pipe == NULL)
        inode->pipe = pipe_alloc();
    pipe = inode->pipe;
    if (pipe != NULL)
        pipe->files++;
    rwlock_write_unlock(&inode->lock);
    return pipe;
}

static __cold void pipe_detach(struct inode *inode, struct pipe *pipe)
{
    bool last;

    rwlock_write_lock(&inode->lock);
    last = --pipe->files == 0;
    if (last)
        inode->pipe = NULL;
    rwlock_write_unlock(&inode->lock);
    if (last)
        pipe_free(pipe);
}

static void pipe_release(struct file *file)
{
    pipe_close_ends(file->private, file);
    pipe_detach(file_inode(file), file->private);
}

// Wait for the other end, as fifo(7) says. => 0, -EINTR
static int fifo_wait(struct file *file, struct pipe *pipe)
{
    uint32_t writer_opens = pipe->writer_opens, reader_opens = pipe->reader_opens;

    if ((file->mode & FILE_READ) && !(file->mode & FILE_WRITE) && pipe->writers == 0)
        return wait_event_interruptible(&pipe->readable, pipe->writer_opens != writer_opens);
    if ((file->mode & FILE_WRITE) && !(file->mode & FILE_READ) && pipe->readers == 0)
        return wait_event_interruptible(&pipe->writable, pipe->reader_opens != reader_opens);
    return 0;
}

static int fifo_open_ends(struct file *file, struct pipe *pipe, bool is_fifo)
{
    int error = 0;

    mutex_lock(&pipe->lock);
    if (is_fifo && file_is_nonblocking(file) && !(file->mode & FILE_READ) && pipe->readers == 0) {
        error = -ENXIO;
    } else {
        pipe_open_ends(pipe, file);
        if (is_fifo && pipe->writers == 0)
            file->position = pipe->writer_opens;
    }
    mutex_unlock(&pipe->lock);
    return error;
}

// A pipe that is opened again, through /proc/PID/fd, waits for nobody: its other end may have come and gone.
static __cold int fifo_open(struct file *file)
{
    struct inode *inode = file_inode(file);
    bool is_fifo = !path_is_nameless(&file->path);
    struct pipe *pipe;
    int error;

    if (!(file->mode & (FILE_READ | FILE_WRITE)))
        return -EINVAL;
    pipe = pipe_attach(inode);
    if (pipe == NULL)
        return -ENOMEM;
    file->private = pipe;
    error = fifo_open_ends(file, pipe, is_fifo);
    if (error == 0 && is_fifo && !file_is_nonblocking(file)) {
        error = fifo_wait(file, pipe);
        if (error != 0)
            pipe_close_ends(pipe, file);
    }
    if (error != 0)
        pipe_detach(inode, pipe);
    return error;
}

const struct file_ops fifo_file_ops = {
    .stream = true,
    .open = fifo_open,
    .release = pipe_release,
    .read = pipe_read,
    .write = pipe_write,
    .ioctl = pipe_ioctl,
    .poll = pipe_poll,
};

// The ends of a pipe need not wait for each other.
static int pipe_open(struct file *file)
{
    file->private = pipe_attach(file_inode(file));
    if (file->private == NULL)
        return -ENOMEM;
    pipe_open_ends(file->private, file);
    return 0;
}

static const struct file_ops pipe_file_ops = {
    .stream = true,
    .open = pipe_open,
    .release = pipe_release,
    .read = pipe_read,
    .write = pipe_write,
    .ioctl = pipe_ioctl,
    .poll = pipe_poll,
};

// One end at `path`, with references of its own.
static int pipe_create_end(const struct path *path, unsigned flags, struct file **out)
{
    int error;

    path_get(path);
    error = file_create(path, &pipe_file_ops, flags, NULL, out);
    if (error != 0)
        path_put(path);
    return error;
}

int pipe_create(unsigned flags, struct file **reader, struct file **writer)
{
    unsigned kept = flags & (unsigned)O_NONBLOCK;
    struct path path;
    int error;

    if (flags & ~(unsigned)(O_NONBLOCK | O_CLOEXEC))
        return -EINVAL;
    error = nameless_path_create("pipe", S_IFIFO | 0600, &path);
    if (error != 0)
        return error;
    error = pipe_create_end(&path, O_RDONLY | kept, reader);
    if (error == 0) {
        error = pipe_create_end(&path, O_WRONLY | kept, writer);
        if (error != 0)
            file_put(*reader);
    }
    path_put(&path);
    return error;
}

bool file_is_pipe(const struct file *file)
{
    return file->ops == &pipe_file_ops || file->ops == &fifo_file_ops;
}

// For pipe_splice.c; read and write have them inline.

int64_t pipe_put_run(struct pipe *pipe, struct io *io, size_t room)
{
    return put_run(pipe, io, room);
}

int64_t pipe_take(struct pipe *pipe, struct io *io)
{
    return take(pipe, io);
}

int64_t pipe_put(struct pipe *pipe, struct io *io, size_t need)
{
    return put(pipe, io, need);
}
