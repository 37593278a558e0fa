// SPDX-License-Identifier: MIT
/*
 * ext2_support.h - what the tests of ext2 share: a mounted disk (ext2_disk.h), calls by name in it, and chance.
 *
 * Calls answer as in the kernel: 0 or a count, or -errno.
 */
#ifndef HOST_EXT2_SUPPORT_H
#define HOST_EXT2_SUPPORT_H

#include "support.h"

#include "fs/file.h"
#include "fs/vfs.h"

#define FILE_MAX     400000 // no file is longer, unless the test is about that
#define PATTERN_SIZE 70000

/* What the kernel and the model have read; what is written, which never changes. */
extern uint8_t ours[FILE_MAX], theirs[FILE_MAX], pattern[PATTERN_SIZE];

/* Mount the disk, and look up names from its root. */
int try_mount(unsigned flags);
void mount_disk(void);
void unmount_disk(void);
extern struct lookup from_root;

int64_t write_file(const char *name, uint64_t offset, const void *data, size_t size); // creates
int64_t read_file(const char *name, uint64_t offset, void *data, size_t size);
int64_t truncate_file(const char *name, uint64_t size);
int64_t sync_file(const char *name);
int64_t read_link(const char *name, void *data, size_t size);
int64_t count_names(const char *name); // in a directory

/* Open or look up `name`, and do `work` to it. => what it returned, or why there was nothing to do it to */
int64_t with_file(const char *name, unsigned flags, int64_t (*work)(struct file *, void *), void *arg);
int64_t with_path(const char *name, int64_t (*work)(const struct path *, void *), void *arg);

/* The next run's seed: GAUR_SEED, else 1, 2, ... It is told, so that the run can be had again. */
unsigned take_seed(void);

/* A number below `count`. */
unsigned pick(unsigned count);

/* How many times as long as usual random tests are to run: from GAUR_SECONDS. */
unsigned effort(void);

int ext2_begin(void **state);
#define EXT2_TEST(name) cmocka_unit_test_setup_teardown(name, ext2_begin, support_end)

#endif
