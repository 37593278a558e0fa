// SPDX-License-Identifier: MIT
#include "sys/user_path.h"

#include <linux/fcntl.h>

#include "fs/file.h"
#include "fs/file_table.h"
#include "lib/errno.h"
#include "mm/kalloc.h"
#include "mm/usercopy.h"
#include "proc/cred.h"
#include "proc/fs_context.h"
#include "proc/process.h"

int user_string(vaddr_t address, char **out)
{
    char *string = kalloc();
    int64_t length;

    if (!string)
        return -ENOMEM;
    length = strncpy_from_user(string, address, PAGE_SIZE);
    if (length < 0) {
        kfree(string);
        return length;
    }
    *out = string;
    return 0;
}

/* Where a relative name starts: the working directory, or what a descriptor names. => 0, -EBADF */
static int start_path(int dirfd, struct path *start)
{
    struct file *file;

    if (dirfd == AT_FDCWD) {
        fs_context_cwd(current_process()->fs, start);
        return 0;
    }
    file = fd_get(current_process()->files, dirfd);
    if (!file)
        return -EBADF;
    *start = file->path;
    path_get(start);
    file_put(file);
    return 0;
}

int user_path_begin(struct user_path *path, int dirfd, vaddr_t name, unsigned flags)
{
    int error = user_string(name, &path->name);

    if (error)
        return error;
    path->lookup = (struct lookup){.credentials = current_credentials()};
    if (!path->name[0] && !(flags & USER_PATH_EMPTY)) {
        error = -ENOENT;
        goto free_name;
    }
    if (path->name[0] != '/' || (flags & USER_PATH_SCOPED)) {
        error = start_path(dirfd, &path->lookup.start);
        if (error)
            goto free_name;
    }
    if (flags & USER_PATH_SCOPED) {
        path->lookup.root = path->lookup.start;
        path_get(&path->lookup.root);
        return 0;
    }
    fs_context_root(current_process()->fs, &path->lookup.root);
    if (path->name[0] == '/') {
        path->lookup.start = path->lookup.root;
        path_get(&path->lookup.start);
    }
    return 0;

free_name:
    kfree(path->name);
    return error;
}

void user_path_end(struct user_path *path)
{
    path_put(&path->lookup.start);
    path_put(&path->lookup.root);
    kfree(path->name);
}

int user_path_lookup(int dirfd, vaddr_t name, unsigned lookup_flags, struct path *out)
{
    struct user_path path;
    int error = user_path_begin(&path, dirfd, name, lookup_flags & LOOKUP_EMPTY ? USER_PATH_EMPTY : 0);

    if (error)
        return error;
    error = vfs_lookup(&path.lookup, path.name, lookup_flags, out);
    user_path_end(&path);
    return error;
}
