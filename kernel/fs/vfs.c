// SPDX-License-Identifier: MIT
/*
 * vfs.c - the start of fs/: caches, the types of file systems that are always there, and the root.
 */
#include "fs/vfs.h"

#include "fs/devfs.h"
#include "fs/ext2/ext2.h"
#include "fs/file.h"
#include "fs/nameless.h"
#include "fs/tmpfs.h"
#include "lib/log.h"

void vfs_init(void)
{
    inode_cache_init();
    file_cache_init();
    nameless_init();
    tmpfs_init();
    devfs_init();
    ext2_init();
    shrink_init();
    // No limit on inodes: what the archive holds must fit, however little memory there is.
    if (mount_create_root(&tmpfs_type, "mode=755,nr_inodes=0") != 0)
        panic("no memory for the root file system");
}
