// SPDX-License-Identifier: MIT
/*
 * process.h - the files below /proc/PID. Formats: proc(5), and Linux's fs/proc/.
 */
#ifndef PROCFS_PROCESS_H
#define PROCFS_PROCESS_H

#include "lib/types.h"

struct path;
struct proc_inode;
struct proc_listing;
struct text;

/* status.c */
int show_process_stat(const struct proc_inode *inode, struct text *text);
int show_process_statm(const struct proc_inode *inode, struct text *text);
int show_process_status(const struct proc_inode *inode, struct text *text);

/* maps.c */
int show_maps(const struct proc_inode *inode, struct text *text);

/* strings.c */
int show_cmdline(const struct proc_inode *inode, struct text *text);
int show_environ(const struct proc_inode *inode, struct text *text);
int show_auxv(const struct proc_inode *inode, struct text *text);

/* links.c: exe, cwd, root, fd/N */
int64_t exe_link(const struct proc_inode *inode, char *buffer, size_t size);
int exe_follow(const struct proc_inode *inode, struct path *out);
int64_t cwd_link(const struct proc_inode *inode, char *buffer, size_t size);
int cwd_follow(const struct proc_inode *inode, struct path *out);
int64_t root_link(const struct proc_inode *inode, char *buffer, size_t size);
int root_follow(const struct proc_inode *inode, struct path *out);
extern const struct proc_listing proc_fds;
extern const struct proc_listing proc_fdinfos;

/* mounts.c */
int show_mounts(const struct proc_inode *inode, struct text *text);

#endif
