// SPDX-License-Identifier: MIT
/*
 * mount.h - file-system types, their instances (super blocks), and where they are mounted.
 */
#ifndef FS_MOUNT_H
#define FS_MOUNT_H

#include "fs/device_number.h"
#include "fs/path.h"
#include "fs/stat.h"
#include "lib/list.h"
#include "sync/rwlock.h"

struct inode;
struct super_block;

/*
 * What mount(2) asks a type for.
 */
struct mount_request {
    const char *source;                 // as given, for /proc/mounts
    const char *options;                // may be NULL
    device_t device;                    // that `source` names, if the type needs one
    unsigned flags;                     // MS_* of <linux/mount.h>
};

/*
 * One kind of file system.
 *
 * => mount: a new or shared super block with a reference, its root set; 0, -errno
 */
struct file_system_type {
    const char *name;
    bool needs_device;                  // `source` names a block device; else "nodev" in /proc/filesystems
    int (*mount)(struct file_system_type *type, const struct mount_request *request, struct super_block **out);
    struct list link;                   // in the list of types
};

enum {
    SB_VOLATILE = 1,                    // look-ups always ask the file system, nothing is kept in the tree
    SB_CACHED_NAMES = 4,                // the tree is a cache: names that nobody uses may leave it (shrink.c)
    SB_READ_ONLY = 2,                   // nothing can be changed, whatever the mount allows
};

struct super_block_ops {
    // The last reference to the inode is gone: give back its content and its memory.
    void (*evict)(struct inode *inode);
    // Memory is short: bring what has changed of an inode that nobody uses to where it can be read again. 0, or it stays.
    int (*store)(struct inode *inode);
    void (*statfs)(struct super_block *sb, struct kstatfs *out);
    int (*sync)(struct super_block *sb);                                // NULL: nothing to do
    bool (*has_changes)(struct super_block *sb);                        // that sync would write; NULL: never
    // Let SB_READ_ONLY be as MS_RDONLY in `flags`, or change options.   NULL: only the mount's flags change.
    int (*remount)(struct super_block *sb, unsigned flags, const char *options);
    // The last mount is gone and so is every dentry. Free what the file system has, and the super block.
    void (*release)(struct super_block *sb);
    // Options as /proc/mounts shows them, each with a leading comma.   NULL: none.
    void (*show_options)(struct super_block *sb, char *buffer, size_t size);
};

/*
 * One file system.     Fields: (c) constant after creation  (a) atomic
 */
struct super_block {
    struct rwlock tree;                 // the dentry tree: look-ups read, changes of names write
    _Atomic uint32_t refs;              // (a) mounts
    _Atomic unsigned flags;             // (a) SB_*
    const struct super_block_ops *ops;  // (c)
    const struct file_system_type *type;// (c)
    struct dentry *root;                // (c) holds a reference
    uint64_t device;                    // (c) st_dev
    _Atomic uint64_t next_ino;          // (a) for those that just count
    void *private;                      // (c) the file system's own
    uint64_t changed_ns;                // since when it is known to have changes: writeback.c's thread; 0: it has none
};

// Set up a super block: one reference, an own st_dev. The root is the caller's next step.
void super_block_init(struct super_block *sb, const struct file_system_type *type, const struct super_block_ops *ops);
void super_block_get(struct super_block *sb);
// A reference, if anybody still has one.
bool super_block_try_get(struct super_block *sb) __must_check;
void super_block_put(struct super_block *sb);

/*
 * One place where a super block is seen.   Fields: (c) constant after creation  (a) atomic  (m) the mount table's lock
 */
struct mount {
    _Atomic uint32_t refs;              // (a) the table's one, and paths
    int id;                             // (c)
    struct super_block *sb;             // (c) holds a reference
    struct dentry *root;                // (c) holds a reference; what is seen (a bind mount may show a part)
    struct mount *parent;               // (m) holds a reference; NULL: the root mount, or unmounted
    struct dentry *mountpoint;          // (m) in the parent; holds a reference
    _Atomic unsigned flags;             // (a) MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOATIME of <linux/mount.h>
    char *source;                       // (c) as given to mount(2), for /proc/mounts
    struct list link;                   // (m) in the table, in the order of mounting
    _Atomic uint32_t visits;            // (a) of mounts_for_each under way; one more only under (m), while in the table
};

// Whether names and attributes seen there may not be changed.
bool mount_is_read_only(const struct mount *mount);

void mount_get(struct mount *mount);
void mount_put(struct mount *mount);

// Make a type known; it must stay. Types are never taken back.
void register_filesystem(struct file_system_type *type);

// The type of that name, or NULL.
struct file_system_type *file_system_find(const char *name);

// Call `fn` for each type / each mount, in order, until it returns false. fn may sleep, and must not mount or unmount.
// A visit to a mount is no reference: it keeps nobody from unmounting, who waits until it is over, and so it never is the last to leave.
void file_systems_for_each(bool (*fn)(const struct file_system_type *type, void *arg), void *arg);
void mounts_for_each(bool (*fn)(struct mount *mount, void *arg), void *arg);

// If something is mounted on `path`, go to the root of the topmost such mount (references follow).
void mount_descend(struct path *path);

// If `path` is the root of its mount, go to where that is mounted; false: there is nothing above.
bool mount_ascend(struct path *path);

// The root of everything, with references.
struct path mount_root_path(void);

// A mount of `sb` that is in no table and has no place (pipes, nameless files); NULL: no memory.
struct mount *mount_create_detached(struct super_block *sb, const char *source) __must_check;

// The oldest mount of `sb` that has a place, with a reference, or NULL.
struct mount *mount_of_super_block(struct super_block *sb);

// The first mount of all, of `type`. => 0, -errno
int mount_create_root(struct file_system_type *type, const char *options) __must_check;

#endif
