// SPDX-License-Identifier: MIT
/*
 * fs_context.h - a process's root directory, working directory and umask; shared by CLONE_FS.
 */
#ifndef PROC_FS_CONTEXT_H
#define PROC_FS_CONTEXT_H

#include "fs/vfs.h"
#include "lib/types.h"
#include "sync/spinlock.h"

/*
 * Fields: (l) lock  (a) atomic
 */
struct fs_context {
    _Atomic uint32_t references;
    struct spinlock lock;
    struct path root;               // (l)
    struct path cwd;                // (l)
    _Atomic uint32_t umask;         // (a)
};

/* A new context at `root`, with references = 1 and umask 022. => NULL when there is no memory */
__must_check struct fs_context *fs_context_create(const struct path *root);

/* A copy, with references = 1. => NULL when there is no memory */
__must_check struct fs_context *fs_context_copy(struct fs_context *old);

struct fs_context *fs_context_get(struct fs_context *fs);
void fs_context_put(struct fs_context *fs);

/* Copies of root and cwd, each with its references (path_put them). */
void fs_context_root(struct fs_context *fs, struct path *out);
void fs_context_cwd(struct fs_context *fs, struct path *out);

/* Change them; takes its own references. */
void fs_context_set_root(struct fs_context *fs, const struct path *root);
void fs_context_set_cwd(struct fs_context *fs, const struct path *cwd);

#endif
