// SPDX-License-Identifier: MIT
#include "mm/io.h"

#include "lib/string.h"
#include "mm/usercopy.h"

static void io_advance(struct io *io, size_t n)
{
    io->offset += n;
    io->left -= n;
    if (io->user)
        io->user_base += n;
    else
        io->kernel_base += n;
}

size_t io_copy_out(struct io *io, const void *data, size_t n)
{
    n = MIN(n, io->left);
    if (io->user)
        n = copy_to_user_partial(io->user_base, data, n);
    else
        memcpy(io->kernel_base, data, n);
    io_advance(io, n);
    return n;
}

size_t io_copy_in(struct io *io, void *data, size_t n)
{
    n = MIN(n, io->left);
    if (io->user)
        n = copy_from_user_partial(data, io->user_base, n);
    else
        memcpy(data, io->kernel_base, n);
    io_advance(io, n);
    return n;
}

size_t io_zero_out(struct io *io, size_t n)
{
    n = MIN(n, io->left);
    if (io->user)
        n = clear_user_partial(io->user_base, n);
    else
        memset(io->kernel_base, 0, n);
    io_advance(io, n);
    return n;
}
