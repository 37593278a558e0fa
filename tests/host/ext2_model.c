// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "ext2_model.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[40];
static int root = -1;

void model_begin(void)
{
    snprintf(folder, sizeof folder, "/tmp/gaur-model-XXXXXX");
    if (!mkdtemp(folder) || chmod(folder, 0755))
        abort();
    root = open(folder, O_PATH | O_DIRECTORY);
}

void model_end(void)
{
    char command[80];

    close(root);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0)
        abort();
}

const char *model_folder(void)
{
    return folder;
}

static int64_t told(int64_t result)
{
    return result < 0 ? -errno : result;
}

int64_t model_write(const char *name, uint64_t offset, const void *data, size_t size)
{
    int fd = openat(root, name, O_WRONLY | O_CREAT | O_NOFOLLOW, 0644);
    if (fd < 0)
        return -errno;
    int64_t result = told(pwrite(fd, data, size, (off_t)offset));
    close(fd);
    return result;
}

int64_t model_read(const char *name, uint64_t offset, void *data, size_t size)
{
    int fd = openat(root, name, O_RDONLY | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    int64_t result = told(pread(fd, data, size, (off_t)offset));
    close(fd);
    return result;
}

int64_t model_truncate(const char *name, uint64_t size)
{
    int fd = openat(root, name, O_WRONLY | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    int64_t result = told(ftruncate(fd, (off_t)size));
    close(fd);
    return result;
}

int64_t model_rename(const char *from, const char *to)
{
    return told(renameat(root, from, root, to));
}

int64_t model_link(const char *from, const char *to)
{
    return told(linkat(root, from, root, to, 0));
}

int64_t model_unlink(const char *name)
{
    return told(unlinkat(root, name, 0));
}

int64_t model_mkdir(const char *name)
{
    return told(mkdirat(root, name, 0755));
}

int64_t model_rmdir(const char *name)
{
    return told(unlinkat(root, name, AT_REMOVEDIR));
}

int64_t model_symlink(const char *target, const char *name)
{
    return told(symlinkat(target, root, name));
}

int64_t model_readlink(const char *name, void *data, size_t size)
{
    return told(readlinkat(root, name, data, size));
}

int64_t model_chmod(const char *name, uint32_t mode)
{
    return told(fchmodat(root, name, mode, 0));
}

int64_t model_stat(const char *name, struct model_stat *out)
{
    struct stat stat;

    if (fstatat(root, name, &stat, AT_SYMLINK_NOFOLLOW))
        return -errno;
    *out = (struct model_stat){stat.st_mode, (uint32_t)stat.st_nlink, (uint64_t)stat.st_size};
    return 0;
}

int64_t model_count(const char *name)
{
    int fd = openat(root, name, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return -errno;
    DIR *dir = fdopendir(fd);
    int64_t count = 0;
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}
