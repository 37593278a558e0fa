// SPDX-License-Identifier: MIT
/*
 * inode.h - a file, whatever it is: its attributes, its content, and what can be done with it.
 *
 * An inode has no name; names are dentries (dentry.h). It lives as long as somebody holds a reference: a dentry,
 * an open file (through its path), a region that maps its pages.
 *
 * What the content is follows from the type in `mode`, and says which member of the union counts.
 */
#ifndef FS_INODE_H
#define FS_INODE_H

#include "fs/credentials.h"
#include "fs/device_number.h"
#include "lib/list.h"
#include "lib/tree.h"
#include "mm/page_cache.h"
#include "sync/rwlock.h"

struct dentry;
struct file_lock_list;
struct file_ops;
struct inode;
struct kstat;
struct lookup;
struct path;
struct pipe;
struct super_block;
struct tty;

// The names in a directory.    Fields: (t) the super block's tree lock
struct directory {
    struct tree by_name;            // (t) dentries by (hash, name)
    struct list in_order;           // (t) the same, oldest first: by cookie
    uint64_t next_cookie;           // (t) of the next name; readdir's offset, never used again
    uint32_t count;                 // (t) names
};

// What a new inode shall be.
struct inode_request {
    uint32_t mode;                  // type and permission bits, umask applied
    device_t rdev;                  // of a device node
    const char *target;             // of a symbolic link
    const struct credentials *credentials;
};

// Changes for inode_set_attributes; `valid` says which fields count.
enum {
    ATTR_MODE = 1,
    ATTR_UID = 2,
    ATTR_GID = 4,
    ATTR_ATIME = 8,                 // to the given time
    ATTR_MTIME = 16,
    ATTR_ATIME_NOW = 32,            // to the present; this needs less permission
    ATTR_MTIME_NOW = 64,
    ATTR_DROP_SETID = 128,          // take set-id bits from what is no directory, as chown(2) does
};
struct attributes {
    unsigned valid;
    uint32_t mode;                  // permission bits, set-id bits, sticky bit
    uint32_t uid, gid;
    int64_t atime, mtime;           // nanoseconds since 1970
};

/*
 * What a file system does for its inodes. Any may be NULL: the default is named.
 *
 * => lookup, create, link, unlink and rename run with the super block's tree lock held for writing
 *    (super blocks with SB_VOLATILE have none)
 */
struct inode_ops {
    // Find `child->name` in `dir` and give it its inode (dentry_set_inode). -ENOENT.  NULL: all names are in the tree.
    int (*lookup)(struct inode *dir, struct dentry *child);
    // Make an inode of any type for `child` (dentry_set_inode).  NULL: -EPERM.
    int (*create)(struct inode *dir, struct dentry *child, const struct inode_request *request);
    // One more name, `child`, for `inode`; the caller counts nlink.  NULL: -EPERM.
    int (*link)(struct inode *dir, struct dentry *child, struct inode *inode);
    // Take the name `child` away (directories too, then empty); the caller counts nlink.  NULL: -EPERM.
    int (*unlink)(struct inode *dir, struct dentry *child);
    // Move `from` to the name and place of `to` (negative, or to be replaced).  NULL: -EPERM.
    int (*rename)(struct inode *from_dir, struct dentry *from, struct inode *to_dir, struct dentry *to);
    // Text of a symbolic link into `buffer`, cut at `size`; its length.  NULL: `link` of the inode.
    int64_t (*readlink)(struct inode *inode, char *buffer, size_t size);
    // Where a link leads that is no text (as /proc/PID/exe): a path with references.  NULL: follow the text.
    int (*follow)(struct inode *inode, struct path *out);
    // Fill what the generic code cannot know.  NULL: the inode's own fields.
    void (*getattr)(struct inode *inode, struct kstat *stat);
    // May these attributes be set; persist them.  NULL: yes.
    int (*setattr)(struct inode *inode, const struct attributes *attributes);
    // Change the size of a regular file.  NULL: -EINVAL.
    int (*truncate)(struct inode *inode, uint64_t size);
    // Let [start, end) of a regular file be a hole; its size stays.  NULL: -EOPNOTSUPP.
    int (*punch)(struct inode *inode, uint64_t start, uint64_t end);
    // Which block of the disk, sb->device, block `index` of a regular file lies in; *place 0: a hole.  NULL: it lies on no disk.
    int (*map_block)(struct inode *inode, uint64_t index, uint64_t *place);
    // Permission beyond the mode bits.  NULL: the mode bits.
    int (*permission)(struct inode *inode, unsigned wanted, const struct credentials *credentials);
};

/*
 * Fields: (c) constant after creation  (a) atomic  (i) this inode's lock  (t) the super block's tree lock
 */
struct inode {
    uint64_t ino;                       // (c)
    _Atomic uint32_t refs;              // (a)
    _Atomic uint32_t nlink;             // (a) names; a directory counts "." and its children's ".."
    _Atomic uint32_t mode;              // (a) type (c) and permission bits
    _Atomic uint32_t uid, gid;          // (a)
    device_t rdev;                      // (c) of device nodes
    _Atomic int64_t atime, mtime, ctime;// (a) nanoseconds since 1970
    const struct inode_ops *ops;        // (c)
    const struct file_ops *file_ops;    // (c) what an open file of it does; NULL: its type decides
    struct super_block *sb;             // (c)
    struct dentry *alias;               // a dentry of it, without a reference, for /proc/PID/maps; inode.c's lock
    _Atomic int32_t writers;            // (a) files open for writing; below 0: programs that run from it
    _Atomic uint8_t seals;              // (i) to write: F_SEAL_*, of files in memory
    _Atomic bool dirty;                 // (a) attributes have changed since a file system that has a disk looked
    _Atomic bool is_swap;               // (i) to set: in use for swap (swap_file.h): content, size and names stay
    struct file_lock_list *locks;       // fs/file_lock.c's; NULL if nobody has any
    uint64_t accounted;                 // (i) pages that a file system with a limit has counted
    struct rwlock lock;                 // writes and truncations of the content, one at a time
    union {
        struct page_cache pages;        // S_IFREG; pages.size is the file's size
        struct directory directory;     // S_IFDIR
        char *link;                     // (c) S_IFLNK: the text, allocated with slab_alloc
        struct pipe *pipe;              // S_IFIFO: while it is open somewhere; pipe.c's lock
        struct tty *tty;                // (c) S_IFCHR in devpts: with a reference; NULL for ptmx
    };
};

// What `wanted` is made of; the numbers of access(2).
enum { MAY_EXEC = 1, MAY_WRITE = 2, MAY_READ = 4 };

/*
 * Set up an inode that the file system has allocated: one reference, nlink 1, all times now, no ops.
 *
 * => the file system sets ops and the member of the union that the mode asks for (inode_init does directories)
 */
void inode_init(struct inode *inode, struct super_block *sb, uint64_t ino, uint32_t mode);

// Memory for an inode that has nothing besides; NULL: none. File systems with larger inodes allocate their own.
struct inode *inode_alloc(void) __must_check;
void inode_free(struct inode *inode);

// Count a reference / give it back. The last put hands the inode to sb->ops->evict. May sleep.
void inode_get(struct inode *inode);
void inode_put(struct inode *inode);

/*
 * May `credentials` do all of `wanted` (MAY_*) with the inode?
 *
 * => 0, -EACCES
 */
int inode_permission(struct inode *inode, unsigned wanted, const struct credentials *credentials) __must_check;

// Whether `credentials` own the inode or may act as if.
bool inode_owner_or_privileged(struct inode *inode, const struct credentials *credentials);

/*
 * chmod, chown, utimensat with their permission rules; sets ctime; drops set-id bits on chown.
 *
 * => 0, -EPERM, -EACCES
 */
int inode_set_attributes(struct inode *inode, const struct attributes *attributes,
                         const struct credentials *credentials) __must_check;

// Owner of a new inode in `dir`: the creator's ids, or the directory's group if it is set-gid (inherited by
// directories).
void inode_init_owner(struct inode *inode, struct inode *dir, const struct credentials *credentials);

// The text of a symbolic link, cut at `size`, no zero at the end. => its length, -EINVAL: it is none
int64_t inode_readlink(struct inode *inode, char *buffer, size_t size);

// Drop set-uid and set-gid bits, as a write by somebody without privilege does. => inode->lock for writing
void inode_drop_setid(struct inode *inode);

// Set times to the present: after a read, after content changed, after only attributes or names changed.
void inode_touch_atime(struct inode *inode);
void inode_touch_mtime(struct inode *inode);
void inode_touch_ctime(struct inode *inode);

// Size in bytes as stat(2) tells it, from whatever the inode is.
uint64_t inode_size(struct inode *inode);

// A dentry that names the inode, with a reference, or NULL. / Make `dentry` the one; dentry_put calls forget.
struct dentry *inode_alias(struct inode *inode);
void inode_set_alias(struct inode *inode, struct dentry *dentry);
void inode_forget_alias(struct inode *inode, struct dentry *dentry);

/*
 * A program that runs is not written to (ETXTBSY). Each success is given back once, by the function beside it.
 *
 * => 0, -ETXTBSY: others run it / write to it
 */
int inode_get_write(struct inode *inode) __must_check;
void inode_put_write(struct inode *inode);
int inode_deny_write(struct inode *inode) __must_check;
void inode_allow_write(struct inode *inode);

// What a page cache needs to know of its inode: for the ops of file systems with pages. describe takes the tree lock,
// so no vspace lock may be held.
void inode_pages_hold(struct page_cache *pages);
void inode_pages_release(struct page_cache *pages);
int inode_pages_punch(struct page_cache *pages, uint64_t offset, uint64_t size);
int inode_pages_describe(struct page_cache *pages, char *buffer, size_t size, struct map_identity *identity);

// At boot: the cache that inode_alloc takes from.
void inode_cache_init(void);

// `type` is one of S_IF...
static inline bool inode_is(const struct inode *inode, uint32_t type)
{
    return (inode->mode & 0170000) == type;
}

static inline bool inode_is_directory(const struct inode *inode)
{
    return inode_is(inode, 0040000);
}

#endif
