// SPDX-License-Identifier: MIT
/*
 * memory_devices.c - /dev/null, /dev/zero, /dev/full; see null(4), full(4).
 */
#include "dev/memory_devices.h"

#include <linux/major.h>
#include <linux/mman.h>
#include <linux/stat.h>

#include "fs/char_device.h"
#include "fs/devfs.h"
#include "fs/file.h"
#include "lib/errno.h"
#include "mm/page_cache.h"

// Minors of devices.txt.
enum { NULL_MINOR = 3, ZERO_MINOR = 5, FULL_MINOR = 7 };

static int64_t null_read(struct file *file __maybe_unused, struct io *io __maybe_unused)
{
    return 0;
}

// Everything is taken, whether its memory can be read or not.
static int64_t null_write(struct file *file __maybe_unused, struct io *io)
{
    int64_t size = (int64_t)io->left;

    io->left = 0;
    return size;
}

static int64_t zero_read(struct file *file __maybe_unused, struct io *io)
{
    size_t wanted = io->left, moved = io_zero_out(io, wanted);

    return moved > 0 || wanted == 0 ? (int64_t)moved : -EFAULT;
}

static int64_t full_write(struct file *file __maybe_unused, struct io *io __maybe_unused)
{
    return -ENOSPC;
}

static int64_t position_zero(struct file *file __maybe_unused, int64_t offset __maybe_unused,
                             int whence __maybe_unused)
{
    return 0;
}

// Private: as good as anonymous memory. A shared mapping needs pages that fork shares: mmap makes them for NULL.
static int zero_mmap(struct file *file __maybe_unused, int prot __maybe_unused, int flags __maybe_unused,
                     struct page_cache **out)
{
    *out = NULL;
    return 0;
}

static const struct file_ops null_ops = {
    .splices = FILE_WRITE,
    .read = null_read,
    .write = null_write,
    .seek = position_zero,
};
static const struct file_ops zero_ops = {
    .splices = FILE_READ | FILE_WRITE,
    .read = zero_read,
    .write = null_write,
    .seek = position_zero,
    .mmap = zero_mmap,
};
static const struct file_ops full_ops = {
    .splices = FILE_READ,
    .read = zero_read,
    .write = full_write,
    .seek = position_zero,
};

static struct char_device memory_devices[] = {
    {.name = "mem", .major = MEM_MAJOR, .first_minor = NULL_MINOR, .minors = 1, .ops = &null_ops},
    {.name = "mem", .major = MEM_MAJOR, .first_minor = ZERO_MINOR, .minors = 1, .ops = &zero_ops},
    {.name = "mem", .major = MEM_MAJOR, .first_minor = FULL_MINOR, .minors = 1, .ops = &full_ops},
};

void memory_devices_init(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(memory_devices); i++)
        char_device_register(&memory_devices[i]);
    devfs_create_node("null", S_IFCHR | 0666, device_make(MEM_MAJOR, NULL_MINOR));
    devfs_create_node("zero", S_IFCHR | 0666, device_make(MEM_MAJOR, ZERO_MINOR));
    devfs_create_node("full", S_IFCHR | 0666, device_make(MEM_MAJOR, FULL_MINOR));
}
