// SPDX-License-Identifier: MIT
/*
 * sendfile.c - from a regular file to any other, through one frame.
 */
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

#include "fs/inode.h"
#include "fs/kernel_file.h"
#include "mm/kalloc.h"
#include "mm/usercopy.h"
#include "proc/signal.h"
#include "sys/descriptor.h"
#include "sys/rw.h"
#include "sys/syscall.h"

/* => 0, or why these two cannot take part; the order is Linux's */
static int sendfile_check(struct file *out, struct file *in)
{
    if (!(in->mode & FILE_READ) || !(out->mode & FILE_WRITE))
        return -EBADF;
    if (!inode_is(file_inode(in), S_IFREG) && !inode_is(file_inode(in), S_IFBLK))
        return -EINVAL;
    return out->flags & O_APPEND ? -EINVAL : 0;
}

/* One frame's worth, from *position on, which moves by what was written. => bytes written, 0 at the end, -errno */
static int64_t send_part(struct file *out, struct file *in, uint64_t *position, size_t size, char *frame)
{
    int64_t got = kernel_read(in, *position, frame, MIN(size, PAGE_SIZE));
    int64_t written;
    struct io io;

    if (got <= 0)
        return got;
    io = io_kernel(frame, got, 0);
    written = file_write(out, &io);
    if (written > 0)
        *position += written;
    return written;
}

static int64_t send_all(struct file *out, struct file *in, uint64_t *position, size_t size)
{
    char *frame = kalloc();
    size_t done = 0;
    int64_t part = 0;

    if (!frame)
        return -ENOMEM;
    while (done < size) {
        part = send_part(out, in, position, size - done, frame);
        if (part <= 0)
            break;
        done += part;
        if (signal_pending())
            break;
    }
    kfree(frame);
    return done ? (int64_t)done : write_result(part);
}

/* At the file's own position. */
static int64_t send_at_position(struct file *out, struct file *in, size_t size)
{
    int64_t position = file_seek(in, 0, SEEK_CUR);
    uint64_t end = position;
    int64_t result, moved;

    if (position < 0)
        return position;
    result = send_all(out, in, &end, size);
    moved = file_seek(in, end, SEEK_SET);
    return moved < 0 ? moved : result;
}

/* At the position in user memory, which alone moves. */
static int64_t send_at_offset(struct file *out, struct file *in, vaddr_t offset, size_t size)
{
    uint64_t position;
    int64_t result;

    if (get_user_u64(&position, offset))
        return -EFAULT;
    if ((int64_t)position < 0)
        return -EINVAL;
    result = send_all(out, in, &position, size);
    if (put_user_u64(offset, position))
        return -EFAULT;
    return result;
}

SYSCALL4(sendfile, int, out_fd, int, in_fd, vaddr_t, offset, uint64_t, size)
{
    struct file *in = descriptor_file(in_fd);
    struct file *out = descriptor_file(out_fd);
    int64_t result = in && out ? sendfile_check(out, in) : -EBADF;

    size = MIN(size, RW_MAX);
    if (!result)
        result = offset ? send_at_offset(out, in, offset, size) : send_at_position(out, in, size);
    if (out)
        file_put(out);
    if (in)
        file_put(in);
    return result;
}
