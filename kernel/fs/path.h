// SPDX-License-Identifier: MIT
/*
 * path.h - a place that a name led to: which mount, and which dentry in it. Counted by its holder.
 */
#ifndef FS_PATH_H
#define FS_PATH_H

#include "fs/dentry.h"

struct mount;

struct path {
    struct mount *mount;
    struct dentry *dentry;
};

// Another reference to both parts of a path / give both back (an empty path is fine). put may sleep.
void path_get(const struct path *path);
void path_put(const struct path *path);

static inline struct inode *path_inode(const struct path *path)
{
    return path->dentry->inode;
}

static inline bool path_equal(const struct path *a, const struct path *b)
{
    return a->mount == b->mount && a->dentry == b->dentry;
}

#endif
