// SPDX-License-Identifier: MIT
/*
 * dentry.h - a name in a directory, and the inode it names.
 *
 * The dentries of a super block form a tree under its lock (super_block.tree). tmpfs keeps its directories nowhere
 * else; for a disk the tree is a cache; a volatile file system (procfs) makes a dentry for every look-up and never
 * links it. Being linked in the tree counts one reference, and every dentry holds one on its parent.
 */
#ifndef FS_DENTRY_H
#define FS_DENTRY_H

#include "lib/list.h"
#include "lib/tree.h"
#include "lib/types.h"

#define NAME_MAX_LENGTH 255             // NAME_MAX in <linux/limits.h>

struct inode;
struct super_block;

/*
 * Fields: (c) constant after creation  (a) atomic  (t) the super block's tree lock
 */
struct dentry {
    _Atomic uint32_t refs;              // (a)
    _Atomic uint32_t mounts;            // (a) mounts on top of this dentry, all of them
    uint32_t hash;                      // (t) of the name
    uint8_t name_length;                // (t)
    bool linked;                        // (t) in its parent's directory; false: unlinked, or never was (volatile)
    bool deleted;                       // (t) was unlinked: " (deleted)", and nothing may be made in it
    bool nameless;                      // (c) of a pipe or the like: in no directory, `name` tells what it is
    char *name;                         // (t) with a zero at the end; inline_name, or from the slab after a rename
    struct dentry *parent;              // (t) itself for a root; holds a reference
    struct inode *inode;                // (t) holds a reference; NULL only while it is being made
    struct super_block *sb;             // (c)
    struct tree_node by_name;           // (t) in the parent's directory
    struct list in_order;               // (t) in the parent's directory
    uint64_t cookie;                    // (t) place in the parent's directory, from 2 on
    char inline_name[];
};

// The root of a super block; takes over the caller's reference to `inode`. NULL: no memory.
struct dentry *dentry_create_root(struct inode *inode) __must_check;

// A nameless one, its own parent; takes over the reference to `inode`, if it succeeds. NULL: no memory.
struct dentry *dentry_create_nameless(struct inode *inode, const char *name) __must_check;

// A dentry for `name` under `parent`, not linked, without an inode, one reference. NULL: no memory.
struct dentry *dentry_create(struct dentry *parent, const char *name, size_t length) __must_check;

// Give a new dentry its inode; takes over the caller's reference to it.
void dentry_set_inode(struct dentry *dentry, struct inode *inode);

void dentry_get(struct dentry *dentry);
// A reference, if anybody still has one: for pointers that count none.
bool dentry_try_get(struct dentry *dentry) __must_check;
// The last put frees the dentry and its hold on inode and parent. May sleep.
void dentry_put(struct dentry *dentry);

/*
 * The linked child of that name; with a reference. NULL: there is none in the tree.
 *
 * => tree lock held (reading is enough)
 */
struct dentry *dentry_find(struct dentry *parent, const char *name, size_t length);

// Put a dentry with an inode into its parent's directory / take it out, marking it deleted. => tree lock for writing
void dentry_link(struct dentry *dentry);
void dentry_unlink(struct dentry *dentry);

/*
 * Let a linked dentry leave memory that nobody else holds: its name stays where the tree is a cache of.
 *
 * => tree lock held for writing; nothing lies below it; false: somebody was faster, nothing changed
 */
bool dentry_try_forget(struct dentry *dentry) __must_check;

/*
 * Move a linked dentry under another parent and name. `name` is from slab_alloc and becomes the dentry's.
 *
 * => tree lock held for writing; the name is not taken
 */
void dentry_move(struct dentry *dentry, struct dentry *new_parent, char *name, size_t length);

// Unlink everything below `root`. => nobody uses the tree any more
void dentry_destroy_tree(struct dentry *root);

// Whether `ancestor` is `dentry` or above it in the same super block. => tree lock held
bool dentry_is_under(const struct dentry *dentry, const struct dentry *ancestor);

#endif
