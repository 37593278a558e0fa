// SPDX-License-Identifier: MIT
#include "fs/kernel_file.h"

#include "fs/file.h"

int64_t kernel_read(struct file *file, uint64_t offset, void *buffer, size_t size)
{
    size_t done = 0;

    while (done < size) {
        struct io io = io_kernel((char *)buffer + done, size - done, offset + done);
        int64_t result = file_pread(file, &io);

        if (result < 0)
            return done > 0 ? (int64_t)done : result;
        if (result == 0)
            break;
        done += (size_t)result;
    }
    return (int64_t)done;
}
