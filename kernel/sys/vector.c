// SPDX-License-Identifier: MIT
/*
 * vector.c - read and write with an offset, and with several buffers.
 *
 * Theory      What one readv or writev moves shall not mix with what others move, and shall not wait once something
 *             has been moved. A short writev is gathered in a frame and written at once; a readv from a stream
 *             takes what one read gives. The rest goes segment by segment.
 * Considered  Handing a list of segments down in struct io: every file would pay for it on each read.
 */
#include <linux/fs.h>
#include <linux/uio.h>

#include "lib/string.h"
#include "mm/kalloc.h"
#include "mm/usercopy.h"
#include "proc/signal.h"
#include "sys/descriptor.h"
#include "sys/rw.h"
#include "sys/socket.h"
#include "sys/syscall.h"

/* Position for those that move at the file's own. */
#define AT_POSITION (-1)

/* One transfer: struct iovec at user address `segments`, and where in the file. */
struct vector {
    struct file *file;
    vaddr_t segments;
    unsigned count;
    uint64_t total;         // bytes, at most RW_MAX
    int64_t offset;         // in the file, or AT_POSITION
};

typedef int64_t vector_mover(const struct vector *vector);

/* Segment `i`: never outside the user's half, empty or not. => 0, -EFAULT, -EINVAL (negative size) */
static int vector_segment(const struct vector *vector, unsigned i, struct iovec *segment)
{
    int error = copy_from_user(segment, vector->segments + i * sizeof(*segment), sizeof(*segment));

    if (error)
        return error;
    if ((int64_t)segment->iov_len < 0)
        return -EINVAL;
    return user_range_ok((vaddr_t)segment->iov_base, segment->iov_len) ? 0 : -EFAULT;
}

/* Look at all segments before anything is moved, and add them up. => 0, -EINVAL, -EFAULT */
static int vector_check(struct vector *vector)
{
    struct iovec segment;

    if (vector->count > UIO_MAXIOV)
        return -EINVAL;
    vector->total = 0;
    for (unsigned i = 0; i < vector->count; i++) {
        int error = vector_segment(vector, i, &segment);

        if (error)
            return error;
        vector->total = MIN(vector->total + segment.iov_len, RW_MAX);
    }
    return 0;
}

static int64_t move_one(const struct vector *vector, struct io *io, uint64_t done, bool write)
{
    if (vector->offset == AT_POSITION)
        return write ? file_write(vector->file, io) : file_read(vector->file, io);
    io->offset = vector->offset + done;
    return write ? file_pwrite(vector->file, io) : file_pread(vector->file, io);
}

/* Segment by segment, until one is not moved whole. */
static int64_t move_each(const struct vector *vector, bool write)
{
    uint64_t done = 0;
    struct iovec segment;
    int64_t moved = 0;

    for (unsigned i = 0; i < vector->count && done < vector->total; i++) {
        struct io io;

        moved = vector_segment(vector, i, &segment);
        if (moved < 0)
            break;
        io = io_user((vaddr_t)segment.iov_base, MIN(segment.iov_len, vector->total - done), 0);
        if (!io.left)
            continue;
        moved = move_one(vector, &io, done, write);
        if (moved <= 0)
            break;
        done += moved;
        if ((uint64_t)moved < segment.iov_len)
            break;
    }
    return done ? (int64_t)done : moved;
}

/*
 * Copy between the segments and a frame.
 *
 * => bytes copied, up to `size`; fewer if user memory ends
 */
static size_t vector_copy(const struct vector *vector, char *frame, size_t size, bool gather)
{
    size_t done = 0;
    struct iovec segment;

    for (unsigned i = 0; i < vector->count && done < size; i++) {
        size_t part, moved;

        if (vector_segment(vector, i, &segment))
            break;
        part = MIN((size_t)segment.iov_len, size - done);
        moved = gather ? copy_from_user_partial(frame + done, (vaddr_t)segment.iov_base, part)
                       : copy_to_user_partial((vaddr_t)segment.iov_base, frame + done, part);
        done += moved;
        if (moved < part)
            break;
    }
    return done;
}

static int64_t write_gathered(const struct vector *vector)
{
    char *frame = kalloc();
    int64_t result;
    struct io io;

    if (!frame)
        return -ENOMEM;
    io = io_kernel(frame, vector_copy(vector, frame, vector->total, true), 0);
    result = !io.left && vector->total ? -EFAULT : move_one(vector, &io, 0, true);
    kfree(frame);
    return result;
}

/* Read once into a frame, then spread it. */
static int64_t read_scattered(const struct vector *vector)
{
    char *frame = kalloc();
    int64_t result;
    struct io io;

    if (!frame)
        return -ENOMEM;
    io = io_kernel(frame, MIN(vector->total, PAGE_SIZE), 0);
    result = file_read(vector->file, &io);
    if (result > 0) {
        size_t copied = vector_copy(vector, frame, result, false);

        result = copied ? (int64_t)copied : -EFAULT;
    }
    kfree(frame);
    return result;
}

static int64_t vector_write(const struct vector *vector)
{
    if (!(vector->file->mode & FILE_WRITE))
        return -EBADF;
    if (vector->offset == AT_POSITION && file_is_socket(vector->file))
        return socket_vector(vector->file, vector->segments, vector->count, true);
    if (vector->count > 1 && vector->total <= PAGE_SIZE)
        return write_result(write_gathered(vector));
    return write_result(move_each(vector, true));
}

static int64_t vector_read(const struct vector *vector)
{
    struct iovec first;
    struct vector one = *vector;

    if (!(vector->file->mode & FILE_READ))
        return -EBADF;
    if (vector->offset == AT_POSITION && file_is_socket(vector->file))
        return socket_vector(vector->file, vector->segments, vector->count, false);
    if (!(vector->file->mode & FILE_STREAM) || vector->count <= 1)
        return restartable(move_each(vector, false));
    if (vector_segment(vector, 0, &first))
        return -EFAULT;
    if (first.iov_len < PAGE_SIZE)
        return restartable(read_scattered(vector));
    one.count = 1;
    one.total = MIN((uint64_t)first.iov_len, RW_MAX);
    return restartable(move_each(&one, false));
}

static int64_t vector_run(int fd, vaddr_t segments, uint64_t count, int64_t offset, vector_mover *mover)
{
    struct vector vector = {descriptor_file(fd), segments, MIN(count, (uint64_t)UIO_MAXIOV + 1), 0, offset};
    int64_t result;

    if (!vector.file)
        return -EBADF;
    result = vector_check(&vector);
    if (!result)
        result = mover(&vector);
    file_put(vector.file);
    return result;
}

SYSCALL3(readv, int, fd, vaddr_t, segments, uint64_t, count)
{
    return vector_run(fd, segments, count, AT_POSITION, vector_read);
}

SYSCALL3(writev, int, fd, vaddr_t, segments, uint64_t, count)
{
    return vector_run(fd, segments, count, AT_POSITION, vector_write);
}

SYSCALL4(preadv, int, fd, vaddr_t, segments, uint64_t, count, int64_t, offset)
{
    return offset < 0 ? -EINVAL : vector_run(fd, segments, count, offset, vector_read);
}

SYSCALL4(pwritev, int, fd, vaddr_t, segments, uint64_t, count, int64_t, offset)
{
    return offset < 0 ? -EINVAL : vector_run(fd, segments, count, offset, vector_write);
}

/* What both preadv2 and pwritev2 know; that which we cannot do is not supported, as on many of Linux's files. */
#define RWF_WRITES (RWF_HIPRI | RWF_DSYNC | RWF_SYNC)
#define RWF_READS (RWF_WRITES | RWF_APPEND)

SYSCALL6(preadv2, int, fd, vaddr_t, segments, uint64_t, count, int64_t, offset, uint64_t, high, unsigned, flags)
{
    (void)high;
    if (offset < AT_POSITION)
        return -EINVAL;
    return flags & ~RWF_READS ? -EOPNOTSUPP : vector_run(fd, segments, count, offset, vector_read);
}

/* O_SYNC and O_DSYNC for this write alone. */
static int64_t vector_write_synced(const struct vector *vector)
{
    int64_t result = vector_write(vector);
    int error = result > 0 && vector->file->ops->fsync ? file_sync(vector->file, false) : 0;

    return error ? error : result;
}

SYSCALL6(pwritev2, int, fd, vaddr_t, segments, uint64_t, count, int64_t, offset, uint64_t, high, unsigned, flags)
{
    bool sync = flags & (RWF_DSYNC | RWF_SYNC);

    (void)high;
    if (offset < AT_POSITION)
        return -EINVAL;
    if (flags & ~RWF_WRITES)
        return -EOPNOTSUPP;
    return vector_run(fd, segments, count, offset, sync ? vector_write_synced : vector_write);
}

SYSCALL4(pread64, int, fd, vaddr_t, buffer, uint64_t, size, int64_t, offset)
{
    struct io io = io_user(buffer, MIN(size, RW_MAX), offset);
    struct file *file;
    int64_t result = -EFAULT;

    if (offset < 0)
        return -EINVAL;
    file = descriptor_file(fd);
    if (!file)
        return -EBADF;
    if (user_range_ok(buffer, size))
        result = restartable(file_pread(file, &io));
    file_put(file);
    return result;
}

SYSCALL4(pwrite64, int, fd, vaddr_t, buffer, uint64_t, size, int64_t, offset)
{
    struct io io = io_user(buffer, MIN(size, RW_MAX), offset);
    struct file *file;
    int64_t result = -EFAULT;

    if (offset < 0)
        return -EINVAL;
    file = descriptor_file(fd);
    if (!file)
        return -EBADF;
    if (user_range_ok(buffer, size))
        result = write_result(file_pwrite(file, &io));
    file_put(file);
    return result;
}
