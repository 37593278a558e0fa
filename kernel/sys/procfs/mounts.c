// SPDX-License-Identifier: MIT
/*
 * mounts.c - /proc/PID/mounts: what is mounted where, as seen from the process's root.
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

static void put_options(struct text *text, const struct mount *mount)
{
    char options[OPTIONS_MAX];
    unsigned flags = mount->flags;

    text_puts(text, flags & MS_RDONLY ? "ro" : "rw");
    for (unsigned i = 0; i < ARRAY_SIZE(flag_names); i++)
        if (flags & flag_names[i].flag)
            text_puts(text, flag_names[i].name);
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
    put_options(work->text, mount);
    text_puts(work->text, " 0 0\n");
    return !work->text->error;
}

int show_mounts(const struct proc_inode *inode, struct text *text)
{
    struct mounts_work work = {.text = text, .name = kalloc()};
    struct fs_context *fs = process_fs(inode->process);

    if (fs && work.name) {
        fs_context_root(fs, &work.root);
        mounts_for_each(put_mount, &work);
        path_put(&work.root);
    }
    if (fs)
        fs_context_put(fs);
    if (!work.name)
        return -ENOMEM;
    kfree(work.name);
    return fs ? 0 : -EINVAL;
}
