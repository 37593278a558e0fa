// SPDX-License-Identifier: MIT
/*
 * read_name.c - what a mapped file is called: from its page cache to the inode around it, and up the dentries.
 *
 * Where other file systems are mounted the path begins at their own root.
 */
#include <stdio.h>
#include <string.h>

#include "fs/dentry.h"
#include "fs/inode.h"
#include "mirror.h"
#include "mm/page_cache.h"
#include "names.h"

#define DEPTH_MAX 64
#define PATH_SIZE 1024

/* A path that is written from its end. */
struct path_text {
    char text[PATH_SIZE];
    size_t start;
};

static bool put_before(struct path_text *path, const char *name, size_t length)
{
    if (length > path->start)
        return false;
    path->start -= length;
    memcpy(path->text + path->start, name, length);
    return true;
}

static bool put_name(const struct guest *guest, struct path_text *path, const struct dentry *dentry)
{
    char name[NAME_MAX_LENGTH + 1];
    size_t length = dentry->name_length;

    return memory_read(&guest->memory, (uint64_t)(uintptr_t)dentry->name, name, length) && put_before(path, name, length);
}

/* => false: it is in the middle of a change, or too deep */
static bool put_path(const struct guest *guest, struct path_text *path, uint64_t at)
{
    struct dentry dentry;

    for (unsigned depth = 0; depth < DEPTH_MAX; depth++) {
        if (!memory_read(&guest->memory, at, &dentry, sizeof dentry))
            return false;
        uint64_t parent = (uint64_t)(uintptr_t)dentry.parent;
        if (memory_flag(&dentry.nameless))
            return put_name(guest, path, &dentry);
        if (parent == at)
            return path->start < PATH_SIZE - 1 || put_before(path, "/", 1);
        if (memory_flag(&dentry.deleted) && depth == 0 && !put_before(path, " (deleted)", 10))
            return false;
        if (!put_name(guest, path, &dentry) || !put_before(path, "/", 1))
            return false;
        at = parent;
    }
    return false;
}

/* Memory that has no name in a file system: what /proc/PID/maps calls it, but for a segment's key. */
static const char *name_of_no_inode(const struct guest *guest, uint64_t page_cache, uint64_t describe)
{
    if (page_cache == guest->at.data_pages)
        return "[vvar]";
    if (page_cache == guest->at.image_pages)
        return "[vdso]";
    return describe == guest->at.segment_describe ? "/SYSV (deleted)" : "/dev/zero (deleted)";
}

const char *read_file_name(const struct guest *guest, uint64_t page_cache)
{
    struct path_text path = {.start = PATH_SIZE - 1};
    struct page_cache pages;
    struct page_cache_ops ops;
    struct inode inode;

    path.text[PATH_SIZE - 1] = '\0';
    if (!memory_read(&guest->memory, page_cache, &pages, sizeof pages) ||
        !memory_read(&guest->memory, (uint64_t)(uintptr_t)pages.ops, &ops, sizeof ops))
        return names_keep("?");
    if ((uint64_t)(uintptr_t)ops.describe != guest->at.inode_pages_describe)
        return name_of_no_inode(guest, page_cache, (uint64_t)(uintptr_t)ops.describe);
    if (!memory_read(&guest->memory, page_cache - offsetof(struct inode, pages), &inode, sizeof inode))
        return names_keep("?");
    if (!inode.alias)
        return names_keep(" (deleted)");
    return put_path(guest, &path, (uint64_t)(uintptr_t)inode.alias) ? names_keep(path.text + path.start) : names_keep("?");
}
