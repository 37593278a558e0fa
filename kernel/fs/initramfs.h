// SPDX-License-Identifier: MIT
/*
 * initramfs.h - unpack the cpio archives that the boot loader left in memory into the root.
 */
#ifndef FS_INITRAMFS_H
#define FS_INITRAMFS_H

/*
 * Unpack boot_info()'s archives into the root, give their memory to the files or back to the allocator.
 *
 * => once, at boot, after vfs_init; panics with one clear line if there is no archive or it is corrupt
 */
void initramfs_unpack(void);

#endif
