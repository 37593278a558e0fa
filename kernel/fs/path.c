// SPDX-License-Identifier: MIT
#include "fs/path.h"

#include "fs/mount.h"

void path_get(const struct path *path)
{
    mount_get(path->mount);
    dentry_get(path->dentry);
}

void path_put(const struct path *path)
{
    if (path->dentry != NULL)
        dentry_put(path->dentry);
    if (path->mount != NULL)
        mount_put(path->mount);
}
