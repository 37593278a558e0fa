// SPDX-License-Identifier: MIT
/*
 * devpts.c - the file system of pseudo-terminals.
 *
 * Theory      Names are the dentry tree and nothing else, as in tmpfs; only the kernel makes and removes them. A node
 *             holds a reference to its terminal, and a terminal, until its master closes, one to the node's name. The
 *             number is free again when the terminal itself is gone, which may be later: files of it may be open still.
 */
#include "dev/devpts.h"

#include <linux/magic.h>
#include <linux/major.h>
#include <linux/stat.h>
#include <stdatomic.h>

#include "dev/devpts_options.h"
#include "dev/pty.h"
#include "dev/tty.h"
#include "fs/directory.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/printf.h"
#include "mm/kalloc.h"
#include "mm/slab.h"

enum { INO_ROOT = 1, INO_PTMX = 2, INO_FIRST_NODE = 3 };    // as on Linux

#define LIMIT_MAX        (1 << 20)      // what the limit can be set to, as on Linux
#define LIMIT_FIRST      4096u
#define FRAMES_PER_PTY   32u            // by default at most a sixteenth of memory goes to them: each takes two

struct devpts {
    struct super_block sb;
    struct devpts_options options;
    struct list places;                 // numbers_lock; by number
};

static struct spinlock numbers_lock = SPINLOCK_INIT("numbers of pseudo-terminals", RANK_SUPERBLOCK);
static uint32_t count;                  // numbers_lock; of all instances
static _Atomic uint32_t limit;

static struct devpts *devpts_of(struct super_block *sb)
{
    return container_of(sb, struct devpts, sb);
}

static const struct inode_ops devpts_inode_ops;

static struct inode *devpts_inode(struct devpts *fs, uint64_t ino, uint32_t mode)
{
    struct inode *inode = inode_alloc();

    if (inode == NULL)
        return NULL;
    inode_init(inode, &fs->sb, ino, mode);
    inode->ops = &devpts_inode_ops;
    if (S_ISDIR(mode))
        inode->file_ops = &tree_directory_ops;
    else
        inode->tty = NULL;
    return inode;
}

// A name in the root for `inode`, whose reference it takes over in any case. => with a reference; NULL: no memory
static struct dentry *devpts_link(struct devpts *fs, const char *name, size_t length, struct inode *inode)
{
    struct dentry *dentry = dentry_create(fs->sb.root, name, length);

    if (dentry == NULL) {
        inode_put(inode);
        return NULL;
    }
    dentry_set_inode(dentry, inode);
    rwlock_write_lock(&fs->sb.tree);
    dentry_link(dentry);
    rwlock_write_unlock(&fs->sb.tree);
    return dentry;
}

static int make_ptmx(struct devpts *fs)
{
    struct inode *inode = devpts_inode(fs, INO_PTMX, S_IFCHR | fs->options.ptmx_mode);
    struct dentry *dentry;

    if (inode == NULL)
        return -ENOMEM;
    inode->rdev = device_make(TTYAUX_MAJOR, PTMX_MINOR);
    dentry = devpts_link(fs, "ptmx", 4, inode);
    if (dentry == NULL)
        return -ENOMEM;
    dentry_put(dentry);
    return 0;
}

static int make_root(struct devpts *fs)
{
    struct inode *root = devpts_inode(fs, INO_ROOT, S_IFDIR | 0755);

    if (root == NULL)
        return -ENOMEM;
    root->nlink = 2;
    fs->sb.root = dentry_create_root(root);
    if (fs->sb.root != NULL)
        return make_ptmx(fs);
    inode_put(root);
    return -ENOMEM;
}

static void devpts_evict(struct inode *inode)
{
    struct tty *tty = S_ISCHR(inode->mode) ? inode->tty : NULL;

    inode_free(inode);
    if (tty != NULL)
        tty_put(tty);
}

static void devpts_statfs(struct super_block *sb __maybe_unused, struct kstatfs *out)
{
    out->type = DEVPTS_SUPER_MAGIC;
}

static void devpts_release(struct super_block *sb)
{
    if (sb->root != NULL) {
        dentry_destroy_tree(sb->root);
        dentry_put(sb->root);
    }
    slab_free(devpts_of(sb));
}

static void devpts_show_options(struct super_block *sb, char *buffer, size_t size)
{
    devpts_options_show(&devpts_of(sb)->options, buffer, size);
}

static const struct super_block_ops devpts_super_ops = {
    .evict = devpts_evict,
    .statfs = devpts_statfs,
    .release = devpts_release,
    .show_options = devpts_show_options,
};

static int devpts_mount(struct file_system_type *type, const struct mount_request *request, struct super_block **out)
{
    struct devpts_options options;
    int error = devpts_options_parse(request->options, &options);
    struct devpts *fs;

    if (error != 0)
        return error;
    fs = slab_zalloc(sizeof *fs);
    if (fs == NULL)
        return -ENOMEM;
    super_block_init(&fs->sb, type, &devpts_super_ops);
    fs->options = options;
    list_init(&fs->places);
    error = make_root(fs);
    if (error != 0) {
        super_block_put(&fs->sb);
        return error;
    }
    *out = &fs->sb;
    return 0;
}

static struct file_system_type devpts_type = {.name = "devpts", .mount = devpts_mount};

static bool is_instance_root(const struct path *path)
{
    return path->dentry->sb->type == &devpts_type && path->dentry == path->dentry->sb->root;
}

// "pts" beside `ptmx`, and what is mounted there. => references; 0, -ENOENT
static int find_beside(const struct path *ptmx, struct path *out)
{
    struct super_block *sb = ptmx->dentry->sb;
    struct dentry *dentry;

    rwlock_read_lock(&sb->tree);
    dentry = dentry_find(ptmx->dentry->parent, "pts", 3);
    rwlock_read_unlock(&sb->tree);
    if (dentry == NULL)
        return -ENOENT;
    mount_get(ptmx->mount);
    *out = (struct path){ptmx->mount, dentry};
    mount_descend(out);
    return 0;
}

int devpts_find(const struct path *ptmx, struct path *root)
{
    int error;

    if (ptmx->dentry->sb->type == &devpts_type) {
        *root = (struct path){ptmx->mount, ptmx->dentry->sb->root};
        path_get(root);
        return 0;
    }
    error = find_beside(ptmx, root);
    if (error != 0)
        return error;
    if (is_instance_root(root))
        return 0;
    path_put(root);
    return -ENODEV;
}

// => numbers_lock held; the link before which the lowest free number belongs, and that number
static struct list *find_gap(struct devpts *fs, uint32_t *number)
{
    struct devpts_place *place;

    *number = 0;
    list_for_each_entry(place, &fs->places, link) {
        if (place->number != *number)
            return &place->link;
        ++*number;
    }
    return &fs->places;
}

int devpts_take_number(struct super_block *sb, struct devpts_place *place)
{
    struct devpts *fs = devpts_of(sb);
    struct list *gap;
    bool taken;

    spin_lock(&numbers_lock);
    gap = find_gap(fs, &place->number);
    taken = count < limit && place->number < fs->options.max;
    if (taken) {
        list_add_tail(gap, &place->link);
        count++;
    }
    spin_unlock(&numbers_lock);
    if (!taken)
        return -ENOSPC;
    super_block_get(sb);
    place->sb = sb;
    place->node = NULL;
    return 0;
}

void devpts_give_number(struct devpts_place *place)
{
    spin_lock(&numbers_lock);
    list_remove(&place->link);
    count--;
    spin_unlock(&numbers_lock);
    super_block_put(place->sb);
}

int devpts_add_node(struct devpts_place *place, struct tty *tty, const struct credentials *credentials)
{
    struct devpts *fs = devpts_of(place->sb);
    const struct devpts_options *options = &fs->options;
    struct inode *inode = devpts_inode(fs, INO_FIRST_NODE + place->number, S_IFCHR | options->mode);
    char name[12];

    if (inode == NULL)
        return -ENOMEM;
    inode->rdev = tty_number(tty);
    inode->uid = options->has_uid ? options->uid : credentials->fsuid;
    inode->gid = options->has_gid ? options->gid : credentials->fsgid;
    tty_get(tty);
    inode->tty = tty;
    place->node = devpts_link(fs, name, (size_t)scnprintf(name, sizeof name, "%u", place->number), inode);
    return place->node != NULL ? 0 : -ENOMEM;
}

void devpts_remove_node(struct devpts_place *place)
{
    struct dentry *node = place->node;

    rwlock_write_lock(&place->sb->tree);
    dentry_unlink(node);
    rwlock_write_unlock(&place->sb->tree);
    node->inode->nlink = 0;
    place->node = NULL;
    dentry_put(node);
}

struct tty *devpts_tty(const struct inode *inode)
{
    return inode->sb->type == &devpts_type ? inode->tty : NULL;
}

uint32_t devpts_count(void)
{
    return count;
}

uint32_t devpts_limit(void)
{
    return limit;
}

int devpts_set_limit(int value)
{
    if (value < 0 || value > LIMIT_MAX)
        return -EINVAL;
    limit = (uint32_t)value;
    return 0;
}

void devpts_init(void)
{
    uint64_t frames = 0;

    for (int kind = FRAME_RESERVED + 1; kind < FRAME_KINDS; kind++)
        frames += frames_by_kind((enum frame_kind)kind);
    limit = (uint32_t)MIN(frames / FRAMES_PER_PTY, (uint64_t)LIMIT_FIRST);
    register_filesystem(&devpts_type);
}
