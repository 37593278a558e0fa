// SPDX-License-Identifier: MIT
/*
 * file_table.h - a process's descriptors: small numbers for open files. Shared by CLONE_FILES, copied by fork.
 */
#ifndef FS_FILE_TABLE_H
#define FS_FILE_TABLE_H

#include "fs/file.h"
#include "sync/spinlock.h"

struct file_table;

#define FILE_TABLE_MAX 32768    // numbers a table can have: /proc/sys/fs/nr_open, the most that RLIMIT_NOFILE may say

struct file_table *file_table_create(void) __must_check;        // empty, one reference; NULL: no memory
struct file_table *file_table_copy(struct file_table *table) __must_check;  // fork: the same files; NULL: no memory
void file_table_get(struct file_table *table);                  // CLONE_FILES
void file_table_put(struct file_table *table);                  // the last put closes all. May sleep
bool file_table_is_shared(struct file_table *table);

// POSIX locks are taken in its name: from now on each close looks for them.
void file_table_has_locks(struct file_table *table);

// exec: close what is marked close-on-exec. => the table is not shared. May sleep.
void file_table_close_exec(struct file_table *table);

/*
 * Reserve the lowest free number from `first` on, below `limit` (RLIMIT_NOFILE). It names nothing until fd_install.
 *
 * => the number; -EMFILE, -ENOMEM; -EINVAL if first >= limit
 */
int fd_alloc(struct file_table *table, int first, uint64_t limit, bool close_on_exec) __must_check;

// Give a reserved number its file; takes over the reference.
void fd_install(struct file_table *table, int fd, struct file *file);

// Give a reserved number back that got no file.
void fd_cancel(struct file_table *table, int fd);

// The file of a number, with a reference: file_put. NULL: there is none (-EBADF).
struct file *fd_get(struct file_table *table, int fd) __must_check;

// close(2): 0, -EBADF. May sleep.
int fd_close(struct file_table *table, int fd) __must_check;

// close_range(2): every number in [first, last]; or only mark them close-on-exec.
void fd_close_range(struct file_table *table, unsigned first, unsigned last, bool only_mark);

/*
 * dup2, dup3: make `to` name the file of `from`, closing what it was. from == to is the caller's case.
 *
 * => `to`; -EBADF (from, or to >= limit), -EBUSY (reserved by another thread), -ENOMEM
 */
int fd_dup_to(struct file_table *table, int from, int to, uint64_t limit, bool close_on_exec) __must_check;

// The close-on-exec mark: read, 0 or 1 or -EBADF; set, 0 or -EBADF.
int fd_close_on_exec(struct file_table *table, int fd) __must_check;
int fd_set_close_on_exec(struct file_table *table, int fd, bool on) __must_check;

// The first number >= `from` that names a file, or -1; for /proc/PID/fd.
int fd_next(struct file_table *table, int from);

// Numbers in the table now: one more than the largest that can be in use (FDSize in /proc/PID/status).
unsigned file_table_size(struct file_table *table);

#endif
