// SPDX-License-Identifier: MIT
/*
 * tmpfs.h - files in memory: the root, /tmp, the base of /dev.
 */
#ifndef FS_TMPFS_H
#define FS_TMPFS_H

#include "lib/types.h"

struct file_system_type;
struct inode;
struct path;
struct super_block;

// Register the type "tmpfs".
void tmpfs_init(void);

// Another instance with the options of mount(2); its type may be another that is tmpfs inside. => 0, -EINVAL, -ENOMEM
int tmpfs_create_instance(struct file_system_type *type, const char *options, struct super_block **out) __must_check;

// Boot put pages into the file: count them, and raise the limit by as many.
void tmpfs_account_adopted(struct inode *inode);

// A regular file that is in no directory; "/memfd:x" shows as it is. => a path with references; 0, -ENOMEM
int tmpfs_create_nameless(const char *name, uint32_t mode, struct path *out) __must_check;

// Whether a regular file is tmpfs's.
bool tmpfs_owns(const struct inode *inode);

extern struct file_system_type tmpfs_type;

#endif
