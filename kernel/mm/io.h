// SPDX-License-Identifier: MIT
/*
 * io.h - one transfer of bytes, to or from a user's or the kernel's buffer.
 *
 * What read, write, splice and exec hand down to files, pipes and devices, so that these need not know whose memory it is.
 * The copying functions may fault and sleep: no spinlock and no vspace lock may be held.
 */
#ifndef MM_IO_H
#define MM_IO_H

#include "lib/types.h"

/* A transfer under way: where in the file, and what is left of the buffer. */
struct io {
    uint64_t offset; // position in the file of the next byte; ignored by streams
    size_t left;     // bytes still to move
    bool user;       // which of the two the buffer is
    union {
        vaddr_t user_base;
        char *kernel_base;
    };
};

static inline struct io io_user(vaddr_t base, size_t size, uint64_t offset)
{
    return (struct io){.offset = offset, .left = size, .user = true, .user_base = base};
}

static inline struct io io_kernel(void *base, size_t size, uint64_t offset)
{
    return (struct io){.offset = offset, .left = size, .user = false, .kernel_base = base};
}

/*
 * Move up to n bytes (never more than io->left) between `data` and the buffer, and advance offset and left.
 *
 * => the number of bytes moved; fewer than asked only when user memory ends
 */
size_t io_copy_out(struct io *io, const void *data, size_t n); // kernel data to the buffer: read(2)
size_t io_copy_in(struct io *io, void *data, size_t n);        // buffer to kernel data: write(2)
size_t io_zero_out(struct io *io, size_t n);                   // zeros to the buffer

#endif
