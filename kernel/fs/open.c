// SPDX-License-Identifier: MIT
/*
 * open.c - open(2): find or make the file, ask whether it may be opened so, and make the open file.
 */
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/stat.h>

#include "dev/block_file.h"
#include "fs/char_device.h"
#include "fs/file.h"
#include "fs/kernel_file.h"
#include "fs/pipe.h"
#include "fs/walk.h"
#include "lib/errno.h"
#include "lib/string.h"

#define O_PATH_KEEPS ((unsigned)(O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC))

// What one open(2) is about.
struct open_request {
    unsigned flags;
    uint32_t mode;
    const struct credentials *credentials;
    bool created;                       // the file is new: its mode does not bind its creator
};

// O_RDONLY 0, O_WRONLY 1, O_RDWR 2; 3 asks for both rights and gives neither (ioctl only), as on Linux.
static unsigned wanted_rights(unsigned flags)
{
    static const uint8_t rights[] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE};
    unsigned wanted = rights[flags & O_ACCMODE];

    return flags & O_TRUNC ? wanted | MAY_WRITE : wanted;
}

static int may_open_type(const struct path *path, unsigned flags, unsigned wanted)
{
    uint32_t mode = path_inode(path)->mode;

    switch (mode & S_IFMT) {
    case S_IFLNK:
        return -ELOOP;
    case S_IFDIR:
        return (wanted & MAY_WRITE) || (flags & O_CREAT) ? -EISDIR : 0;
    case S_IFBLK:
    case S_IFCHR:
        return path->mount->flags & MS_NODEV ? -EACCES : 0;
    case S_IFREG:
        return (wanted & MAY_WRITE) && mount_is_read_only(path->mount) ? -EROFS : 0;
    default:
        return 0;
    }
}

static int may_open(const struct path *path, const struct open_request *request)
{
    struct inode *inode = path_inode(path);
    unsigned wanted = wanted_rights(request->flags);
    int error;

    if ((request->flags & O_DIRECTORY) && !inode_is_directory(inode))
        return -ENOTDIR;
    error = may_open_type(path, request->flags, wanted);
    if (error != 0)
        return error;
    if (!request->created)
        error = inode_permission(inode, wanted, request->credentials);
    if (error == 0 && (request->flags & O_NOATIME) && !inode_owner_or_privileged(inode, request->credentials))
        error = -EPERM;
    return error;
}

static const struct file_ops path_only_ops;

static const struct file_ops *ops_for(struct inode *inode, unsigned flags)
{
    const struct char_device *device;

    if (flags & O_PATH)
        return &path_only_ops;
    switch (inode->mode & S_IFMT) {
    case S_IFCHR:
        device = char_device_find(inode->rdev);
        return device != NULL ? device->ops : NULL;
    case S_IFBLK:
        return block_file_ops(inode->rdev);
    case S_IFIFO:
        return &fifo_file_ops;
    default:
        return inode->file_ops;
    }
}

// Let `file`, which is discarded if this fails, be the open file for `path`, whose references it takes over when it succeeds.
static int open_found(const struct path *path, const struct open_request *request, struct file *file)
{
    struct inode *inode = path_inode(path);
    const struct file_ops *ops = ops_for(inode, request->flags);
    bool truncate = (request->flags & O_TRUNC) && inode_is(inode, S_IFREG) && !request->created;
    int error = ops != NULL ? file_begin(file, path, ops, request->flags & ~(unsigned)(O_CREAT | O_EXCL | O_TRUNC), NULL) : -ENXIO;

    if (error != 0) {
        file_discard(file);
        return error;
    }
    if (request->flags & O_PATH)
        return 0;
    inode_set_alias(inode, path->dentry);
    if (credentials_privileged(request->credentials))
        file->mode |= FILE_KEEPS_SETID;
    if (truncate)
        error = vfs_truncate_inode(inode, 0, credentials_privileged(request->credentials));
    if (error != 0) {
        path_get(path);
        file_put(file);
    }
    return error;
}

// Find the last component, or make it. => as walk_find; -EEXIST
static int find_or_create(struct walk *walk, struct open_request *request, struct path *out)
{
    int error;

    if ((request->flags & O_CREAT) && walk_last_kind(walk) == LAST_NAME && walk->slash)
        return -EISDIR;
    error = walk_find(walk, out);
    if (!(request->flags & O_CREAT))
        return error;
    if (error == -ENOENT && walk_last_kind(walk) == LAST_NAME)
        error = vfs_create_at(walk, request->mode | S_IFREG, out, &request->created);
    if (error == 0 && (request->flags & O_EXCL) && !request->created) {
        path_put(out);
        return -EEXIST;
    }
    return error;
}

// Walk to the file, following links at the end unless told otherwise. => walk->at, or -errno
static int open_walk(struct walk *walk, struct open_request *request)
{
    bool follow = !(request->flags & O_NOFOLLOW);
    struct path next;
    int result;

    do {
        result = walk_to_last(walk);
        if (result == 0)
            result = find_or_create(walk, request, &next);
        if (result == 0)
            result = walk_step(walk, &next, follow);
    } while (result == 1);
    return result;
}

static int open_flags_check(unsigned flags)
{
    if ((flags & O_TMPFILE) == O_TMPFILE)
        return -EOPNOTSUPP;
    if ((flags & O_CREAT) && (flags & O_DIRECTORY))
        return -EINVAL;
    return 0;
}

// => `file` is begun, or discarded
static int open_named(const struct lookup *lookup, const char *name, struct open_request *request, struct file *file)
{
    struct walk walk;
    int error = walk_begin(&walk, lookup, name, request->flags & O_DIRECTORY ? LOOKUP_DIRECTORY : 0);

    if (error != 0) {
        file_discard(file);
        return error;
    }
    error = open_walk(&walk, request);
    if (error == 0 && !(request->flags & O_PATH))
        error = may_open(&walk.at, request);
    if (error != 0)
        file_discard(file);
    else
        error = open_found(&walk.at, request, file);
    if (error == 0)
        walk.at = (struct path){NULL, NULL};
    walk_end(&walk);
    return error;
}

// The memory for the open file comes first: if a name was made, and then there was none, O_EXCL could not be tried again.
int vfs_open(const struct lookup *lookup, const char *name, unsigned flags, uint32_t mode, struct file **out)
{
    struct open_request request = {.flags = flags | O_LARGEFILE, .mode = mode & 07777,
                                   .credentials = lookup->credentials};
    int error;

    if (flags & O_PATH)
        request.flags = flags & O_PATH_KEEPS;
    error = open_flags_check(request.flags);
    if (error != 0)
        return error;
    *out = file_alloc();
    return *out != NULL ? open_named(lookup, name, &request, *out) : -ENOMEM;
}

static int may_exec(const struct path *path, const struct credentials *credentials)
{
    struct inode *inode = path_inode(path);

    if (!inode_is(inode, S_IFREG) || (path->mount->flags & MS_NOEXEC))
        return -EACCES;
    return inode_permission(inode, MAY_EXEC, credentials);
}

int file_open_exec(const struct lookup *lookup, const char *name, unsigned lookup_flags, struct file **out)
{
    struct open_request request = {.flags = O_RDONLY | O_LARGEFILE, .credentials = lookup->credentials};
    struct path path;
    int error = vfs_lookup(lookup, name, lookup_flags, &path);

    if (error != 0)
        return error;
    error = inode_is(path_inode(&path), S_IFLNK) ? -ELOOP : may_exec(&path, lookup->credentials);
    if (error == 0)
        error = inode_deny_write(path_inode(&path));
    if (error == 0) {
        *out = file_alloc();
        error = *out != NULL ? open_found(&path, &request, *out) : -ENOMEM;
        if (error == 0)
            (*out)->mode |= FILE_DENIES_WRITE;
        else
            inode_allow_write(path_inode(&path));
    }
    if (error != 0)
        path_put(&path);
    return error;
}
