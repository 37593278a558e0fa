// SPDX-License-Identifier: MIT
/*
 * vfs.h - what one can do with names: look up, open, make, remove, move. The nouns are in inode.h, dentry.h,
 * path.h, mount.h; open files in file.h.
 *
 * Path strings are in kernel memory, ended by zero, shorter than PATH_MAX. All return 0 or -errno as Linux's calls do.
 * All may sleep.
 */
#ifndef FS_VFS_H
#define FS_VFS_H

#include "fs/credentials.h"
#include "fs/device_number.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/path.h"
#include "fs/stat.h"

struct file;

// Where a look-up starts and who asks. The caller holds the references during the call.
struct lookup {
    struct path start;                  // of relative names: the working directory, or what dirfd names
    struct path root;                   // of absolute names, and where ".." ends
    const struct credentials *credentials;
    unsigned resolve;                   // RESOLVE_* of openat2(2): what the walk must not do
};

enum {
    LOOKUP_FOLLOW = 1,                  // follow a symbolic link at the end
    LOOKUP_DIRECTORY = 2,               // the end must be a directory
    LOOKUP_EMPTY = 4,                   // "" names `start` itself (AT_EMPTY_PATH)
};

/*
 * Find what `name` leads to.
 *
 * => *out holds references: path_put
 * => 0, -ENOENT, -ENOTDIR, -EACCES, -ELOOP, -ENAMETOOLONG, -ENOMEM
 */
int vfs_lookup(const struct lookup *lookup, const char *name, unsigned flags, struct path *out) __must_check;

/*
 * open(2). `flags` are O_* as given by the user; `mode` has the umask applied.
 *
 * => *out has one reference: file_put. With O_PATH the file can only name its path.
 * => may sleep long (a FIFO waits for its other end): -EINTR
 */
int vfs_open(const struct lookup *lookup, const char *name, unsigned flags, uint32_t mode, struct file **out)
    __must_check;

// mkdir, mknod (regular, FIFO, device, socket node), symlink. Modes have the umask applied.
int vfs_mkdir(const struct lookup *lookup, const char *name, uint32_t mode) __must_check;
int vfs_mknod(const struct lookup *lookup, const char *name, uint32_t mode, device_t rdev) __must_check;
int vfs_symlink(const struct lookup *lookup, const char *target, const char *name) __must_check;

// linkat: one more name, `name`, for the file at `old` (already looked up, with or without following).
int vfs_link(const struct path *old, const struct lookup *lookup, const char *name) __must_check;

int vfs_unlink(const struct lookup *lookup, const char *name) __must_check;
int vfs_rmdir(const struct lookup *lookup, const char *name) __must_check;

// renameat2: `flags` are RENAME_* of <linux/fs.h>; RENAME_NOREPLACE is known, others are -EINVAL.
int vfs_rename(const struct lookup *from, const char *from_name, const struct lookup *to, const char *to_name,
               unsigned flags) __must_check;

// Text of a symbolic link into kernel memory, cut at `size`, no zero at the end; its length, or -EINVAL if it is none.
int64_t vfs_readlink(const struct path *path, char *buffer, size_t size) __must_check;

void vfs_stat(const struct path *path, struct kstat *out);
void vfs_statfs(const struct path *path, struct kstatfs *out);

// access(2): may `credentials` do `wanted` (MAY_*; 0: does it exist)? Also -EROFS.
int vfs_access(const struct path *path, unsigned wanted, const struct credentials *credentials) __must_check;

// chmod, chown, utimensat on a path; -EROFS too.
int vfs_set_attributes(const struct path *path, const struct attributes *attributes,
                       const struct credentials *credentials) __must_check;

// truncate(2) by path, with its permission checks.
int vfs_truncate(const struct path *path, uint64_t size, const struct credentials *credentials) __must_check;

// The same for an inode when all has been checked but ETXTBSY. `keep_setid`: the superuser does it, set-id bits stay.
int vfs_truncate_inode(struct inode *inode, uint64_t size, bool keep_setid) __must_check;
int vfs_punch_inode(struct inode *inode, uint64_t start, uint64_t end, bool keep_setid) __must_check;

/*
 * The name of `path` seen from `root`, as getcwd(2) and /proc/PID/{cwd,exe,maps,fd} show it.
 *
 * => written at the start of `buffer`, with a zero at the end; returns the length without it
 * => an unlinked file ends in " (deleted)"; what cannot be reached from root begins with "(unreachable)"
 * => -ENAMETOOLONG: does not fit in `size`
 */
int64_t vfs_path_name(const struct path *path, const struct path *root, char *buffer, size_t size) __must_check;

// The same for a dentry of which no mount is known: as seen in the first mount of its file system.
int64_t vfs_dentry_name(struct dentry *dentry, char *buffer, size_t size) __must_check;

// Whether the name of `path` is gone (getcwd answers -ENOENT then).
bool vfs_is_deleted(const struct path *path);

/*
 * mount(2) without MS_REMOUNT, MS_BIND, MS_MOVE; umount2(2). Privileged callers only: -EPERM.
 *
 * => `at`: where; for umount the root of the mount to go
 * => flags: MS_*; for umount MNT_DETACH, MNT_FORCE
 * => 0, -ENODEV (type), -ENOTDIR, -EBUSY, -EINVAL
 */
int vfs_mount(const struct path *at, const char *type, const struct mount_request *request,
              const struct credentials *credentials) __must_check;
int vfs_remount(const struct path *at, unsigned flags, const char *options, const struct credentials *credentials)
    __must_check;
int vfs_bind(const struct path *from, const struct path *at, const struct credentials *credentials) __must_check;
int vfs_umount(const struct path *at, unsigned flags, const struct credentials *credentials) __must_check;

// Write everything back that a disk shall have (sync(2)).
void vfs_sync(void);

// At boot: let names that can be looked up again go when memory is short.
void shrink_init(void);

// At boot: the types tmpfs and devtmpfs, and an empty tmpfs as the root.
void vfs_init(void);

#endif
