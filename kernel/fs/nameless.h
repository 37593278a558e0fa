// SPDX-License-Identifier: MIT
/*
 * nameless.h - inodes that are in no directory: of pipes, event files and the like. Private to fs/.
 */
#ifndef FS_NAMELESS_H
#define FS_NAMELESS_H

#include "fs/path.h"

// At boot: the super block of nameless inodes.
void nameless_init(void);

// A path to a new nameless inode; "pipe" shows as "pipe:[INO]", "anon_inode:[x]" and "/memfd:x" as they are. 0,
// -ENOMEM.
int nameless_path_create(const char *name, uint32_t mode, struct path *out) __must_check;

// Whether a path is one of those; they are reached again through /proc/PID/fd.
bool path_is_nameless(const struct path *path);

#endif
