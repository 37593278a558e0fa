// SPDX-License-Identifier: MIT
/*
 * events.h - the file of what happens in memory.
 */
#ifndef PROCFS_EVENTS_H
#define PROCFS_EVENTS_H

#include "fs/file.h"

extern const struct file_ops proc_events_ops;

#endif
