// SPDX-License-Identifier: MIT
/*
 * walk.h - the walk along a path name, component by component. Private to fs/.
 *
 *     struct walk walk;
 *     walk_begin(&walk, lookup, name);
 *     error = walk_to_last(&walk);         // now walk.at is a directory, walk.name its child that is asked for
 *     ...                                  // walk_last follows it, the calls in change.c make or remove it
 *     walk_end(&walk);
 */
#ifndef FS_WALK_H
#define FS_WALK_H

#include "fs/vfs.h"

#define LINKS_MAX 40                // as in path_resolution(7)

// What the last component is. Only LAST_NAME can be made or removed.
enum last_kind { LAST_NAME, LAST_ROOT, LAST_DOT, LAST_DOT_DOT };

// The text of a symbolic link that is being walked, and what comes after it.
struct walk_text {
    struct walk_text *below;
    const char *rest;               // where to go on when this text is done; empty only if it ends the whole path
    struct inode *link;             // whose text it is; holds a reference
    char *copy;                     // the text, if the inode does not have it in memory
};

struct walk {
    const struct lookup *lookup;
    struct path at;                 // holds references
    const char *rest;               // what comes after `name` in the text being walked
    const char *name;               // the component in turn; not ended by zero
    size_t length;
    bool slash;                     // a slash follows `name`: it must be a directory
    bool directory;                 // the whole path must lead to one
    bool follow;                    // a slash stood behind a link at the end: follow what it leads to, too
    unsigned links;                 // symbolic links followed
    struct walk_text *texts;        // of links, the one being walked first; NULL: the caller's own text
};

// Start at the root or the start of `lookup`. => 0, -ENOENT (empty name)
int walk_begin(struct walk *walk, const struct lookup *lookup, const char *name, unsigned flags) __must_check;
void walk_end(struct walk *walk);

// Follow all components but the last; where it is to be found is a directory that may be searched. => 0, -ENOENT,
// -ENOTDIR, -EACCES, -ELOOP, -ENAMETOOLONG, -ENOMEM
int walk_to_last(struct walk *walk) __must_check;

enum last_kind walk_last_kind(const struct walk *walk);

/*
 * Find the last component, without following it if it is a link.
 *
 * => *out holds references, what is mounted there is entered; 0, -ENOENT, -ENAMETOOLONG, -ENOMEM
 */
int walk_find(struct walk *walk, struct path *out) __must_check;

/*
 * Take the step to `next`, which walk_find has found; its references go to the walk.
 *
 * => 0: walk->at is the end. 1: it was a link to follow; the walk goes on with walk_to_last. -errno
 */
int walk_step(struct walk *walk, struct path *next, bool follow) __must_check;

/*
 * The child of that name, asking the file system if the tree does not know it.
 *
 * => a reference in *out; 0, -ENOENT, -ENAMETOOLONG, -ENOMEM, -EIO
 */
int dentry_lookup(struct dentry *parent, const char *name, size_t length, struct dentry **out) __must_check;

// The same with the tree lock held for writing, as changes of names need it.
int dentry_lookup_locked(struct dentry *parent, const char *name, size_t length, struct dentry **out) __must_check;

/*
 * Make an inode for the walk's last name, if it is still absent.
 *
 * => *out holds references; *created tells whether it was made here; 0, -EROFS, -EACCES, -ENOSPC, ...
 */
int vfs_create_at(struct walk *walk, uint32_t mode, struct path *out, bool *created) __must_check;

/*
 * May names be added to the directory `dir`? => tree held; 0, -EROFS, -ENOENT (it was removed), -EACCES
 */
int may_add_name(const struct path *dir, const struct credentials *credentials) __must_check;

/*
 * May `child` be taken out of `dir`, where a directory (or none) is wanted? => tree held
 * => 0, -EROFS, -EACCES, -EPERM (sticky), -ENOTDIR, -EISDIR, -EBUSY (something is mounted on it)
 */
int may_remove_name(const struct path *dir, const struct dentry *child, bool want_directory,
                    const struct credentials *credentials) __must_check;

// Hold the tree for a change / let it go. Volatile file systems have no lock.
void tree_write_lock(struct super_block *sb);
void tree_write_unlock(struct super_block *sb);

#endif
