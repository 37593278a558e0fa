// SPDX-License-Identifier: MIT
/*
 * file_lock.h - advisory locks on files: of POSIX (fcntl), of open files (OFD), and of BSD (flock).
 *
 * A POSIX lock belongs to a table of descriptors, and ends when any descriptor of the file in it is closed; the other
 * two belong to the open file, and end with it. The first two exclude each other; flock is a world of its own.
 */
#ifndef FS_FILE_LOCK_H
#define FS_FILE_LOCK_H

#include "lib/types.h"

struct file;
struct file_table;
struct inode;

enum file_lock_kind { FILE_LOCK_POSIX, FILE_LOCK_OFD, FILE_LOCK_FLOCK };

#define FILE_LOCK_EOF ((uint64_t)INT64_MAX)     // last byte of a range that never ends

/* A lock that is held or asked for: bytes start to end, both inclusive; all of them for FLOCK. */
struct file_lock_request {
    enum file_lock_kind kind;
    bool write;                 // excludes all others, not only writers
    int32_t pid;                // who is told as holding it; -1 for OFD
    const void *owner;          // a struct file_table (POSIX) or struct file
    uint64_t start, end;
};

/*
 * Take the lock, with what the owner has in the range already replaced, or (clear) give up what it has there.
 *
 * => may sleep: for as long as others hold it, if `wait`
 * => 0; -EAGAIN: others hold it; -EDEADLK: they wait for us; -EINTR; -ENOLCK: no memory
 */
int file_lock_set(struct inode *inode, const struct file_lock_request *request, bool wait) __must_check;
int file_lock_clear(struct inode *inode, const struct file_lock_request *request) __must_check;

/* Would it have to wait, and for which lock? */
bool file_lock_test(struct inode *inode, const struct file_lock_request *request, struct file_lock_request *found);

/* All locks of an owner on the inode end. */
void file_locks_release(struct inode *inode, const void *owner);

/*
 * All locks, each followed by the requests that wait for it (`waits`); `id` counts the locks.
 *
 * => `visit` must not sleep for memory or take sleeping locks
 */
void file_locks_for_each(void (*visit)(const struct inode *inode, const struct file_lock_request *lock, unsigned id,
                                       bool waits, void *arg),
                         void *arg);

#endif
