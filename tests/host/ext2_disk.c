// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "ext2_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dev/block.h"
#include "machine.h"

struct disk_write {
    uint64_t offset;
    size_t size;
    uint8_t *data;
};

static char image[] = "/tmp/gaur-ext2-XXXXXX"; // what mke2fs and e2fsck see
static uint8_t *data, *first;                  // the disk now, and as it was made
static struct disk_write *writes;
static size_t write_count, write_room, fail_after = SIZE_MAX;
static struct block_device disk;

static void disk_begin(void);

uint8_t *disk_data(void)
{
    return data;
}

size_t disk_size(void)
{
    return disk.size;
}

/* ---- Tools of the host ---- */

static int __attribute__((format(printf, 1, 2))) run(const char *format, ...)
{
    char command[600], *line;
    va_list arguments;

    va_start(arguments, format);
    if (vasprintf(&line, format, arguments) < 0)
        abort();
    va_end(arguments);
    snprintf(command, sizeof command, "PATH=$PATH:/usr/sbin:/sbin; %s", line);
    free(line);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void remove_image(void)
{
    unlink(image);
}

static void image_store(void)
{
    int fd = open(image, O_WRONLY | O_TRUNC);

    if (fd < 0 || write(fd, data, disk.size) != (ssize_t)disk.size)
        abort();
    close(fd);
}

static void image_load(void)
{
    int fd = open(image, O_RDONLY);

    if (fd < 0 || read(fd, data, disk.size) != (ssize_t)disk.size)
        abort();
    close(fd);
}

static void forget_writes(void)
{
    while (write_count > 0)
        free(writes[--write_count].data);
}

static void remember_first(void)
{
    forget_writes();
    memcpy(first, data, disk.size);
}

void disk_make(const char *options, unsigned kib, const char *folder)
{
    if (!data)
        disk_begin();
    if (truncate(image, 0) || truncate(image, kib * 1024l) ||
        run("mke2fs -q -F %s %s %s %s", options, folder ? "-d" : "", folder ? folder : "", image) != 0)
        abort();
    free(data);
    free(first);
    disk.size = kib * 1024ull;
    data = malloc(disk.size);
    first = malloc(disk.size);
    fail_after = SIZE_MAX;
    image_load();
    remember_first();
}

void disk_assert_clean(void)
{
    image_store();
    if (run("e2fsck -fn %s > %s.log 2>&1", image, image) != 0) {
        run("cat %s.log >&2; cp %s /tmp/gaur-ext2-bad", image, image);
        fprintf(stderr, "e2fsck is not content\n");
        abort();
    }
    run("rm %s.log", image);
}

int disk_repair(void)
{
    image_store();
    int status = run("e2fsck -p %s > %s.log 2>&1", image, image);
    if (status > 1)
        run("cat %s.log >&2; cp %s /tmp/gaur-ext2-bad", image, image);
    run("rm %s.log", image);
    image_load();
    remember_first();
    return status <= 1;
}

size_t disk_writes(void)
{
    return write_count;
}

void disk_rewind(size_t count)
{
    memcpy(data, first, disk.size);
    for (size_t i = 0; i < count; i++)
        memcpy(data + writes[i].offset, writes[i].data, writes[i].size);
    while (write_count > count)
        free(writes[--write_count].data);
}

void disk_fail_after(size_t operations)
{
    fail_after = operations;
}

/* ---- The device: it is done with what it was given when the thread that waits sleeps ---- */

#define ROOM 8

static struct block_request *taken[ROOM];
static unsigned taken_count;

static bool fails(void)
{
    if (fail_after == SIZE_MAX)
        return false;
    if (fail_after == 0)
        return true;
    fail_after--;
    return false;
}

static void remember(uint64_t offset, const void *from, size_t size)
{
    if (write_count == write_room) {
        write_room = write_room ? 2 * write_room : 1024;
        writes = realloc(writes, write_room * sizeof *writes);
    }
    writes[write_count] = (struct disk_write){offset, size, malloc(size)};
    memcpy(writes[write_count++].data, from, size);
}

static void move(const struct block_request *request)
{
    uint64_t at = request->position;

    for (unsigned i = 0; i < request->count; i++) {
        const struct block_segment *segment = &request->segments[i];

        if (request->operation == BLOCK_READ) {
            memcpy(segment->data, data + at, segment->size);
        } else {
            remember(at, segment->data, segment->size);
            memcpy(data + at, segment->data, segment->size);
        }
        at += segment->size;
    }
}

static bool start(struct block_device *device, struct block_request *chain)
{
    (void)device;
    if (taken_count == ROOM)
        return false;
    taken[taken_count++] = chain;
    return true;
}

static void kick(struct block_device *device)
{
    (void)device;
}

static bool collect(struct block_device *device)
{
    for (unsigned i = 0; i < taken_count; i++) {
        int error = fails() ? -EIO : 0;
        for (struct block_request *request = taken[i]; request && !error; request = request->next)
            move(request);
        block_finish(device, taken[i], error);
    }
    taken_count = 0;
    return true;
}

static int reset(struct block_device *device)
{
    (void)device;
    return -EIO;
}

static const struct block_ops ops = {.start = start, .kick = kick, .collect = collect, .reset = reset};

static void answer(void)
{
    block_interrupt(&disk);
}

static void disk_begin(void)
{
    close(mkstemp(image));
    atexit(remove_image);
    disk = (struct block_device){
        .name = "vda", .number = DISK_NUMBER, .block_size = 512, .max_segments = 40, .has_cache = true, .ops = &ops};
    block_register(&disk);
    machine_on_sleep = answer;
}
