// SPDX-License-Identifier: MIT
/*
 * tmpfs_options.h - what mount(8) may say of a tmpfs: size, nr_blocks, nr_inodes, mode, uid, gid (tmpfs(5)).
 */
#ifndef FS_TMPFS_OPTIONS_H
#define FS_TMPFS_OPTIONS_H

#include "lib/types.h"

struct tmpfs_options {
    uint64_t max_pages;     // UINT64_MAX: no limit ("size=0")
    uint64_t max_inodes;    // likewise
    uint32_t mode, uid, gid; // of the root directory
};

// Parse "size=4m,mode=755"; defaults: half of memory, 01777, 0, 0. `text` may be NULL. => 0, -EINVAL
int tmpfs_options_parse(const char *text, struct tmpfs_options *options) __must_check;

#endif
