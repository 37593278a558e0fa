// SPDX-License-Identifier: MIT
/*
 * segments.h - one transfer over several buffers of a program (readv, sendmsg), as if they were one.
 *
 * The list itself stays in the program's memory and is read as it is needed: a list of any length takes none of ours.
 * A program that changes its list meanwhile gets other bytes, or an error, and nothing worse.
 */
#ifndef FS_SEGMENTS_H
#define FS_SEGMENTS_H

#include "mm/io.h"

struct segments {
    struct io io;               // the buffer in turn
    vaddr_t next;               // struct iovec of the one after it
    unsigned count;             // of those after it
    size_t left;                // bytes in all that are still to be moved
};

static inline struct segments segments_of_io(const struct io *io)
{
    return (struct segments){.io = *io, .left = io->left};
}

/*
 * Begin with `count` structs iovec at user address `list`; all are looked at, and added up.
 *
 * => 0, -EFAULT, -EINVAL (a size below 0)
 */
int segments_begin(struct segments *segments, vaddr_t list, unsigned count) __must_check;

/*
 * Move up to n bytes (never more than are left) from or to the buffers.
 *
 * => the number of bytes moved; fewer than asked only when user memory ends
 */
size_t segments_copy_in(struct segments *segments, void *data, size_t n);
size_t segments_copy_out(struct segments *segments, const void *data, size_t n);

#endif
