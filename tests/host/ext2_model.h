// SPDX-License-Identifier: MIT
/*
 * ext2_model.h - the same operations on names below a folder, by the host's file system. All return 0 or a count, or -errno.
 */
#ifndef HOST_EXT2_MODEL_H
#define HOST_EXT2_MODEL_H

#include <stddef.h>
#include <stdint.h>

struct model_stat {
    uint32_t mode, nlink;
    uint64_t size;
};

void model_begin(void); // an empty folder
void model_end(void);
const char *model_folder(void);

int64_t model_write(const char *name, uint64_t offset, const void *data, size_t size); // creates
int64_t model_read(const char *name, uint64_t offset, void *data, size_t size);
int64_t model_truncate(const char *name, uint64_t size);
int64_t model_rename(const char *from, const char *to);
int64_t model_link(const char *from, const char *to);
int64_t model_unlink(const char *name);
int64_t model_mkdir(const char *name);
int64_t model_rmdir(const char *name);
int64_t model_symlink(const char *target, const char *name);
int64_t model_readlink(const char *name, void *data, size_t size);
int64_t model_chmod(const char *name, uint32_t mode);
int64_t model_stat(const char *name, struct model_stat *stat);
int64_t model_count(const char *name); // names in a directory

#endif
