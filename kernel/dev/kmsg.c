// SPDX-License-Identifier: MIT
/*
 * kmsg.c - /dev/kmsg: the kernel's messages, a record per read, as Linux's Documentation/ABI/testing/dev-kmsg has it.
 *
 * file->cursor is the number of the next record. A message may be printed anywhere, under any lock, so it wakes
 * nobody: who waits for one looks again ten times a second.
 */
#include <linux/fs.h>
#include <linux/major.h>
#include <linux/poll.h>
#include <linux/stat.h>

#include "arch/x86/time.h"
#include "dev/memory_devices.h"
#include "fs/char_device.h"
#include "fs/devfs.h"
#include "fs/file.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "sync/wait.h"

#define KMSG_MINOR 11
#define LOOK_AGAIN_NS (NS_PER_SECOND / 10)
#define RECORD_MAX (LOG_LINE_MAX + 64)      // text and its prefix

static uint64_t next_record(const struct file *file)
{
    return (uint64_t)(uintptr_t)file->cursor;
}

static void set_next_record(struct file *file, uint64_t sequence)
{
    file->cursor = (void *)(uintptr_t)sequence;
}

static int kmsg_open(struct file *file)
{
    set_next_record(file, log_oldest());
    return 0;
}

// => 0, -EAGAIN, -EINTR
static int wait_for_record(struct file *file)
{
    while (next_record(file) >= log_next()) {
        int error = file_is_nonblocking(file) ? -EAGAIN : sleep_until(clock_ns() + LOOK_AGAIN_NS);

        if (error != 0)
            return error;
    }
    return 0;
}

// The record in turn as one line. => its length; 0: none
static size_t format_record(struct file *file, char *line, size_t size)
{
    struct log_record record;
    char *text = line + 64; // behind the prefix; moved up to it then
    size_t length;

    if (!log_read(next_record(file), &record, text, LOG_LINE_MAX))
        return 0;
    set_next_record(file, record.sequence + 1);
    length = (size_t)scnprintf(line, 64, "%u,%llu,%llu,-;", record.level, (unsigned long long)record.sequence,
                               (unsigned long long)(record.time_ns / 1000));
    memmove(line + length, text, MIN((size_t)record.size, size - 65));
    length += MIN((size_t)record.size, size - 65);
    line[length++] = '\n';
    return length;
}

static int64_t kmsg_read(struct file *file, struct io *io)
{
    int64_t result = wait_for_record(file);
    size_t length;
    char *line;

    if (result != 0)
        return result;
    line = slab_alloc(RECORD_MAX);
    if (line == NULL)
        return -ENOMEM;
    length = format_record(file, line, RECORD_MAX);
    if (length > io->left)
        result = -EINVAL;
    else
        result = io_copy_out(io, line, length) == length ? (int64_t)length : -EFAULT;
    slab_free(line);
    return result;
}

static int64_t kmsg_write(struct file *file __maybe_unused, struct io *io)
{
    size_t size = io->left, taken;
    char *line;

    if (size > LOG_LINE_MAX)
        return -EINVAL;
    line = slab_alloc(LOG_LINE_MAX);
    if (line == NULL)
        return -ENOMEM;
    taken = io_copy_in(io, line, size);
    if (taken == size)
        log_write(line, size);
    slab_free(line);
    return taken == size ? (int64_t)size : -EFAULT;
}

// To the first record, or behind the last.
static int64_t kmsg_seek(struct file *file, int64_t offset, int whence)
{
    if (offset != 0)
        return -ESPIPE;
    if (whence == SEEK_SET || whence == SEEK_DATA)
        set_next_record(file, log_oldest());
    else if (whence == SEEK_END)
        set_next_record(file, log_next());
    else
        return -EINVAL;
    return 0;
}

static uint32_t kmsg_poll(struct file *file, struct poll_table *table __maybe_unused)
{
    return next_record(file) < log_next() ? POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM : POLLOUT | POLLWRNORM;
}

static const struct file_ops kmsg_ops = {
    .open = kmsg_open,
    .read = kmsg_read,
    .write = kmsg_write,
    .seek = kmsg_seek,
    .poll = kmsg_poll,
};

static struct char_device kmsg_device = {
    .name = "mem",
    .major = MEM_MAJOR,
    .first_minor = KMSG_MINOR,
    .minors = 1,
    .ops = &kmsg_ops,
};

void kmsg_init(void)
{
    char_device_register(&kmsg_device);
    devfs_create_node("kmsg", S_IFCHR | 0644, device_make(MEM_MAJOR, KMSG_MINOR));
}
