// SPDX-License-Identifier: MIT
/*
 * fs_context.c - a process's root directory, working directory and umask.
 */
#include "proc/fs_context.h"

#include <stdatomic.h>

#include "mm/slab.h"

#define UMASK_AT_BOOT 022

struct fs_context *fs_context_create(const struct path *root)
{
    struct fs_context *fs = slab_alloc(sizeof(*fs));

    if (fs == NULL)
        return NULL;
    atomic_init(&fs->references, 1);
    atomic_init(&fs->umask, UMASK_AT_BOOT);
    spin_init(&fs->lock, "fs_context", RANK_FS_CONTEXT);
    path_get(root);
    path_get(root);
    fs->root = *root;
    fs->cwd = *root;
    return fs;
}

struct fs_context *fs_context_copy(struct fs_context *old)
{
    struct fs_context *fs = slab_alloc(sizeof(*fs));

    if (fs == NULL)
        return NULL;
    atomic_init(&fs->references, 1);
    atomic_init(&fs->umask, atomic_load_explicit(&old->umask, memory_order_relaxed));
    spin_init(&fs->lock, "fs_context", RANK_FS_CONTEXT);
    fs_context_root(old, &fs->root);
    fs_context_cwd(old, &fs->cwd);
    return fs;
}

struct fs_context *fs_context_get(struct fs_context *fs)
{
    atomic_fetch_add_explicit(&fs->references, 1, memory_order_relaxed);
    return fs;
}

void fs_context_put(struct fs_context *fs)
{
    if (atomic_fetch_sub_explicit(&fs->references, 1, memory_order_acq_rel) != 1)
        return;
    path_put(&fs->root);
    path_put(&fs->cwd);
    slab_free(fs);
}

/* => *out holds references */
static void read_path(struct fs_context *fs, const struct path *from, struct path *out)
{
    spin_lock(&fs->lock);
    *out = *from;
    path_get(out);
    spin_unlock(&fs->lock);
}

/* Putting the old path may sleep, so that happens outside the lock. */
static void write_path(struct fs_context *fs, struct path *to, const struct path *path)
{
    struct path old;

    path_get(path);
    spin_lock(&fs->lock);
    old = *to;
    *to = *path;
    spin_unlock(&fs->lock);
    path_put(&old);
}

void fs_context_root(struct fs_context *fs, struct path *out)
{
    read_path(fs, &fs->root, out);
}

void fs_context_cwd(struct fs_context *fs, struct path *out)
{
    read_path(fs, &fs->cwd, out);
}

void fs_context_set_root(struct fs_context *fs, const struct path *root)
{
    write_path(fs, &fs->root, root);
}

void fs_context_set_cwd(struct fs_context *fs, const struct path *cwd)
{
    write_path(fs, &fs->cwd, cwd);
}
