// SPDX-License-Identifier: MIT
/*
 * procfs.h - the file system "proc".
 */
#ifndef SYS_PROCFS_H
#define SYS_PROCFS_H

/* Register the type. => once, at boot, after vfs_init */
void procfs_init(void);

struct file;
struct process;

/* The process whose /proc/PID an open directory is; the file's reference. => NULL: it is another file */
struct process *procfs_process(const struct file *file);

#endif
