// SPDX-License-Identifier: MIT
/*
 * memfd.c - memfd_create.    Not here: seals, which are fcntl's: descriptor.c
 */
#include "fs/memfd.h"

#include <linux/memfd.h>

#include "lib/printf.h"
#include "mm/kalloc.h"
#include "mm/usercopy.h"
#include "sys/descriptor.h"
#include "sys/syscall.h"

/* A name like "/memfd:x" from the x in user memory. => 0, -EFAULT, -EINVAL (too long) */
static int memfd_name(char *name, vaddr_t user)
{
    int prefix = snprintf(name, PAGE_SIZE, "/memfd:");
    int64_t length = strncpy_from_user(name + prefix, user, MEMFD_NAME_MAX + 1);

    return length == -ENAMETOOLONG ? -EINVAL : MIN(length, 0);
}

static int64_t install_memfd(const char *name, unsigned flags)
{
    struct file *file;
    int error, fd = descriptor_alloc(0, flags & MFD_CLOEXEC);

    if (fd < 0)
        return fd;
    error = memfd_create(name, flags, &file);
    if (error) {
        descriptor_cancel(fd);
        return error;
    }
    descriptor_install(fd, file);
    return fd;
}

SYSCALL2(memfd_create, vaddr_t, user_name, unsigned, flags)
{
    int64_t result;
    char *name;

    if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC))
        return -EINVAL; // huge pages too: there is no file system that has them
    if ((flags & MFD_EXEC) && (flags & MFD_NOEXEC_SEAL))
        return -EINVAL;
    name = kalloc();
    if (!name)
        return -ENOMEM;
    result = memfd_name(name, user_name);
    if (!result)
        result = install_memfd(name, flags);
    kfree(name);
    return result;
}
