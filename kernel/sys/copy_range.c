// SPDX-License-Identifier: MIT
/*
 * copy_range.c - copy_file_range: from one regular file to another, or to another place of the same, through one frame.
 */
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

#include "fs/inode.h"
#include "fs/kernel_file.h"
#include "lib/checked.h"
#include "mm/kalloc.h"
#include "mm/usercopy.h"
#include "proc/signal.h"
#include "sys/descriptor.h"
#include "sys/rw.h"
#include "sys/syscall.h"

/* One of the two sides: its position is the file's own, or in user memory. */
struct side {
    struct file *file;
    vaddr_t offset;         // 0: the file's own
    int64_t position;
};

static int check_files(const struct file *in, const struct file *out)
{
    const struct inode *from = file_inode(in), *to = file_inode(out);

    if (inode_is_directory(from) || inode_is_directory(to))
        return -EISDIR;
    if (!inode_is(from, S_IFREG) || !inode_is(to, S_IFREG))
        return -EINVAL;
    if (!(in->mode & FILE_READ) || !(out->mode & FILE_WRITE) || (out->flags & O_APPEND))
        return -EBADF;
    return from->is_swap || to->is_swap ? -ETXTBSY : 0;
}

/* How much of `size` there is to copy. => 0: nothing; -EOVERFLOW, -EINVAL: the two overlap */
static int64_t check_ranges(const struct side *in, const struct side *out, uint64_t size)
{
    uint64_t from = in->position, to = out->position, there = inode_size(file_inode(in->file)), end;

    if (add_overflows(from, size, &end) || add_overflows(to, size, &end))
        return -EOVERFLOW;
    if (in->position < 0 || out->position < 0)
        return -EINVAL;
    size = from < there ? MIN(size, there - from) : 0;
    if (file_inode(in->file) == file_inode(out->file) && to + size > from && to < from + size)
        return -EINVAL;
    return MIN(size, RW_MAX);
}

static int read_position(struct side *side)
{
    if (side->offset)
        return get_user_u64((uint64_t *)&side->position, side->offset) ? -EFAULT : 0;
    side->position = file_seek(side->file, 0, SEEK_CUR);
    return side->position < 0 ? (int)side->position : 0;
}

static int write_position(struct side *side)
{
    int64_t moved;

    if (side->offset)
        return put_user_u64(side->offset, side->position) ? -EFAULT : 0;
    moved = file_seek(side->file, side->position, SEEK_SET);
    return moved < 0 ? (int)moved : 0;
}

static int64_t copy_part(struct side *in, struct side *out, size_t size, char *frame)
{
    int64_t got = kernel_read(in->file, in->position, frame, MIN(size, PAGE_SIZE)), written;
    struct io io;

    if (got <= 0)
        return got;
    io = io_kernel(frame, got, out->position);
    written = file_pwrite(out->file, &io);
    if (written > 0) {
        in->position += written;
        out->position += written;
    }
    return written;
}

static int64_t copy_all(struct side *in, struct side *out, size_t size)
{
    char *frame = kalloc();
    int64_t part = 0;
    size_t done = 0;

    if (!frame)
        return -ENOMEM;
    while (done < size && !(done && signal_pending())) {
        part = copy_part(in, out, size - done, frame);
        if (part <= 0)
            break;
        done += part;
    }
    kfree(frame);
    return done ? (int64_t)done : restartable(part);
}

static int64_t copy_range(struct side *in, struct side *out, uint64_t size)
{
    int64_t result = check_files(in->file, out->file);
    int error = 0;

    if (!result)
        result = read_position(in);
    if (!result)
        result = read_position(out);
    if (!result)
        result = check_ranges(in, out, size);
    if (result <= 0)
        return result;
    result = copy_all(in, out, result);
    if (result > 0)
        error = write_position(in);
    if (result > 0 && !error)
        error = write_position(out);
    return error ? error : result;
}

SYSCALL6(copy_file_range, int, in_fd, vaddr_t, in_offset, int, out_fd, vaddr_t, out_offset, uint64_t, size, unsigned,
         flags)
{
    struct side in = {descriptor_file(in_fd), in_offset, 0}, out = {descriptor_file(out_fd), out_offset, 0};
    int64_t result = -EBADF;

    if (in.file && out.file)
        result = flags ? -EINVAL : copy_range(&in, &out, size);
    if (in.file)
        file_put(in.file);
    if (out.file)
        file_put(out.file);
    return result;
}
