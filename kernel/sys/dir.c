// SPDX-License-Identifier: MIT
/*
 * dir.c - names: make, remove, move, link, read; and where the process stands among them.
 */
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

#include "fs/inode.h"
#include "fs/vfs.h"
#include "mm/kalloc.h"
#include "mm/usercopy.h"
#include "proc/cred.h"
#include "proc/fs_context.h"
#include "sys/descriptor.h"
#include "sys/syscall.h"
#include "sys/user_path.h"

static uint32_t masked(uint32_t mode)
{
    return mode & ~current_process()->fs->umask;
}

static int64_t make_directory(int dirfd, vaddr_t name, uint32_t mode)
{
    struct user_path path;
    int error = user_path_begin(&path, dirfd, name, 0);

    if (error)
        return error;
    error = vfs_mkdir(&path.lookup, path.name, masked(mode & 01777));
    user_path_end(&path);
    return error;
}

SYSCALL2(mkdir, vaddr_t, name, uint32_t, mode)
{
    return make_directory(AT_FDCWD, name, mode);
}

SYSCALL3(mkdirat, int, dirfd, vaddr_t, name, uint32_t, mode)
{
    return make_directory(dirfd, name, mode);
}

/* => 0, or why mknod does not make such a thing */
static int node_check(uint32_t *mode)
{
    switch (*mode & S_IFMT) {
    case 0:
        *mode |= S_IFREG;
        return 0;
    case S_IFREG:
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
    case S_IFSOCK:
        return 0;
    case S_IFDIR:
        return -EPERM;
    default:
        return -EINVAL;
    }
}

static int64_t make_node(int dirfd, vaddr_t name, uint32_t mode, uint32_t device)
{
    struct user_path path;
    int error = node_check(&mode);

    if (!error)
        error = user_path_begin(&path, dirfd, name, 0);
    if (error)
        return error;
    error = vfs_mknod(&path.lookup, path.name, masked(mode), device);
    user_path_end(&path);
    return error;
}

SYSCALL3(mknod, vaddr_t, name, uint32_t, mode, uint32_t, device)
{
    return make_node(AT_FDCWD, name, mode, device);
}

SYSCALL4(mknodat, int, dirfd, vaddr_t, name, uint32_t, mode, uint32_t, device)
{
    return make_node(dirfd, name, mode, device);
}

static int64_t remove_name(int dirfd, vaddr_t name, bool directory)
{
    struct user_path path;
    int error = user_path_begin(&path, dirfd, name, 0);

    if (error)
        return error;
    error = directory ? vfs_rmdir(&path.lookup, path.name) : vfs_unlink(&path.lookup, path.name);
    user_path_end(&path);
    return error;
}

SYSCALL1(rmdir, vaddr_t, name)
{
    return remove_name(AT_FDCWD, name, true);
}

SYSCALL1(unlink, vaddr_t, name)
{
    return remove_name(AT_FDCWD, name, false);
}

SYSCALL3(unlinkat, int, dirfd, vaddr_t, name, unsigned, flags)
{
    if (flags & ~AT_REMOVEDIR)
        return -EINVAL;
    return remove_name(dirfd, name, flags & AT_REMOVEDIR);
}

static int64_t add_link(int old_dirfd, vaddr_t old_name, int dirfd, vaddr_t name, unsigned flags)
{
    unsigned lookup_flags =
        (flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
    struct user_path path;
    struct path old;
    int error = user_path_lookup(old_dirfd, old_name, lookup_flags, &old);

    if (error)
        return error;
    error = user_path_begin(&path, dirfd, name, 0);
    if (!error) {
        error = vfs_link(&old, &path.lookup, path.name);
        user_path_end(&path);
    }
    path_put(&old);
    return error;
}

SYSCALL2(link, vaddr_t, old_name, vaddr_t, name)
{
    return add_link(AT_FDCWD, old_name, AT_FDCWD, name, 0);
}

SYSCALL5(linkat, int, old_dirfd, vaddr_t, old_name, int, dirfd, vaddr_t, name, unsigned, flags)
{
    if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if ((flags & AT_EMPTY_PATH) && !credentials_is_root(current_credentials()))
        return -ENOENT;
    return add_link(old_dirfd, old_name, dirfd, name, flags);
}

static int64_t make_symlink(vaddr_t target_address, int dirfd, vaddr_t name)
{
    struct user_path path;
    char *target;
    int error = user_string(target_address, &target);

    if (error)
        return error;
    error = target[0] ? user_path_begin(&path, dirfd, name, 0) : -ENOENT;
    if (!error) {
        error = vfs_symlink(&path.lookup, target, path.name);
        user_path_end(&path);
    }
    kfree(target);
    return error;
}

SYSCALL2(symlink, vaddr_t, target, vaddr_t, name)
{
    return make_symlink(target, AT_FDCWD, name);
}

SYSCALL3(symlinkat, vaddr_t, target, int, dirfd, vaddr_t, name)
{
    return make_symlink(target, dirfd, name);
}

static int64_t move_name(int from_dirfd, vaddr_t from_name, int dirfd, vaddr_t name, unsigned flags)
{
    struct user_path from, to;
    int error;

    if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
        return -EINVAL;
    error = user_path_begin(&from, from_dirfd, from_name, 0);
    if (error)
        return error;
    error = user_path_begin(&to, dirfd, name, 0);
    if (!error) {
        error = vfs_rename(&from.lookup, from.name, &to.lookup, to.name, flags);
        user_path_end(&to);
    }
    user_path_end(&from);
    return error;
}

SYSCALL2(rename, vaddr_t, from, vaddr_t, to)
{
    return move_name(AT_FDCWD, from, AT_FDCWD, to, 0);
}

SYSCALL4(renameat, int, from_dirfd, vaddr_t, from, int, to_dirfd, vaddr_t, to)
{
    return move_name(from_dirfd, from, to_dirfd, to, 0);
}

SYSCALL5(renameat2, int, from_dirfd, vaddr_t, from, int, to_dirfd, vaddr_t, to, unsigned, flags)
{
    return move_name(from_dirfd, from, to_dirfd, to, flags);
}

static int64_t copy_link(const struct path *link, vaddr_t buffer, int size)
{
    char *text = kalloc();
    int64_t length;

    if (!text)
        return -ENOMEM;
    length = vfs_readlink(link, text, MIN((size_t)size, PAGE_SIZE));
    if (length >= 0 && copy_to_user(buffer, text, length))
        length = -EFAULT;
    kfree(text);
    return length;
}

/* An empty name reads the link that dirfd itself is (O_PATH | O_NOFOLLOW). */
static int64_t read_link(int dirfd, vaddr_t name, vaddr_t buffer, int size)
{
    struct user_path path;
    struct path link;
    int64_t result;

    if (size <= 0)
        return -EINVAL;
    result = user_path_begin(&path, dirfd, name, USER_PATH_EMPTY);
    if (result)
        return result;
    result = vfs_lookup(&path.lookup, path.name, LOOKUP_EMPTY, &link);
    if (!result) {
        if (inode_is(path_inode(&link), S_IFLNK))
            result = copy_link(&link, buffer, size);
        else
            result = path.name[0] ? -EINVAL : -ENOENT;
        path_put(&link);
    }
    user_path_end(&path);
    return result;
}

SYSCALL3(readlink, vaddr_t, name, vaddr_t, buffer, int, size)
{
    return read_link(AT_FDCWD, name, buffer, size);
}

SYSCALL4(readlinkat, int, dirfd, vaddr_t, name, vaddr_t, buffer, int, size)
{
    return read_link(dirfd, name, buffer, size);
}

SYSCALL2(getcwd, vaddr_t, buffer, uint64_t, size)
{
    struct path cwd, root;
    char *name = kalloc();
    int64_t length = -ENOENT;

    if (!name)
        return -ENOMEM;
    fs_context_cwd(current_process()->fs, &cwd);
    fs_context_root(current_process()->fs, &root);
    if (!vfs_is_deleted(&cwd))
        length = vfs_path_name(&cwd, &root, name, PAGE_SIZE);
    path_put(&cwd);
    path_put(&root);
    if (length >= 0)
        length = (uint64_t)length + 1 > size ? -ERANGE : length + 1;
    if (length > 0 && copy_to_user(buffer, name, length))
        length = -EFAULT;
    kfree(name);
    return length;
}

/* Go to a directory that may be searched. => takes its own references */
static int change_directory(const struct path *path)
{
    int error = inode_is(path_inode(path), S_IFDIR) ? vfs_access(path, MAY_EXEC, current_credentials()) : -ENOTDIR;

    if (!error)
        fs_context_set_cwd(current_process()->fs, path);
    return error;
}

SYSCALL1(chdir, vaddr_t, name)
{
    struct path path;
    int error = user_path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &path);

    if (error)
        return error;
    error = change_directory(&path);
    path_put(&path);
    return error;
}

SYSCALL1(fchdir, int, fd)
{
    struct file *file = descriptor_any(fd);
    int error;

    if (!file)
        return -EBADF;
    error = change_directory(&file->path);
    file_put(file);
    return error;
}

SYSCALL1(chroot, vaddr_t, name)
{
    struct path path;
    int error = user_path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &path);

    if (error)
        return error;
    error = vfs_access(&path, MAY_EXEC, current_credentials());
    if (!error && !credentials_is_root(current_credentials()))
        error = -EPERM;
    if (!error)
        fs_context_set_root(current_process()->fs, &path);
    path_put(&path);
    return error;
}
