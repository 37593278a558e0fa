// SPDX-License-Identifier: MIT
/*
 * links.c - what a process has open, as links: exe, cwd, root, fd/N; and fdinfo/N.
 *
 * Following one goes to the file itself, whatever its name is now; reading one tells its name, seen from the reader's
 * root.
 */
#include "fs/file.h"
#include "fs/file_table.h"
#include "fs/mount.h"
#include "fs/vfs.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kalloc.h"
#include "proc/fs_context.h"
#include "proc/process.h"
#include "sys/inspect.h"
#include "sys/procfs/node.h"
#include "sys/procfs/process.h"

/* The name of what `follow` leads to, cut at `size`. => its length or -errno */
static int64_t link_by(int (*follow)(const struct proc_inode *, struct path *), const struct proc_inode *inode,
                       char *buffer, size_t size)
{
    struct path path, root;
    char *name;
    int64_t length = follow(inode, &path);

    if (length)
        return length;
    name = kalloc();
    length = -ENOMEM;
    if (name) {
        fs_context_root(current_process()->fs, &root);
        length = vfs_path_name(&path, &root, name, PAGE_SIZE);
        path_put(&root);
        length = MIN(length, (int64_t)size);
        if (length > 0)
            memcpy(buffer, name, length);
        kfree(name);
    }
    path_put(&path);
    return length;
}

/* ---- exe, cwd, root ---- */

int exe_follow(const struct proc_inode *inode, struct path *out)
{
    struct file *file = process_executable(inode->process);

    if (!file)
        return -ENOENT;
    *out = file->path;
    path_get(out);
    file_put(file);
    return 0;
}

int64_t exe_link(const struct proc_inode *inode, char *buffer, size_t size)
{
    return link_by(exe_follow, inode, buffer, size);
}

int cwd_follow(const struct proc_inode *inode, struct path *out)
{
    struct fs_context *fs = process_fs(inode->process);

    if (!fs)
        return -ENOENT;
    fs_context_cwd(fs, out);
    fs_context_put(fs);
    return 0;
}

int64_t cwd_link(const struct proc_inode *inode, char *buffer, size_t size)
{
    return link_by(cwd_follow, inode, buffer, size);
}

int root_follow(const struct proc_inode *inode, struct path *out)
{
    struct fs_context *fs = process_fs(inode->process);

    if (!fs)
        return -ENOENT;
    fs_context_root(fs, out);
    fs_context_put(fs);
    return 0;
}

int64_t root_link(const struct proc_inode *inode, char *buffer, size_t size)
{
    return link_by(root_follow, inode, buffer, size);
}

/* ---- fd, fdinfo ---- */

static int64_t next_fd(const struct proc_inode *dir, uint32_t from)
{
    struct file_table *files = inspect_allowed(dir->process) ? process_files(dir->process) : NULL;
    int fd = -1;

    if (files) {
        fd = fd_next(files, from);
        file_table_put(files);
    }
    return fd;
}

/* The open file that the inode is about, with a reference. => NULL: it is closed */
static struct file *file_of(const struct proc_inode *inode)
{
    struct file_table *files = process_files(inode->process);
    struct file *file;

    if (!files)
        return NULL;
    file = fd_get(files, inode->number);
    file_table_put(files);
    return file;
}

static int fd_follow(const struct proc_inode *inode, struct path *out)
{
    struct file *file = file_of(inode);

    if (!file)
        return -ENOENT;
    *out = file->path;
    path_get(out);
    file_put(file);
    return 0;
}

static int64_t fd_link(const struct proc_inode *inode, char *buffer, size_t size)
{
    return link_by(fd_follow, inode, buffer, size);
}

/* Its owner's rights tell how it is open: lsof reads them. */
static uint16_t fd_mode(const struct proc_inode *inode)
{
    struct file *file = file_of(inode);
    unsigned mode = file ? file->mode : 0;

    if (file)
        file_put(file);
    return S_IFLNK | (mode & FILE_READ ? 0500 : 0) | (mode & FILE_WRITE ? 0300 : 0);
}

static int show_fdinfo(const struct proc_inode *inode, struct text *text)
{
    struct file_table *files = process_files(inode->process);
    struct file *file = file_of(inode);
    uint32_t flags = file ? file->flags : 0;

    if (file && files && fd_close_on_exec(files, inode->number) > 0)
        flags |= 02000000 /* O_CLOEXEC */;
    if (files)
        file_table_put(files);
    if (!file)
        return -ENOENT;
    text_printf(text, "pos:\t%lu\nflags:\t0%o\nmnt_id:\t%d\nino:\t%lu\n", file->position, flags, file->path.mount->id,
                file_inode(file)->ino);
    file_put(file);
    return 0;
}

static const struct proc_node fd_node = {
    .name = "fd", .mode = S_IFLNK | 0700, .flags = PROC_INSPECT, .link = fd_link, .follow = fd_follow,
};
static const struct proc_node fdinfo_node = {
    .name = "fdinfo", .mode = S_IFREG | 0400, .flags = PROC_INSPECT | PROC_OUTLIVES, .show = show_fdinfo,
};

const struct proc_listing proc_fds = {.node = &fd_node, .next = next_fd, .mode = fd_mode};
const struct proc_listing proc_fdinfos = {.node = &fdinfo_node, .next = next_fd};
