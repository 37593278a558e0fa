// SPDX-License-Identifier: MIT
/*
 * tmpfs.h - files in memory: the root, /tmp, /dev's base, and memory that processes share without a name.
 */
#ifndef FS_TMPFS_H
#define FS_TMPFS_H

#include "lib/types.h"

struct file;
struct file_system_type;
struct inode;
struct super_block;

// Register the type "tmpfs" and make the nameless instance.
void tmpfs_init(void);

/*
 * A file with no name: shared anonymous memory, memfd_create, System V memory.
 *
 * => open for reading and writing, `size` bytes long, no pages yet; `name` as /proc/PID/maps shows it ("dev/zero")
 * => 0, -ENOMEM, -ENOSPC
 */
int tmpfs_create_nameless(const char *name, uint64_t size, struct file **out) __must_check;

// A new inode of a tmpfs, any type. => 0, -ENOSPC, -ENOMEM
int tmpfs_inode_create(struct super_block *sb, uint32_t mode, struct inode **out) __must_check;

// Another instance with the options of mount(2); its type may be another that is tmpfs inside. => 0, -EINVAL, -ENOMEM
int tmpfs_create_instance(struct file_system_type *type, const char *options, struct super_block **out) __must_check;

// Boot put pages into the file: count them, and raise the limit by as many.
void tmpfs_account_adopted(struct inode *inode);

extern struct file_system_type tmpfs_type;

#endif
