// SPDX-License-Identifier: MIT
/*
 * page_files.h - the files of /proc that have a word for each page.
 */
#ifndef PROCFS_PAGE_FILES_H
#define PROCFS_PAGE_FILES_H

#include "fs/file.h"

extern const struct file_ops pagemap_ops, kpagecount_ops, kpageflags_ops;

#endif
