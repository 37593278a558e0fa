// SPDX-License-Identifier: MIT
/*
 * kernel_file.h - open and read files for the kernel's own use: exec reads headers with it.
 */
#ifndef FS_KERNEL_FILE_H
#define FS_KERNEL_FILE_H

#include "fs/path.h"
#include "fs/vfs.h"

struct file;

/*
 * Open a program for exec: a regular file on a mount that allows it, with execute permission.
 *
 * => *out: one reference; 0, -EACCES, and what vfs_lookup says
 */
int file_open_exec(const struct lookup *lookup, const char *name, unsigned lookup_flags, struct file **out)
    __must_check;

/*
 * Read up to `size` bytes at `offset` into kernel memory.
 *
 * => bytes read, fewer only at the end of the file; -errno
 */
int64_t kernel_read(struct file *file, uint64_t offset, void *buffer, size_t size) __must_check;

#endif
