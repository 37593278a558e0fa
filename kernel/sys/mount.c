// SPDX-License-Identifier: MIT
/*
 * mount.c - mount and umount2.
 */
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/stat.h>

#include "lib/errno.h"
#include "mm/kalloc.h"
#include "proc/cred.h"
#include "sys/syscall.h"
#include "sys/user_path.h"

/* umount2(2); in Linux's include/linux/fs.h, no UAPI header has them. */
#define MNT_FORCE 1
#define MNT_DETACH 2
#define MNT_EXPIRE 4
#define UMOUNT_NOFOLLOW 8

#define PROPAGATION (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)

/* The strings of mount(2), a frame each; NULL where the program gave none. */
struct mount_strings {
    char *source, *type, *options;
};

static int optional_string(vaddr_t address, char **out)
{
    *out = NULL;
    return address ? user_string(address, out) : 0;
}

static void free_optional(char *string)
{
    if (string)
        kfree(string);
}

static int read_strings(struct mount_strings *strings, vaddr_t source, vaddr_t type, vaddr_t options)
{
    int error = optional_string(type, &strings->type);

    if (!error)
        error = optional_string(source, &strings->source);
    if (!error)
        error = optional_string(options, &strings->options);
    return error;
}

static int64_t bind(vaddr_t source, const struct path *at)
{
    struct path from;
    int error = user_path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &from);

    if (error)
        return error;
    error = vfs_bind(&from, at, current_credentials());
    path_put(&from);
    return error;
}

/* The number of the block device that a type of file system wants as its source. */
static int find_device(vaddr_t source, device_t *number)
{
    struct path path;
    int error = source ? user_path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &path) : -EINVAL;

    if (error)
        return error;
    if (!inode_is(path_inode(&path), S_IFBLK))
        error = -ENOTBLK;
    else if (path.mount->flags & MS_NODEV)
        error = -EACCES;
    *number = path_inode(&path)->rdev;
    path_put(&path);
    return error;
}

static int64_t mount_new(const struct path *at, vaddr_t source, const struct mount_strings *strings, uint64_t flags)
{
    const struct file_system_type *type = file_system_find(strings->type);
    struct mount_request request = {
        .source = strings->source ? strings->source : "none",
        .options = strings->options,
        .flags = flags,
    };
    int error = type && type->needs_device ? find_device(source, &request.device) : 0;

    return error ? error : vfs_mount(at, strings->type, &request, current_credentials());
}

/* Everything but binding. */
static int64_t mount_at(const struct path *at, vaddr_t source, const struct mount_strings *strings, uint64_t flags)
{
    if (!credentials_is_root(current_credentials()))
        return -EPERM;
    if (flags & MS_REMOUNT)
        return vfs_remount(at, flags & ~MS_REMOUNT, strings->options, current_credentials());
    if (flags & (PROPAGATION | MS_MOVE))
        return -EINVAL;
    if (!strings->type)
        return -EINVAL;
    return mount_new(at, source, strings, flags);
}

SYSCALL5(mount, vaddr_t, source, vaddr_t, target, vaddr_t, type, uint64_t, flags, vaddr_t, options)
{
    struct mount_strings strings = {NULL, NULL, NULL};
    struct path at;
    int64_t result = read_strings(&strings, source, type, options);

    if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
        flags &= ~MS_MGC_MSK;
    if (!result)
        result = user_path_lookup(AT_FDCWD, target, LOOKUP_FOLLOW, &at);
    if (!result) {
        result = flags & MS_BIND && !(flags & MS_REMOUNT) ? bind(source, &at) : mount_at(&at, source, &strings, flags);
        path_put(&at);
    }
    free_optional(strings.source);
    free_optional(strings.type);
    free_optional(strings.options);
    return result;
}

SYSCALL2(umount2, vaddr_t, target, int, flags)
{
    struct path at;
    int64_t result;

    if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
        return -EINVAL;
    if (!credentials_is_root(current_credentials()))
        return -EPERM;
    if (flags & MNT_EXPIRE)
        return -EINVAL;
    result = user_path_lookup(AT_FDCWD, target, flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &at);
    if (result)
        return result;
    result = vfs_umount(&at, flags & (MNT_FORCE | MNT_DETACH), current_credentials());
    path_put(&at);
    return result;
}
