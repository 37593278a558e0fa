// SPDX-License-Identifier: MIT
/*
 * memfd.h - files in memory without a name (memfd_create(2)), and seals: promises that a file will not change.
 */
#ifndef FS_MEMFD_H
#define FS_MEMFD_H

#include "lib/types.h"

struct file;
struct inode;

// Newer than the UAPI headers that we build with.
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#define MFD_EXEC        0x0010U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif

#define MEMFD_NAME_MAX 249      // bytes that a program may give; "/memfd:" comes before them

/*
 * An empty file, open for reading and writing, that shows as `name`.
 *
 * => `flags`: MFD_ALLOW_SEALING, MFD_NOEXEC_SEAL; 0, -ENOMEM
 */
int memfd_create(const char *name, unsigned flags, struct file **out) __must_check;

/*
 * F_ADD_SEALS and F_GET_SEALS: F_SEAL_* bits.
 *
 * => get: the seals; add: 0, -EPERM (sealed, or not open for writing), -EBUSY (mapped for writing)
 * => -EINVAL: the file can have none, or there is no such seal
 */
int file_get_seals(struct file *file) __must_check;
int file_add_seals(struct file *file, unsigned seals) __must_check;

// May a file with seals be written to at [offset, offset + size), or get that size? => inode->lock held; 0, -EPERM
int seals_allow_write(struct inode *inode, uint64_t offset, size_t size) __must_check;
int seals_allow_size(struct inode *inode, uint64_t size) __must_check;

#endif
