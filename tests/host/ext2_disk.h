// SPDX-License-Identifier: MIT
/*
 * ext2_disk.h - a disk in memory for the tests of ext2: made by mke2fs, checked by e2fsck, and every write to it is remembered, so that
 * it can be had as it was after any of them.
 */
#ifndef HOST_EXT2_DISK_H
#define HOST_EXT2_DISK_H

#include <stddef.h>
#include <stdint.h>

#define DISK_NUMBER 0xfe00 // 254:0

/* A fresh file system. `options` for mke2fs, `folder` to put into it or NULL. */
void disk_make(const char *options, unsigned kib, const char *folder);

uint8_t *disk_data(void);
size_t disk_size(void);

/* How many writes there were since disk_make; and the disk as it was after so many. What is written later counts anew. */
size_t disk_writes(void);
void disk_rewind(size_t writes);

/* From now on, writes fail (-EIO) after so many more, and reads; SIZE_MAX: never. */
void disk_fail_after(size_t operations);

/* e2fsck -fn finds nothing; or prints what, and the test ends. */
void disk_assert_clean(void);

/* e2fsck -p repairs what is on the disk, without asking. => whether it could */
int disk_repair(void);

#endif
