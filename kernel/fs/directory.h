// SPDX-License-Identifier: MIT
/*
 * directory.h - open directories whose names all lie in the tree (tmpfs, devtmpfs). Private to fs/.
 */
#ifndef FS_DIRECTORY_H
#define FS_DIRECTORY_H

#include "fs/file.h"

extern const struct file_ops tree_directory_ops;

#endif
