// SPDX-License-Identifier: MIT
/*
 * size_limit.c - asked wherever a file grows, under its inode's lock; only the caller of a system call makes one grow.
 */
#include "fs/size_limit.h"

#include "lib/errno.h"

static uint64_t no_limit(void)
{
    return UINT64_MAX;
}

static const struct size_limit_hooks nobody = {.get = no_limit}, *limit_hooks = &nobody;

void size_limit_set_hooks(const struct size_limit_hooks *hooks)
{
    limit_hooks = hooks;
}

int size_limit_check(uint64_t size)
{
    if (likely(size <= limit_hooks->get()))
        return 0;
    limit_hooks->reached();
    return -EFBIG;
}

int size_limit_cut(struct io *io, size_t *over)
{
    uint64_t limit = limit_hooks->get();

    *over = 0;
    if (io->offset >= limit)
        return size_limit_check(UINT64_MAX);
    if (io->left > limit - io->offset)
        *over = io->left - (limit - io->offset);
    io->left -= *over;
    return 0;
}
