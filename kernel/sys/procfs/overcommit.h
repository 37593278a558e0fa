// SPDX-License-Identifier: MIT
/*
 * overcommit.h - the files /proc/sys/vm/overcommit_*.
 */
#ifndef PROCFS_OVERCOMMIT_H
#define PROCFS_OVERCOMMIT_H

struct proc_inode;
struct text;

int show_overcommit_memory(const struct proc_inode *inode, struct text *text);
int store_overcommit_memory(const struct proc_inode *inode, const char *value);
int show_overcommit_ratio(const struct proc_inode *inode, struct text *text);
int store_overcommit_ratio(const struct proc_inode *inode, const char *value);
int show_overcommit_kbytes(const struct proc_inode *inode, struct text *text);
int store_overcommit_kbytes(const struct proc_inode *inode, const char *value);

#endif
