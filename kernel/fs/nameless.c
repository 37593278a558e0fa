// SPDX-License-Identifier: MIT
#include "fs/nameless.h"

#include "fs/inode.h"
#include "fs/mount.h"
#include "lib/errno.h"
#include "lib/log.h"

static struct super_block nameless_sb;
static struct mount *nameless_mount;

static const struct file_system_type nameless_type = {.name = "anon_inodefs"};
static const struct super_block_ops nameless_super_ops = {.evict = inode_free};
static const struct inode_ops nameless_inode_ops;

static int nameless_inode_create(uint32_t mode, struct inode **out)
{
    struct inode *inode = inode_alloc();

    if (inode == NULL)
        return -ENOMEM;
    inode_init(inode, &nameless_sb, atomic_fetch_add(&nameless_sb.next_ino, 1), mode);
    inode->ops = &nameless_inode_ops;
    *out = inode;
    return 0;
}

int nameless_path_create(const char *name, uint32_t mode, struct path *out)
{
    struct inode *inode;
    int error = nameless_inode_create(mode, &inode);

    if (error != 0)
        return error;
    out->dentry = dentry_create_nameless(inode, name);
    if (out->dentry == NULL) {
        inode_put(inode);
        return -ENOMEM;
    }
    mount_get(nameless_mount);
    out->mount = nameless_mount;
    return 0;
}

bool path_is_nameless(const struct path *path)
{
    return path->mount == nameless_mount;
}

void nameless_init(void)
{
    struct inode *inode;

    super_block_init(&nameless_sb, &nameless_type, &nameless_super_ops);
    if (nameless_inode_create(0040000, &inode) == 0)
        nameless_sb.root = dentry_create_root(inode);
    if (nameless_sb.root != NULL)
        nameless_mount = mount_create_detached(&nameless_sb, "none");
    if (nameless_mount == NULL)
        panic("no memory for the first inodes");
}
