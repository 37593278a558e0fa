// SPDX-License-Identifier: MIT
/*
 * provoke.h - /proc/gaur/provoke of a kernel with sanitizers: the mistakes that they are there to find, on demand.
 */
#ifndef PROCFS_PROVOKE_H
#define PROCFS_PROVOKE_H

#include "sys/procfs/node.h"

/* The names of the mistakes, one to a line. */
int show_provoke(const struct proc_inode *inode, struct text *text);

/* Make the mistake of that name. => no return if it is found, as it should be; -EINVAL for a name that is none */
int store_provoke(const struct proc_inode *inode, const char *value);

#endif
