// SPDX-License-Identifier: MIT
/*
 * procfs.h - the file system "proc".
 */
#ifndef SYS_PROCFS_H
#define SYS_PROCFS_H

/* Register the type. => once, at boot, after vfs_init */
void procfs_init(void);

#endif
