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
struct thread;
struct vregion;
struct vspace;

/* The thread that a file below /proc/PID or /proc/PID/task/TID is about. => process_tree held; NULL: it has ended */
struct thread *proc_thread(const struct proc_inode *inode);

/* status.c */
int show_process_stat(const struct proc_inode *inode, struct text *text);
int show_process_statm(const struct proc_inode *inode, struct text *text);
int show_process_status(const struct proc_inode *inode, struct text *text);

/* trace.c */
int show_stack(const struct proc_inode *inode, struct text *text);
int show_wchan(const struct proc_inode *inode, struct text *text);

/* maps.c */
int show_maps(const struct proc_inode *inode, struct text *text);

/* For each region: its line in `text` (show only), then what `detail` adds. => 0, -ENOMEM */
#define MAPS_NAME_COLUMN 72     // names begin behind this column and a space
typedef void maps_detail(struct text *text, struct vspace *space, const struct vregion *region, void *arg);
int maps_show(const struct proc_inode *inode, struct text *text, maps_detail *detail, void *arg);
int maps_visit(const struct proc_inode *inode, struct text *text, maps_detail *detail, void *arg);

/* smaps.c */
int show_smaps(const struct proc_inode *inode, struct text *text);
int show_smaps_rollup(const struct proc_inode *inode, struct text *text);

/* oom.c */
int show_oom_score(const struct proc_inode *inode, struct text *text);
int show_oom_score_adj(const struct proc_inode *inode, struct text *text);
int store_oom_score_adj(const struct proc_inode *inode, const char *value);
int show_oom_adj(const struct proc_inode *inode, struct text *text);
int store_oom_adj(const struct proc_inode *inode, const char *value);

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
int show_mountinfo(const struct proc_inode *inode, struct text *text);

#endif
