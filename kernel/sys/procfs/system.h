// SPDX-License-Identifier: MIT
/*
 * system.h - the files of /proc that are about the whole system. Formats: proc(5), and Linux's fs/proc/.
 */
#ifndef PROCFS_SYSTEM_H
#define PROCFS_SYSTEM_H

struct proc_inode;
struct text;

/* Each writes its file's content. => 0 or -errno */
int show_interrupts(const struct proc_inode *inode, struct text *text);
int show_kernel_cmdline(const struct proc_inode *inode, struct text *text);
int show_cpuinfo(const struct proc_inode *inode, struct text *text);
int show_devices(const struct proc_inode *inode, struct text *text);
int show_diskstats(const struct proc_inode *inode, struct text *text);
int show_filesystems(const struct proc_inode *inode, struct text *text);
int show_kmsg(const struct proc_inode *inode, struct text *text);
int show_loadavg(const struct proc_inode *inode, struct text *text);
int show_locks(const struct proc_inode *inode, struct text *text);
int show_meminfo(const struct proc_inode *inode, struct text *text);
int show_partitions(const struct proc_inode *inode, struct text *text);
int show_stat(const struct proc_inode *inode, struct text *text);
int show_swaps(const struct proc_inode *inode, struct text *text);
int show_sysvipc_msg(const struct proc_inode *inode, struct text *text);
int show_sysvipc_sem(const struct proc_inode *inode, struct text *text);
int show_sysvipc_shm(const struct proc_inode *inode, struct text *text);
int show_uptime(const struct proc_inode *inode, struct text *text);
int show_version(const struct proc_inode *inode, struct text *text);
int show_vmstat(const struct proc_inode *inode, struct text *text);
int show_slabinfo(const struct proc_inode *inode, struct text *text);

#endif
