// SPDX-License-Identifier: MIT
/*
 * devpts.h - the file system "devpts", in which each pseudo-terminal has its node: /dev/pts/0, 1, ...
 *
 * Every mount is an instance of its own, with numbers of its own. Opening /dev/ptmx makes a terminal in the instance
 * that is mounted on "pts" beside it; every instance has a node "ptmx" of its own, too.
 */
#ifndef DEV_DEVPTS_H
#define DEV_DEVPTS_H

#include "fs/path.h"
#include "lib/list.h"

struct credentials;
struct inode;
struct super_block;
struct tty;

/*
 * A pseudo-terminal's place in an instance.    Fields: (c) constant while it has the number  (n) numbers_lock
 */
struct devpts_place {
    struct list link;                   // (n) in its instance, in order of numbers
    struct super_block *sb;             // (c) holds a reference
    uint32_t number;                    // (c)
    struct dentry *node;                // the node's name, with a reference, from add_node to remove_node
};

// The root of the instance that an open of the node `ptmx` is for, with references. => 0, -ENOENT, -ENODEV
int devpts_find(const struct path *ptmx, struct path *root) __must_check;

// Take the lowest free number of an instance / give it back. => 0, -ENOSPC
int devpts_take_number(struct super_block *sb, struct devpts_place *place) __must_check;
void devpts_give_number(struct devpts_place *place);

// Make the node, which holds a reference to `tty` / take its name away. => may sleep; 0, -ENOMEM
int devpts_add_node(struct devpts_place *place, struct tty *tty, const struct credentials *credentials) __must_check;
void devpts_remove_node(struct devpts_place *place);

// The terminal whose node this is. NULL: it is no such node.
struct tty *devpts_tty(const struct inode *inode);

// Pseudo-terminals of all instances, and how many there may be: /proc/sys/kernel/pty.
uint32_t devpts_count(void);
uint32_t devpts_limit(void);
int devpts_set_limit(int limit);        // 0, -EINVAL

// Register the type.
void devpts_init(void);

#endif
