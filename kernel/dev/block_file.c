// SPDX-License-Identifier: MIT
/*
 * block_file.c - /dev/vda: read, write and ask about a disk.
 *
 * Theory      Bytes go between the program and the disk by way of a few frames, up to 64 KiB at a time, in whole blocks:
 *             a write that begins or ends within one reads it first. What write has returned for is on the disk, fsync
 *             empties the disk's own cache.
 * Locking     One writer at a time, of all disks: two within one block must not meet.
 * Failure     -ENOMEM without a single frame, -EIO; what was moved before counts.
 */
#include "dev/block_file.h"

#include <linux/fcntl.h>
#include <linux/fs.h>

#include "dev/block.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "lib/errno.h"
#include "mm/kalloc.h"
#include "mm/usercopy.h"

static struct mutex writer = MUTEX_INIT(writer, "block device writer", RANK_INODE);

static struct block_device *device_of(const struct file *file)
{
    return file->private;
}

static int block_open(struct file *file)
{
    file->private = block_find(file_inode(file)->rdev);
    return 0;
}

/* ---- A piece of a transfer: whole blocks of the disk, and the part of them that is wanted ---- */

struct piece {
    struct block_device *device;
    uint64_t start;      // on the disk
    size_t size;         // bytes in whole blocks
    size_t skip, wanted; // within them
    unsigned frames;
    struct block_segment segments[BLOCK_SEGMENTS_MAX]; // a frame each
};

static void piece_end(struct piece *piece)
{
    while (piece->frames > 0)
        kfree(piece->segments[--piece->frames].data);
}

/* As much of [offset, offset + left) as there are frames for. => within the disk; 0, -ENOMEM */
static int piece_begin(struct piece *piece, struct block_device *device, uint64_t offset, size_t left)
{
    uint64_t block = device->block_size;
    size_t room = 0;

    *piece = (struct piece){.device = device, .start = ALIGN_DOWN(offset, block)};
    piece->skip = offset - piece->start;
    piece->size = MIN(ALIGN_UP(piece->skip + left, block), BLOCK_SEGMENTS_MAX * PAGE_SIZE);
    for (; room < piece->size; room += PAGE_SIZE) {
        void *frame = kalloc();

        if (!frame)
            break;
        piece->segments[piece->frames++] = (struct block_segment){frame, MIN(piece->size - room, PAGE_SIZE)};
    }
    piece->size = MIN(piece->size, room);
    piece->wanted = piece->size > piece->skip ? MIN(piece->size - piece->skip, left) : 0;
    return piece->frames > 0 ? 0 : -ENOMEM;
}

static int piece_submit(struct piece *piece, enum block_operation operation)
{
    struct block_request request = {
        .operation = operation,
        .count = piece->frames,
        .segments = piece->segments,
        .offset = piece->start,
    };

    return block_submit_wait(piece->device, &request);
}

/* Move what is wanted between the frames and the program. => bytes moved */
static size_t piece_copy(struct piece *piece, struct io *io, size_t (*copy)(struct io *, char *, size_t))
{
    size_t moved = 0;

    while (moved < piece->wanted) {
        size_t at = piece->skip + moved, within = at & PAGE_MASK, part = MIN(PAGE_SIZE - within, piece->wanted - moved);
        size_t done = copy(io, (char *)piece->segments[at >> PAGE_SHIFT].data + within, part);

        moved += done;
        if (done < part)
            break;
    }
    return moved;
}

static size_t copy_out(struct io *io, char *data, size_t size)
{
    return io_copy_out(io, data, size);
}

static size_t copy_in(struct io *io, char *data, size_t size)
{
    return io_copy_in(io, data, size);
}

/* The block that a byte of the piece lies in, if it is not overwritten as a whole. */
static int read_around(struct piece *piece, size_t at)
{
    size_t block = piece->device->block_size, from = ALIGN_DOWN(at, block);

    if (from >= piece->skip && from + block <= piece->skip + piece->wanted)
        return 0;
    return block_read(piece->device, piece->start + from,
                      (char *)piece->segments[from >> PAGE_SHIFT].data + (from & PAGE_MASK), block);
}

/* ---- Reading and writing ---- */

/* => bytes moved, fewer than wanted where the program's memory ends; -errno */
static int64_t read_piece(struct piece *piece, struct io *io)
{
    int error = piece_submit(piece, BLOCK_READ);

    return error ? error : (int64_t)piece_copy(piece, io, copy_out);
}

/* Keep only the first `size` bytes. => whole blocks */
static void piece_cut(struct piece *piece, size_t size)
{
    unsigned frames = (unsigned)((size + PAGE_MASK) >> PAGE_SHIFT);

    while (piece->frames > frames)
        kfree(piece->segments[--piece->frames].data);
    if (frames > 0)
        piece->segments[frames - 1].size = size - (frames - 1) * PAGE_SIZE;
    piece->size = size;
}

/* Where the program's memory ends within a block, that block is left as it was. */
static int64_t write_piece(struct piece *piece, struct io *io)
{
    int error = read_around(piece, piece->skip);

    if (!error)
        error = read_around(piece, piece->skip + piece->wanted - 1);
    if (error)
        return error;
    size_t moved = piece_copy(piece, io, copy_in);

    if (moved < piece->wanted) {
        piece_cut(piece, ALIGN_DOWN(piece->skip + moved, (size_t)piece->device->block_size));
        moved = piece->size > piece->skip ? piece->size - piece->skip : 0;
    }
    if (moved == 0)
        return 0;
    error = piece_submit(piece, BLOCK_WRITE);
    return error ? error : (int64_t)moved;
}

static int64_t transfer(struct block_device *device, struct io *io, int64_t (*move)(struct piece *, struct io *))
{
    uint64_t at = io->offset;
    size_t left = MIN(io->left, device->size - at), total = 0;
    int64_t done = 0;

    while (total < left) {
        struct piece piece;

        done = piece_begin(&piece, device, at + total, left - total);
        if (done == 0)
            done = move(&piece, io);
        piece_end(&piece);
        if (done > 0)
            total += (size_t)done;
        if (done < 0 || (size_t)done < piece.wanted)
            break;
    }
    io->offset = at + total;
    if (total > 0)
        return (int64_t)total;
    return done < 0 ? done : -EFAULT;
}

static int64_t block_file_read(struct file *file, struct io *io)
{
    struct block_device *device = device_of(file);

    return io->offset < device->size ? transfer(device, io, read_piece) : 0;
}

static int64_t block_file_write(struct file *file, struct io *io)
{
    struct block_device *device = device_of(file);

    if (device->read_only)
        return -EPERM;
    if (io->offset >= device->size)
        return -ENOSPC;
    mutex_lock(&writer);
    int64_t result = transfer(device, io, write_piece);

    mutex_unlock(&writer);
    if (result > 0 && (file->flags & O_DSYNC) && block_flush(device) != 0)
        return -EIO;
    return result;
}

static int block_file_sync(struct file *file, bool data_only __maybe_unused)
{
    return block_flush(device_of(file));
}

static int64_t block_file_seek(struct file *file, int64_t offset, int whence)
{
    int64_t size = (int64_t)device_of(file)->size;
    int64_t base = whence == SEEK_CUR ? (int64_t)file->position : whence == SEEK_END ? size : 0, target;

    if (whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END)
        return -EINVAL;
    if (__builtin_add_overflow(base, offset, &target) || target < 0 || target > size)
        return -EINVAL;
    file->position = (uint64_t)target;
    return target;
}

/* ---- Questions ---- */

static int64_t ioctl_discard(const struct file *file)
{
    return file->mode & FILE_WRITE ? -EOPNOTSUPP : -EBADF;
}

static int64_t block_file_ioctl(struct file *file, unsigned command, vaddr_t argument)
{
    struct block_device *device = device_of(file);

    switch (command) {
    case BLKGETSIZE64:
        return put_user_u64(argument, device->size);
    case BLKGETSIZE:
        return put_user_u64(argument, device->size / BLOCK_SECTOR);
    case BLKSSZGET:
    case BLKPBSZGET:
    case BLKIOMIN:
        return put_user_u32(argument, device->block_size);
    case BLKBSZGET:
        return put_user_u32(argument, PAGE_SIZE);
    case BLKIOOPT:
    case BLKALIGNOFF:
    case BLKDISCARDZEROES:
        return put_user_u32(argument, 0);
    case BLKROGET:
        return put_user_u32(argument, device->read_only);
    case BLKFLSBUF:
        return block_flush(device);
    case BLKDISCARD:
    case BLKSECDISCARD:
        return ioctl_discard(file);
    default:
        return -ENOTTY;
    }
}

static const struct file_ops block_ops = {
    .open = block_open,
    .read = block_file_read,
    .write = block_file_write,
    .seek = block_file_seek,
    .ioctl = block_file_ioctl,
    .fsync = block_file_sync,
};

const struct file_ops *block_file_ops(device_t number)
{
    return block_find(number) ? &block_ops : NULL;
}
