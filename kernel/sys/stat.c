// SPDX-License-Identifier: MIT
/*
 * stat.c - what is known of a file and of a file system, in the structures of the ABI.
 */
#include <asm/stat.h>
#include <asm/statfs.h>
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/stat.h>

#include "fs/inode.h"
#include "fs/vfs.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "mm/usercopy.h"
#include "proc/cred.h"
#include "sys/descriptor.h"
#include "sys/syscall.h"
#include "sys/user_path.h"

#define NS_PER_SECOND 1000000000ll

/* Nanoseconds since 1970 as seconds, rounded down, and the rest. */
static int64_t seconds(int64_t ns)
{
    return ns / NS_PER_SECOND - (ns % NS_PER_SECOND < 0);
}

static uint32_t nanoseconds(int64_t ns)
{
    return ns - seconds(ns) * NS_PER_SECOND;
}

/* Not inline: what both structures take must be off the stack again when user memory is touched. */
static __attribute__((noinline)) void fill_stat(const struct path *path, struct stat *to)
{
    struct kstat from;

    vfs_stat(path, &from);
    *to = (struct stat){
        .st_dev = from.dev,
        .st_ino = from.ino,
        .st_nlink = from.nlink,
        .st_mode = from.mode,
        .st_uid = from.uid,
        .st_gid = from.gid,
        .st_rdev = from.rdev,
        .st_size = from.size,
        .st_blksize = from.block_size,
        .st_blocks = from.blocks,
        .st_atime = seconds(from.atime),
        .st_atime_nsec = nanoseconds(from.atime),
        .st_mtime = seconds(from.mtime),
        .st_mtime_nsec = nanoseconds(from.mtime),
        .st_ctime = seconds(from.ctime),
        .st_ctime_nsec = nanoseconds(from.ctime),
    };
}

static int64_t put_stat(const struct path *path, vaddr_t buffer)
{
    struct stat to;

    fill_stat(path, &to);
    return copy_to_user(buffer, &to, sizeof(to));
}

static int64_t stat_name(int dirfd, vaddr_t name, unsigned lookup_flags, vaddr_t buffer)
{
    struct path path;
    int64_t result = user_path_lookup(dirfd, name, lookup_flags, &path);

    if (result)
        return result;
    result = put_stat(&path, buffer);
    path_put(&path);
    return result;
}

SYSCALL2(stat, vaddr_t, name, vaddr_t, buffer)
{
    return stat_name(AT_FDCWD, name, LOOKUP_FOLLOW, buffer);
}

SYSCALL2(lstat, vaddr_t, name, vaddr_t, buffer)
{
    return stat_name(AT_FDCWD, name, 0, buffer);
}

SYSCALL2(fstat, int, fd, vaddr_t, buffer)
{
    struct file *file = descriptor_any(fd);
    int64_t result;

    if (!file)
        return -EBADF;
    result = put_stat(&file->path, buffer);
    file_put(file);
    return result;
}

/* LOOKUP_* for the AT_* of the calls here. */
static unsigned lookup_flags_of(unsigned flags)
{
    return (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
}

SYSCALL4(newfstatat, int, dirfd, vaddr_t, name, vaddr_t, buffer, unsigned, flags)
{
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
        return -EINVAL;
    return stat_name(dirfd, name, lookup_flags_of(flags), buffer);
}

static struct statx_timestamp timestamp(int64_t ns)
{
    return (struct statx_timestamp){.tv_sec = seconds(ns), .tv_nsec = nanoseconds(ns)};
}

static void fill_statx(const struct path *path, struct statx *to)
{
    struct kstat from;

    vfs_stat(path, &from);
    memset(to, 0, sizeof(*to));
    to->stx_mask = STATX_BASIC_STATS | STATX_MNT_ID | (from.btime ? STATX_BTIME : 0);
    to->stx_blksize = from.block_size;
    to->stx_nlink = from.nlink;
    to->stx_uid = from.uid;
    to->stx_gid = from.gid;
    to->stx_mode = from.mode;
    to->stx_ino = from.ino;
    to->stx_size = from.size;
    to->stx_blocks = from.blocks;
    to->stx_atime = timestamp(from.atime);
    to->stx_mtime = timestamp(from.mtime);
    to->stx_ctime = timestamp(from.ctime);
    to->stx_btime = timestamp(from.btime);
    to->stx_rdev_major = device_major(from.rdev);
    to->stx_rdev_minor = device_minor(from.rdev);
    to->stx_dev_major = device_major(from.dev);
    to->stx_dev_minor = device_minor(from.dev);
    to->stx_mnt_id = path->mount->id;
    to->stx_attributes_mask = STATX_ATTR_MOUNT_ROOT;
    if (path->dentry == path->mount->root)
        to->stx_attributes = STATX_ATTR_MOUNT_ROOT;
}

SYSCALL5(statx, int, dirfd, vaddr_t, name, unsigned, flags, unsigned, mask, vaddr_t, buffer)
{
    struct statx *to;
    struct path path;
    int error;

    if ((mask & STATX__RESERVED) || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE ||
        (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE)))
        return -EINVAL;
    error = user_path_lookup(dirfd, name, lookup_flags_of(flags), &path);
    if (error)
        return error;
    to = slab_alloc(sizeof(*to));
    error = -ENOMEM;
    if (to) {
        fill_statx(&path, to);
        error = copy_to_user(buffer, to, sizeof(*to));
    }
    slab_free(to);
    path_put(&path);
    return error;
}

/* The caller with the real ids in place of the file system's: who asks in access(2), of the way to the file, too. */
static struct credentials real_credentials(void)
{
    const struct credentials *own = current_credentials();

    return (struct credentials){
        .fsuid = own->uid,
        .fsgid = own->gid,
        .group_count = own->group_count,
        .groups = own->groups,
    };
}

static int access_as(int dirfd, vaddr_t name, unsigned wanted, unsigned flags, const struct credentials *credentials)
{
    struct user_path from;
    struct path path;
    int error = user_path_begin(&from, dirfd, name, flags & AT_EMPTY_PATH ? USER_PATH_EMPTY : 0);

    if (error)
        return error;
    from.lookup.credentials = credentials;
    error = vfs_lookup(&from.lookup, from.name, lookup_flags_of(flags), &path);
    user_path_end(&from);
    if (error)
        return error;
    error = vfs_access(&path, wanted, credentials);
    path_put(&path);
    return error;
}

static int64_t access_name(int dirfd, vaddr_t name, int wanted, unsigned flags)
{
    struct credentials real;

    if (wanted & ~(MAY_READ | MAY_WRITE | MAY_EXEC))
        return -EINVAL;
    if (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (flags & AT_EACCESS)
        return access_as(dirfd, name, wanted, flags, current_credentials());
    real = real_credentials();
    return access_as(dirfd, name, wanted, flags, &real);
}

SYSCALL2(access, vaddr_t, name, int, wanted)
{
    return access_name(AT_FDCWD, name, wanted, 0);
}

SYSCALL3(faccessat, int, dirfd, vaddr_t, name, int, wanted)
{
    return access_name(dirfd, name, wanted, 0);
}

SYSCALL4(faccessat2, int, dirfd, vaddr_t, name, int, wanted, unsigned, flags)
{
    return access_name(dirfd, name, wanted, flags);
}

static int64_t put_statfs(const struct path *path, vaddr_t buffer)
{
    struct kstatfs from;
    struct statfs to;

    vfs_statfs(path, &from);
    to = (struct statfs){
        .f_type = from.type,
        .f_bsize = from.block_size,
        .f_blocks = from.blocks,
        .f_bfree = from.blocks_free,
        .f_bavail = from.blocks_free - from.blocks_reserved,
        .f_files = from.files,
        .f_ffree = from.files_free,
        .f_fsid = {{from.id, from.id >> 32}},
        .f_namelen = from.name_max,
        .f_frsize = from.block_size,
        .f_flags = 0x20 /* ST_VALID */ | (path->mount->flags & 0x40f) |
                   (mount_is_read_only(path->mount) ? MS_RDONLY : 0),
    };
    return copy_to_user(buffer, &to, sizeof(to));
}

SYSCALL2(statfs, vaddr_t, name, vaddr_t, buffer)
{
    struct path path;
    int64_t result = user_path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW, &path);

    if (result)
        return result;
    result = put_statfs(&path, buffer);
    path_put(&path);
    return result;
}

SYSCALL2(fstatfs, int, fd, vaddr_t, buffer)
{
    struct file *file = descriptor_any(fd);
    int64_t result;

    if (!file)
        return -EBADF;
    result = put_statfs(&file->path, buffer);
    file_put(file);
    return result;
}
