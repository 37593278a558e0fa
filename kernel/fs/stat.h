// SPDX-License-Identifier: MIT
/*
 * stat.h - what is told about a file and a file system, before sys/ puts it into the structures of the ABI.
 */
#ifndef FS_STAT_H
#define FS_STAT_H

#include "lib/types.h"

struct kstat {
    uint64_t dev, ino;
    uint32_t mode, nlink, uid, gid;
    uint64_t rdev;
    uint64_t size;                          // bytes
    uint64_t blocks;                        // of 512 bytes
    uint32_t block_size;                    // st_blksize
    int64_t atime, mtime, ctime, btime;     // nanoseconds since 1970; btime 0: not known
};

struct kstatfs {
    uint64_t type;                          // a magic of <linux/magic.h>
    uint64_t block_size;
    uint64_t blocks, blocks_free;
    uint64_t blocks_reserved;               // of those free, for the superuser
    uint64_t files, files_free;             // inodes
    uint64_t id;                            // f_fsid
    uint32_t name_max;
};

#endif
