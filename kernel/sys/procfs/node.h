// SPDX-License-Identifier: MIT
/*
 * node.h - what a name in /proc is. Tables of nodes describe the whole tree; inodes are made of them for each look-up.
 *
 * A node is one of
 *   a text file     show, and store if it can be written
 *   a link          link tells its text, follow (if it leads to more than a name) its target
 *   a directory     children, and a listing if it has numbers, too: processes, threads, descriptors
 */
#ifndef PROCFS_NODE_H
#define PROCFS_NODE_H

#include <linux/stat.h>

#include "fs/inode.h"
#include "lib/types.h"
#include "sys/procfs/text.h"

struct proc_inode;
struct process;

enum {
    PROC_INSPECT = 1,       // only for those who may look into the process (sys/inspect.h)
    PROC_OUTLIVES = 2,      // an open file goes on when its process has been waited for: show says with what
    PROC_PLAIN = 4,         // as on Linux: one can seek from its end, which is where its beginning is
    PROC_FIXED = 8,         // of /proc/sys, and not to be written even by the superuser
    PROC_RAW = 16,          // has operations of its own
};

/* Numbers as names, all of one kind. */
struct proc_listing {
    const struct proc_node *node;                                       // what each of them is
    int64_t (*next)(const struct proc_inode *dir, uint32_t from);       // the first number >= from, or -1
    uint16_t (*mode)(const struct proc_inode *inode);                   // of one of them; NULL: its node's
    bool of_processes;                                                  // numbers of processes: inodes below are theirs
    bool of_threads;                                                    // likewise, of threads
};

/* What its type, in `mode`, does not have is not there: the fields share their place. */
struct proc_node {
    const char *name;
    uint16_t mode;                          // S_IF... and permission bits
    uint16_t flags;                         // PROC_*
    union {
        struct {    // a text file
            // Write the content into `text`. => 0 or -errno; running out of memory is the caller's to see
            int (*show)(const struct proc_inode *inode, struct text *text);
            // Take what was written: a line, without its end; or NULL. => 0 or -errno
            int (*store)(const struct proc_inode *inode, const char *value);
        };
        struct {    // a link
            // Its text, cut at `size`. => its length or -errno
            int64_t (*link)(const struct proc_inode *inode, char *buffer, size_t size);
            // Where it leads, with references; or NULL. => 0 or -errno
            int (*follow)(const struct proc_inode *inode, struct path *out);
        };
        const struct file_ops *ops;         // PROC_RAW: a file that is no text
        struct {    // a directory
            const struct proc_node *children;   // ended by one without a name; or NULL
            const struct proc_listing *listing; // or NULL
        };
    };
};

/*
 * A node at one place: of one process, or of none. All fields are constant.
 */
struct proc_inode {
    struct inode inode;
    const struct proc_node *node;
    struct process *process;                // holds a reference; NULL in what belongs to no process
    uint32_t number;                        // of the process, thread or descriptor that it is about
    bool of_thread;                         // below task/: about that thread alone
};

/* Names for the tables. */
#define PROC_FILE(file_name, permissions, show_function)                                                       \
    { .name = (file_name), .mode = S_IFREG | (permissions), .show = (show_function) }
#define PROC_SETTING(file_name, show_function, store_function)                                                 \
    {                                                                                                          \
        .name = (file_name), .mode = S_IFREG | 0644, .flags = PROC_PLAIN, .show = (show_function),             \
        .store = (store_function)                                                                              \
    }
#define PROC_FACT(file_name, show_function)                                                                    \
    { .name = (file_name), .mode = S_IFREG | 0444, .flags = PROC_PLAIN | PROC_FIXED, .show = (show_function) }
#define PROC_DIRECTORY(file_name, child_table)                                                                 \
    { .name = (file_name), .mode = S_IFDIR | 0555, .children = (child_table) }

static inline const struct proc_inode *proc_inode_of(const struct inode *inode)
{
    return container_of(inode, const struct proc_inode, inode);
}

/* The tops of the trees of /proc and /sys. */
extern const struct proc_node proc_root_node, sys_root_node;

/* A process's directory, and the files of /proc/sys and /proc/gaur. */
extern const struct proc_node proc_process_node;
extern const struct proc_node proc_sys_nodes[];
extern const struct proc_node proc_gaur_nodes[];

/* => 0, -EACCES: the node is only for those who may look into the process */
__must_check int proc_check_inspect(const struct proc_inode *inode);

/* Open files of the text nodes. */
extern const struct file_ops proc_text_ops;

#endif
