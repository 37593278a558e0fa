// SPDX-License-Identifier: MIT
/*
 * size_limit.h - how long a file the caller may make: RLIMIT_FSIZE, see setrlimit(2).
 */
#ifndef FS_SIZE_LIMIT_H
#define FS_SIZE_LIMIT_H

#include "mm/io.h"

// What proc/ knows of the caller.
struct size_limit_hooks {
    uint64_t (*get)(void);      // bytes that a file may have
    void (*reached)(void);      // tells the caller so: SIGXFSZ
};

void size_limit_set_hooks(const struct size_limit_hooks *hooks);

/*
 * Leave of a write at io->offset what the limit allows.
 *
 * => *over: how much less io->left is now
 * => 0, -EFBIG: nothing is allowed, and the caller has been told
 */
int size_limit_cut(struct io *io, size_t *over) __must_check;

// May a file grow to `size`? => 0, -EFBIG: the caller has been told
int size_limit_check(uint64_t size) __must_check;

#endif
