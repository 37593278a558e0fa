// SPDX-License-Identifier: MIT
/*
 * devfs.h - "devtmpfs": one tmpfs that all its mounts share, in which drivers make their nodes.
 */
#ifndef FS_DEVFS_H
#define FS_DEVFS_H

#include "fs/device_number.h"

// Register the type "devtmpfs" and make its one instance.
void devfs_init(void);

/*
 * Make a device node ("null", "pts/0": folders are made). `mode` is type (S_IFCHR, S_IFBLK) and permission bits.
 *
 * => at boot or later; panics at boot if there is no memory for it, since nothing works then
 */
void devfs_create_node(const char *name, uint32_t mode, device_t number);
void devfs_create_link(const char *name, const char *target);
void devfs_create_folder(const char *name, uint32_t mode);

// At boot, after the root is filled: mount it on /dev if that is a directory, so that init finds /dev/console.
void devfs_mount_on_root(void);

#endif
