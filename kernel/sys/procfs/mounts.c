// SPDX-License-Identifier: MIT
/*
 * mounts.c - /proc/PID/mounts and mountinfo: what is mounted where, as seen from the process's root.
 */
#include <linux/mount.h>

#include "fs/mount.h"
#include "fs/vfs.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kalloc.h"
#include "proc/fs_context.h"
#include "proc/process.h"
#include "sys/procfs/node.h"
#include "sys/procfs/process.h"

#define SPECIAL " \t\n\\#"      // written in octal, so that fields can be told apart
#define OPTIONS_MAX 128

static const struct flag_name {
    unsigned flag;
    const char *name;
} flag_names[] = {
    {MS_NOSUID, ",nosuid"},       {MS_NODEV, ",nodev"},     {MS_NOEXEC, ",noexec"}, {MS_NOATIME, ",noatime"},
    {MS_NODIRATIME, ",nodiratime"}, {MS_RELATIME, ",relatime"},
};

/* What one walk through the mounts needs. */
struct mounts_work {
    struct text *text;
    struct path root;
    char *name;             // one frame
};

static void put_mount_options(struct text *text, const struct mount *mount)
{
    unsigned flags = mount->flags;

    text_puts(text, mount_is_read_only(mount) ? "ro" : "rw");
    for (unsigned i = 0; i < ARRAY_SIZE(flag_names); i++)
        if (flags & flag_names[i].flag)
            text_puts(text, flag_names[i].name);
}

static void put_super_options(struct text *text, const struct mount *mount)
{
    char options[OPTIONS_MAX];

    if (!mount->sb->ops->show_options)
        return;
    mount->sb->ops->show_options(mount->sb, options, sizeof(options));
    text_puts(text, options);
}

static bool put_mount(struct mount *mount, void *arg)
{
    struct mounts_work *work = arg;
    struct path place = {mount, mount->root};

    if (vfs_path_name(&place, &work->root, work->name, PAGE_SIZE) < 0 || work->name[0] != '/')
        return true;
    text_escape(work->text, mount->source ? mount->source : "none", SPECIAL);
    text_puts(work->text, " ");
    text_escape(work->text, work->name, SPECIAL);
    text_puts(work->text, " ");
    text_escape(work->text, mount->sb->type->name, SPECIAL);
    text_puts(work->text, " ");
    put_mount_options(work->text, mount);
    put_super_options(work->text, mount);
    text_puts(work->text, " 0 0\n");
    return !work->text->error;
}

/* The number of the mount that this one is mounted in; the root mount's is its own. */
static int parent_id(struct mount *mount)
{
    struct path path = {mount, mount->root};
    int id;

    path_get(&path);
    mount_ascend(&path);
    id = path.mount->id;
    path_put(&path);
    return id;
}

/* Which folder of the file system is seen there: another than its root for a bind mount of a part. */
static void put_root(struct mounts_work *work, struct mount *mount)
{
    struct mount *whole = mount_of_super_block(mount->sb);
    struct path part = {whole, mount->root}, top;

    if (!whole)
        return;
    top = (struct path){whole, whole->root};
    if (vfs_path_name(&part, &top, work->name, PAGE_SIZE) < 0)
        strlcpy(work->name, "/", PAGE_SIZE);
    text_escape(work->text, work->name, SPECIAL);
    mount_put(whole);
}

/* proc(5): number, parent, device, root, place, options - type, source, the file system's options. */
static bool put_mount_info(struct mount *mount, void *arg)
{
    struct mounts_work *work = arg;
    struct path place = {mount, mount->root};
    struct text *text = work->text;

    if (vfs_path_name(&place, &work->root, work->name, PAGE_SIZE) < 0 || work->name[0] != '/')
        return true;
    text_printf(text, "%d %d %u:%u ", mount->id, parent_id(mount), device_major(mount->sb->device),
                device_minor(mount->sb->device));
    put_root(work, mount);
    text_puts(text, " ");
    if (vfs_path_name(&place, &work->root, work->name, PAGE_SIZE) >= 0)
        text_escape(text, work->name, SPECIAL);
    text_puts(text, " ");
    put_mount_options(text, mount);
    text_printf(text, " - %s ", mount->sb->type->name);
    text_escape(text, mount->source ? mount->source : "none", SPECIAL);
    text_puts(text, mount_is_read_only(mount) ? " ro" : " rw");
    put_super_options(text, mount);
    text_puts(text, "\n");
    return !text->error;
}

static int show(const struct proc_inode *inode, struct text *text, bool (*put)(struct mount *mount, void *arg))
{
    struct mounts_work work = {.text = text, .name = kalloc()};
    struct fs_context *fs = process_fs(inode->process);

    if (fs && work.name) {
        fs_context_root(fs, &work.root);
        mounts_for_each(put, &work);
        path_put(&work.root);
    }
    if (fs)
        fs_context_put(fs);
    if (!work.name)
        return -ENOMEM;
    kfree(work.name);
    return fs ? 0 : -EINVAL;
}

int show_mounts(const struct proc_inode *inode, struct text *text)
{
    return show(inode, text, put_mount);
}

int show_mountinfo(const struct proc_inode *inode, struct text *text)
{
    return show(inode, text, put_mount_info);
}
