// SPDX-License-Identifier: MIT
/*
 * xattr.c - extended attributes, which no file system here has: arguments are checked as ever, then it is said that
 * they are not supported; a list of them is empty.
 */
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/xattr.h>

#include "fs/vfs.h"
#include "lib/errno.h"
#include "mm/usercopy.h"
#include "sys/descriptor.h"
#include "sys/syscall.h"
#include "sys/user_path.h"

/* The name of an attribute: 1 to 255 bytes. => 0, -EFAULT, -ERANGE */
static int check_name(vaddr_t address)
{
    char name[XATTR_NAME_MAX + 1];
    int64_t length = strncpy_from_user(name, address, sizeof(name));

    if (length == -EFAULT)
        return -EFAULT;
    return length <= 0 ? -ERANGE : 0;
}

static int check_file(int fd)
{
    struct file *file = descriptor_file(fd);

    if (!file)
        return -EBADF;
    file_put(file);
    return 0;
}

static int check_path(vaddr_t name, unsigned lookup_flags)
{
    struct path path;
    int error = user_path_lookup(AT_FDCWD, name, lookup_flags, &path);

    if (!error)
        path_put(&path);
    return error;
}

/* Linux looks at flags, name and size before it looks for the file. */
static int check_set(vaddr_t name, uint64_t size, int flags)
{
    int error;

    if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
        return -EINVAL;
    error = check_name(name);
    if (error)
        return error;
    return size > XATTR_SIZE_MAX ? -E2BIG : 0;
}

static int64_t unsupported(int error)
{
    return error ? error : -EOPNOTSUPP;
}

SYSCALL5(setxattr, vaddr_t, path, vaddr_t, name, vaddr_t, value, uint64_t, size, int, flags)
{
    int error = check_set(name, size, flags);

    (void)value;
    return unsupported(error ? error : check_path(path, LOOKUP_FOLLOW));
}

SYSCALL5(lsetxattr, vaddr_t, path, vaddr_t, name, vaddr_t, value, uint64_t, size, int, flags)
{
    int error = check_set(name, size, flags);

    (void)value;
    return unsupported(error ? error : check_path(path, 0));
}

SYSCALL5(fsetxattr, int, fd, vaddr_t, name, vaddr_t, value, uint64_t, size, int, flags)
{
    int error = check_file(fd);

    (void)value;
    return unsupported(error ? error : check_set(name, size, flags));
}

SYSCALL4(getxattr, vaddr_t, path, vaddr_t, name, vaddr_t, value, uint64_t, size)
{
    int error = check_name(name);

    (void)value, (void)size;
    return unsupported(error ? error : check_path(path, LOOKUP_FOLLOW));
}

SYSCALL4(lgetxattr, vaddr_t, path, vaddr_t, name, vaddr_t, value, uint64_t, size)
{
    int error = check_name(name);

    (void)value, (void)size;
    return unsupported(error ? error : check_path(path, 0));
}

SYSCALL4(fgetxattr, int, fd, vaddr_t, name, vaddr_t, value, uint64_t, size)
{
    int error = check_file(fd);

    (void)value, (void)size;
    return unsupported(error ? error : check_name(name));
}

SYSCALL3(listxattr, vaddr_t, path, vaddr_t, list, uint64_t, size)
{
    (void)list, (void)size;
    return check_path(path, LOOKUP_FOLLOW);
}

SYSCALL3(llistxattr, vaddr_t, path, vaddr_t, list, uint64_t, size)
{
    (void)list, (void)size;
    return check_path(path, 0);
}

SYSCALL3(flistxattr, int, fd, vaddr_t, list, uint64_t, size)
{
    (void)list, (void)size;
    return check_file(fd);
}

SYSCALL2(removexattr, vaddr_t, path, vaddr_t, name)
{
    int error = check_name(name);

    return unsupported(error ? error : check_path(path, LOOKUP_FOLLOW));
}

SYSCALL2(lremovexattr, vaddr_t, path, vaddr_t, name)
{
    int error = check_name(name);

    return unsupported(error ? error : check_path(path, 0));
}

SYSCALL2(fremovexattr, int, fd, vaddr_t, name)
{
    int error = check_file(fd);

    return unsupported(error ? error : check_name(name));
}
