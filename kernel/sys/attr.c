// SPDX-License-Identifier: MIT
/*
 * attr.c - change what is known of a file: permission bits, owner, times.
 */
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <linux/time.h>

#include "fs/inode.h"
#include "fs/vfs.h"
#include "mm/usercopy.h"
#include "proc/cred.h"
#include "proc/fs_context.h"
#include "sys/descriptor.h"
#include "sys/syscall.h"
#include "sys/user_path.h"

#define PERMISSION_BITS 07777u
#define NS_PER_SECOND 1000000000ll
#define US_PER_SECOND 1000000ll

/* utimensat(2); Linux has them in include/linux/stat.h, no UAPI header does. */
#define TIME_NOW 0x3fffffff
#define TIME_OMIT 0x3ffffffe

SYSCALL1(umask, uint32_t, mask)
{
    return __atomic_exchange_n((uint32_t *)&current_process()->fs->umask, mask & 0777, __ATOMIC_RELAXED);
}

static int64_t set_on_name(int dirfd, vaddr_t name, unsigned lookup_flags, const struct attributes *attributes)
{
    struct path path;
    int error = user_path_lookup(dirfd, name, lookup_flags, &path);

    if (error)
        return error;
    error = vfs_set_attributes(&path, attributes, current_credentials());
    path_put(&path);
    return error;
}

static int64_t set_on_file(int fd, const struct attributes *attributes)
{
    struct file *file = descriptor_file(fd);
    int error;

    if (!file)
        return -EBADF;
    error = vfs_set_attributes(&file->path, attributes, current_credentials());
    file_put(file);
    return error;
}

static struct attributes mode_attributes(uint32_t mode)
{
    return (struct attributes){.valid = ATTR_MODE, .mode = mode & PERMISSION_BITS};
}

SYSCALL2(chmod, vaddr_t, name, uint32_t, mode)
{
    struct attributes attributes = mode_attributes(mode);

    return set_on_name(AT_FDCWD, name, LOOKUP_FOLLOW, &attributes);
}

SYSCALL3(fchmodat, int, dirfd, vaddr_t, name, uint32_t, mode)
{
    struct attributes attributes = mode_attributes(mode);

    return set_on_name(dirfd, name, LOOKUP_FOLLOW, &attributes);
}

SYSCALL2(fchmod, int, fd, uint32_t, mode)
{
    struct attributes attributes = mode_attributes(mode);

    return set_on_file(fd, &attributes);
}

static struct attributes owner_attributes(uint32_t uid, uint32_t gid)
{
    struct attributes attributes = {.uid = uid, .gid = gid};

    attributes.valid = ATTR_DROP_SETID | (uid == ID_SAME ? 0 : ATTR_UID) | (gid == ID_SAME ? 0 : ATTR_GID);
    return attributes;
}

SYSCALL3(chown, vaddr_t, name, uint32_t, uid, uint32_t, gid)
{
    struct attributes attributes = owner_attributes(uid, gid);

    return set_on_name(AT_FDCWD, name, LOOKUP_FOLLOW, &attributes);
}

SYSCALL3(lchown, vaddr_t, name, uint32_t, uid, uint32_t, gid)
{
    struct attributes attributes = owner_attributes(uid, gid);

    return set_on_name(AT_FDCWD, name, 0, &attributes);
}

SYSCALL3(fchown, int, fd, uint32_t, uid, uint32_t, gid)
{
    struct attributes attributes = owner_attributes(uid, gid);

    return set_on_file(fd, &attributes);
}

SYSCALL5(fchownat, int, dirfd, vaddr_t, name, uint32_t, uid, uint32_t, gid, unsigned, flags)
{
    struct attributes attributes = owner_attributes(uid, gid);

    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    return set_on_name(dirfd, name,
                       (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
                           (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0),
                       &attributes);
}

/* No times given: both become the present. */
static const struct attributes present = {.valid = ATTR_ATIME_NOW | ATTR_MTIME_NOW};

/* One of the two times of utimensat. => 0, -EINVAL */
static int time_attribute(struct attributes *attributes, const struct timespec *time, unsigned given, unsigned now,
                          int64_t *ns)
{
    if (time->tv_nsec == TIME_OMIT)
        return 0;
    if (time->tv_nsec == TIME_NOW) {
        attributes->valid |= now;
        return 0;
    }
    if ((uint64_t)time->tv_nsec >= NS_PER_SECOND)
        return -EINVAL;
    attributes->valid |= given;
    *ns = time->tv_sec * NS_PER_SECOND + time->tv_nsec;
    return 0;
}

static int read_timespecs(vaddr_t times, struct attributes *attributes)
{
    struct timespec pair[2];
    int error;

    *attributes = present;
    if (!times)
        return 0;
    error = copy_from_user(pair, times, sizeof(pair));
    if (error)
        return error;
    attributes->valid = 0;
    error = time_attribute(attributes, &pair[0], ATTR_ATIME, ATTR_ATIME_NOW, &attributes->atime);
    if (!error)
        error = time_attribute(attributes, &pair[1], ATTR_MTIME, ATTR_MTIME_NOW, &attributes->mtime);
    return error;
}

SYSCALL4(utimensat, int, dirfd, vaddr_t, name, vaddr_t, times, unsigned, flags)
{
    struct attributes attributes;
    int error = read_timespecs(times, &attributes);

    if (error)
        return error;
    if (!attributes.valid)
        return 0;
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (!name && dirfd != AT_FDCWD)
        return flags ? -EINVAL : set_on_file(dirfd, &attributes);
    return set_on_name(dirfd, name,
                       (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
                           (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0),
                       &attributes);
}

static int read_timevals(vaddr_t times, struct attributes *attributes)
{
    struct timeval pair[2];
    int error;

    *attributes = present;
    if (!times)
        return 0;
    error = copy_from_user(pair, times, sizeof(pair));
    if (error)
        return error;
    for (int i = 0; i < 2; i++)
        if ((uint64_t)pair[i].tv_usec >= US_PER_SECOND)
            return -EINVAL;
    attributes->valid = ATTR_ATIME | ATTR_MTIME;
    attributes->atime = pair[0].tv_sec * NS_PER_SECOND + pair[0].tv_usec * 1000;
    attributes->mtime = pair[1].tv_sec * NS_PER_SECOND + pair[1].tv_usec * 1000;
    return 0;
}

static int64_t set_timevals(int dirfd, vaddr_t name, vaddr_t times)
{
    struct attributes attributes;
    int error = read_timevals(times, &attributes);

    if (error)
        return error;
    if (!name && dirfd != AT_FDCWD)
        return set_on_file(dirfd, &attributes);
    return set_on_name(dirfd, name, LOOKUP_FOLLOW, &attributes);
}

SYSCALL3(futimesat, int, dirfd, vaddr_t, name, vaddr_t, times)
{
    return set_timevals(dirfd, name, times);
}

SYSCALL2(utimes, vaddr_t, name, vaddr_t, times)
{
    return set_timevals(AT_FDCWD, name, times);
}

SYSCALL2(utime, vaddr_t, name, vaddr_t, times)
{
    struct attributes attributes = present;
    int64_t pair[2];

    if (times) {
        if (copy_from_user(pair, times, sizeof(pair)))
            return -EFAULT;
        attributes = (struct attributes){
            .valid = ATTR_ATIME | ATTR_MTIME,
            .atime = pair[0] * NS_PER_SECOND,
            .mtime = pair[1] * NS_PER_SECOND,
        };
    }
    return set_on_name(AT_FDCWD, name, LOOKUP_FOLLOW, &attributes);
}
