// SPDX-License-Identifier: MIT
/*
 * splice.c - splice, tee, vmsplice: one side is always a pipe, the other a regular file, /dev/null and
 * its kin, a pipe, or memory.
 *
 * Bytes are copied, never frames moved: SPLICE_F_MOVE and SPLICE_F_GIFT are hints that may be ignored.
 */
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <linux/uio.h>

#include "fs/inode.h"
#include "fs/pipe.h"
#include "lib/checked.h"
#include "mm/usercopy.h"
#include "proc/signal.h"
#include "sys/descriptor.h"
#include "sys/rw.h"
#include "sys/syscall.h"

/* No UAPI header has them. */
#define SPLICE_F_MOVE 1u
#define SPLICE_F_NONBLOCK 2u
#define SPLICE_F_MORE 4u
#define SPLICE_F_GIFT 8u
#define SPLICE_FLAGS (SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT)

struct splice {
    struct file *in, *out;
    vaddr_t in_offset, out_offset;      // 0: the file's own position
    size_t size;
    bool wait;
};

static bool may_wait(const struct file *file, unsigned flags)
{
    return !(flags & SPLICE_F_NONBLOCK) && !file_is_nonblocking(file);
}

/* Where in `file`, which is no pipe, the transfer begins. => 0, -EFAULT, -EINVAL: also if it does not do `what` (FILE_READ, ...) */
static int read_offset(struct file *file, unsigned what, vaddr_t address, uint64_t *offset)
{
    if (!inode_is(file_inode(file), S_IFREG) && !(file->ops->splices & what))
        return -EINVAL;
    if (address) {
        if (get_user_u64(offset, address))
            return -EFAULT;
    } else {
        *offset = file_seek(file, 0, SEEK_CUR);
    }
    return (int64_t)*offset < 0 ? -EINVAL : 0;
}

/* A device's offset stays what it is. */
static int64_t write_offset(struct file *file, vaddr_t address, uint64_t offset, int64_t result)
{
    int64_t moved;

    if (result <= 0 || !inode_is(file_inode(file), S_IFREG))
        return result;
    if (address)
        return put_user_u64(address, offset) ? -EFAULT : result;
    moved = file_seek(file, offset, SEEK_SET);
    return moved < 0 ? moved : result;
}

static int64_t splice_to_file(const struct splice *splice)
{
    uint64_t offset;
    int64_t result;

    if (splice->in_offset)
        return -ESPIPE;
    if (splice->out->flags & O_APPEND)
        return -EINVAL;
    result = read_offset(splice->out, FILE_WRITE, splice->out_offset, &offset);
    if (!result)
        result = pipe_to_file(splice->in, splice->out, &offset, splice->size, splice->wait);
    return write_offset(splice->out, splice->out_offset, offset, result);
}

static int64_t splice_from_file(const struct splice *splice)
{
    uint64_t offset;
    int64_t result;

    if (splice->out_offset)
        return -ESPIPE;
    result = read_offset(splice->in, FILE_READ, splice->in_offset, &offset);
    if (!result)
        result = pipe_from_file(splice->in, &offset, splice->out, splice->size, splice->wait);
    return write_offset(splice->in, splice->in_offset, offset, result);
}

static int64_t splice_pipes(const struct splice *splice)
{
    if (splice->in_offset || splice->out_offset)
        return -ESPIPE;
    if (pipes_are_same(splice->in, splice->out))
        return -EINVAL;
    return pipe_to_pipe(splice->in, splice->out, splice->size, true, splice->wait);
}

static int64_t do_splice(const struct splice *splice)
{
    bool from_pipe = file_is_pipe(splice->in), to_pipe = file_is_pipe(splice->out);

    if (!(splice->in->mode & FILE_READ) || !(splice->out->mode & FILE_WRITE))
        return -EBADF;
    if (from_pipe && to_pipe)
        return splice_pipes(splice);
    if (from_pipe)
        return splice_to_file(splice);
    return to_pipe ? splice_from_file(splice) : -EINVAL;
}

static void put_both(struct file *a, struct file *b)
{
    if (a)
        file_put(a);
    if (b)
        file_put(b);
}

/* SPLICE_F_NONBLOCK is about pipes; two of them are asked for their own O_NONBLOCK, too, as is the one. */
static bool splice_waits(const struct file *in, const struct file *out, unsigned flags)
{
    return (!file_is_pipe(in) || may_wait(in, flags)) && (!file_is_pipe(out) || may_wait(out, flags));
}

SYSCALL6(splice, int, in_fd, vaddr_t, in_offset, int, out_fd, vaddr_t, out_offset, uint64_t, size, unsigned, flags)
{
    struct splice splice = {.in_offset = in_offset, .out_offset = out_offset, .size = MIN(size, RW_MAX)};
    int64_t result = -EBADF;

    if (!size)
        return 0;
    if (flags & ~SPLICE_FLAGS)
        return -EINVAL;
    splice.in = descriptor_file(in_fd);
    splice.out = descriptor_file(out_fd);
    if (splice.in && splice.out) {
        splice.wait = splice_waits(splice.in, splice.out, flags);
        result = write_result(do_splice(&splice));
    }
    put_both(splice.in, splice.out);
    return result;
}

static int64_t do_tee(struct file *in, struct file *out, size_t size, unsigned flags)
{
    if (!(in->mode & FILE_READ) || !(out->mode & FILE_WRITE))
        return -EBADF;
    if (!file_is_pipe(in) || !file_is_pipe(out) || pipes_are_same(in, out))
        return -EINVAL;
    return pipe_to_pipe(in, out, size, false, may_wait(in, flags) && may_wait(out, flags));
}

SYSCALL4(tee, int, in_fd, int, out_fd, uint64_t, size, unsigned, flags)
{
    struct file *in, *out;
    int64_t result = -EBADF;

    if (flags & ~SPLICE_FLAGS)
        return -EINVAL;
    if (!size)
        return 0;
    in = descriptor_file(in_fd);
    out = descriptor_file(out_fd);
    if (in && out)
        result = write_result(do_tee(in, out, MIN(size, RW_MAX), flags));
    put_both(in, out);
    return result;
}

/* One segment; only the first waits. => bytes, fewer than asked: no more can be moved now; -errno */
static int64_t splice_segment(struct file *file, const struct iovec *segment, bool wait)
{
    vaddr_t base = (vaddr_t)segment->iov_base;
    struct io io = io_user(base, MIN(segment->iov_len, RW_MAX), 0);

    if (!user_range_ok(base, segment->iov_len))
        return -EFAULT;
    if (!io.left)
        return 0;
    return file->mode & FILE_WRITE ? pipe_put_some(file, &io, wait) : pipe_take_some(file, &io, wait);
}

static int64_t splice_segments(struct file *file, vaddr_t segments, uint64_t count, bool wait)
{
    struct iovec segment = {0};
    int64_t done = 0, moved = 0;

    for (uint64_t i = 0; i < count; i++) {
        if (copy_from_user(&segment, segments + i * sizeof(segment), sizeof(segment)))
            moved = -EFAULT;
        else
            moved = splice_segment(file, &segment, wait && !done);
        if (moved < 0)
            break;
        done += moved;
        if ((uint64_t)moved < segment.iov_len)
            break;
    }
    return done ? done : moved;
}

SYSCALL4(vmsplice, int, fd, vaddr_t, segments, uint64_t, count, unsigned, flags)
{
    struct file *file;
    int64_t result = -EBADF;

    if (flags & ~SPLICE_FLAGS)
        return -EINVAL;
    file = descriptor_file(fd);
    if (!file)
        return -EBADF;
    if (count > UIO_MAXIOV)
        result = -EINVAL;
    else if (file_is_pipe(file))
        result = write_result(splice_segments(file, segments, count, may_wait(file, flags)));
    file_put(file);
    return result;
}
