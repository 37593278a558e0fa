// SPDX-License-Identifier: MIT
/*
 * locks.c - /proc/locks: all locks on files, and who waits for them.
 */
#include "fs/device_number.h"
#include "fs/file_lock.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "sys/procfs/node.h"
#include "sys/procfs/system.h"

static void show_range(struct text *text, const struct file_lock_request *lock)
{
    if (lock->kind == FILE_LOCK_FLOCK)
        text_puts(text, "0 EOF\n");
    else if (lock->end == FILE_LOCK_EOF)
        text_printf(text, "%lu EOF\n", lock->start);
    else
        text_printf(text, "%lu %lu\n", lock->start, lock->end);
}

static void show_lock(const struct inode *inode, const struct file_lock_request *lock, unsigned id, bool waits,
                      void *arg)
{
    static const char *const kinds[] = {"POSIX  ADVISORY ", "OFDLCK ADVISORY ", "FLOCK  ADVISORY "};
    device_t device = (device_t)inode->sb->device;
    struct text *text = arg;

    text_printf(text, "%u: %s%s %s %d %02x:%02x:%lu ", id, waits ? "-> " : "", kinds[lock->kind],
                lock->write ? "WRITE" : "READ", lock->pid, device_major(device), device_minor(device), inode->ino);
    show_range(text, lock);
}

int show_locks(const struct proc_inode *inode, struct text *text)
{
    (void)inode;
    file_locks_for_each(show_lock, text);
    return 0;
}
