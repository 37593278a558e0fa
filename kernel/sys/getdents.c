// SPDX-License-Identifier: MIT
/*
 * getdents.c - read a directory.
 *
 * Entries are collected in a frame, since no user memory is touched under a directory's lock, and then copied: a call
 * returns at most a frame of them, however large the program's buffer is.
 */
#include <linux/fs.h>

#include "lib/string.h"
#include "mm/kalloc.h"
#include "mm/usercopy.h"
#include "sys/descriptor.h"
#include "sys/syscall.h"

/* As in Linux's include/linux/dirent.h; no UAPI header has it. getdents64(2). */
struct entry {
    uint64_t ino;
    int64_t next;
    uint16_t size;          // of this entry, a multiple of 8
    uint8_t type;
    char name[];
};

/* The same for getdents(2): the type comes last, in the byte before the next entry. */
struct old_entry {
    uint64_t ino;
    int64_t next;
    uint16_t size;
    char name[];
};

struct collector {
    struct dir_emitter emitter;
    char *frame;
    size_t used, size;
    bool full;              // an entry did not fit
};

/* Room for one entry, zeroed. => NULL: it does not fit */
static void *take_room(struct collector *collector, size_t size)
{
    char *room = collector->frame + collector->used;

    if (size > collector->size - collector->used) {
        collector->full = true;
        return NULL;
    }
    collector->used += size;
    return memset(room, 0, size);
}

static bool collect(struct dir_emitter *emitter, const char *name, size_t length, uint64_t ino, unsigned type,
                    uint64_t next)
{
    size_t size = ALIGN_UP(offsetof(struct entry, name) + length + 1, 8);
    struct entry *entry = take_room(container_of(emitter, struct collector, emitter), size);

    if (!entry)
        return false;
    *entry = (struct entry){ino, next, size, type};
    memcpy(entry->name, name, length);
    return true;
}

static bool collect_old(struct dir_emitter *emitter, const char *name, size_t length, uint64_t ino, unsigned type,
                        uint64_t next)
{
    size_t size = ALIGN_UP(offsetof(struct old_entry, name) + length + 2, 8);
    struct old_entry *entry = take_room(container_of(emitter, struct collector, emitter), size);

    if (!entry)
        return false;
    *entry = (struct old_entry){ino, next, size};
    memcpy(entry->name, name, length);
    ((char *)entry)[size - 1] = type;
    return true;
}

static int64_t read_entries(struct file *file, struct collector *collector, vaddr_t buffer)
{
    int64_t before = file_seek(file, 0, SEEK_CUR);
    int64_t result = file_readdir(file, &collector->emitter);

    if (!collector->used)
        return result ? result : collector->full ? -EINVAL : 0;
    if (!copy_to_user(buffer, collector->frame, collector->used))
        return collector->used;
    // Nothing was delivered: the entries are still to be read.
    result = before >= 0 ? file_seek(file, before, SEEK_SET) : before;
    return result < 0 ? result : -EFAULT;
}

static int64_t read_directory(int fd, vaddr_t buffer, unsigned size, __typeof__(&collect) emit)
{
    struct collector collector = {.emitter.emit = emit, .size = MIN(size, PAGE_SIZE)};
    struct file *file = descriptor_file(fd);
    int64_t result;

    if (!file)
        return -EBADF;
    collector.frame = kalloc();
    result = -ENOMEM;
    if (collector.frame) {
        result = read_entries(file, &collector, buffer);
        kfree(collector.frame);
    }
    file_put(file);
    return result;
}

SYSCALL3(getdents, int, fd, vaddr_t, buffer, unsigned, size)
{
    return read_directory(fd, buffer, size, collect_old);
}

SYSCALL3(getdents64, int, fd, vaddr_t, buffer, unsigned, size)
{
    return read_directory(fd, buffer, size, collect);
}
