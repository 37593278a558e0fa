// SPDX-License-Identifier: MIT
/*
 * writeback.h - changes come to the disk after a while, though nobody asks for it.
 */
#ifndef FS_WRITEBACK_H
#define FS_WRITEBACK_H

#include "lib/types.h"

/* Begin, once there is a file system that can be written to. => 0 or -ENOMEM; again and again: nothing more happens */
__must_check int writeback_start(void);

/*
 * In hundredths of a second, as /proc/sys/vm/dirty_* has them: how old changes become, and how often somebody looks (0: never).
 * => not negative
 */
int writeback_expire(void);
int writeback_interval(void);
void writeback_set_expire(int centiseconds);
void writeback_set_interval(int centiseconds);

#endif
