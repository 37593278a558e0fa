// SPDX-License-Identifier: MIT
/*
 * open.c - open files by name.
 */
#include <linux/fcntl.h>
#include <linux/openat2.h>

#include "fs/file.h"
#include "fs/vfs.h"
#include "lib/checked.h"
#include "proc/fs_context.h"
#include "proc/signal.h"
#include "sys/descriptor.h"
#include "sys/syscall.h"
#include "sys/user_path.h"
#include "sys/user_struct.h"

#define PERMISSION_BITS 07777u
#define OPEN_FLAGS                                                                                             \
    (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_DSYNC | __O_SYNC | FASYNC | \
     O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | __O_TMPFILE)
#define OPEN_PATH_FLAGS (O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC)

#define SCOPED (RESOLVE_BENEATH | RESOLVE_IN_ROOT)
#define RESOLVE_FLAGS                                                                                          \
    (RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_CACHED | SCOPED)

static uint32_t masked(uint32_t mode)
{
    return mode & PERMISSION_BITS & ~current_process()->fs->umask;
}

/* What open(2) makes of its flags before it looks at anything else. => 0, -EINVAL */
static int open_flags(unsigned *flags, uint32_t *mode)
{
    *flags &= OPEN_FLAGS;
    if (*flags & O_PATH)
        *flags &= OPEN_PATH_FLAGS;
    *flags |= O_LARGEFILE;
    if (*flags & __O_TMPFILE) {
        if ((*flags & O_TMPFILE) != O_TMPFILE || (*flags & O_ACCMODE) == O_RDONLY)
            return -EINVAL;
    } else if (!(*flags & O_CREAT)) {
        *mode = 0;
    }
    return 0;
}

/* `resolve`: RESOLVE_* of openat2(2) */
static int64_t open_resolved(int dirfd, vaddr_t name, unsigned flags, uint32_t mode, unsigned resolve)
{
    struct user_path path;
    struct file *file;
    int fd, error = open_flags(&flags, &mode);

    if (!error)
        error = user_path_begin(&path, dirfd, name, resolve & SCOPED ? USER_PATH_SCOPED : 0);
    if (error)
        return error;
    path.lookup.resolve = resolve;
    fd = error = descriptor_alloc(0, flags & O_CLOEXEC);
    if (fd >= 0) {
        error = vfs_open(&path.lookup, path.name, flags & ~O_CLOEXEC, masked(mode), &file);
        if (error)
            descriptor_cancel(fd);
        else
            descriptor_install(fd, file);
    }
    user_path_end(&path);
    return error < 0 ? restartable(error) : fd;
}

static int64_t open_file(int dirfd, vaddr_t name, unsigned flags, uint32_t mode)
{
    return open_resolved(dirfd, name, flags, mode, 0);
}

SYSCALL3(open, vaddr_t, name, unsigned, flags, uint32_t, mode)
{
    return open_file(AT_FDCWD, name, flags, mode);
}

SYSCALL4(openat, int, dirfd, vaddr_t, name, unsigned, flags, uint32_t, mode)
{
    return open_file(dirfd, name, flags, mode);
}

SYSCALL2(creat, vaddr_t, name, uint32_t, mode)
{
    return open_file(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* Unlike open, openat2 refuses what it does not know or what means nothing. => 0, -EINVAL, -EAGAIN */
static int check_how(const struct open_how *how)
{
    bool creates = (how->flags & O_CREAT) || (how->flags & __O_TMPFILE);

    if ((how->flags & ~(uint64_t)OPEN_FLAGS) || (how->resolve & ~(uint64_t)RESOLVE_FLAGS))
        return -EINVAL;
    if ((how->resolve & SCOPED) == SCOPED)
        return -EINVAL;
    if (how->mode & (creates ? ~(uint64_t)PERMISSION_BITS : UINT64_MAX))
        return -EINVAL;
    if ((how->flags & O_PATH) && (how->flags & ~(uint64_t)OPEN_PATH_FLAGS))
        return -EINVAL;
    if ((how->resolve & RESOLVE_CACHED) && (how->flags & (O_TRUNC | O_CREAT | __O_TMPFILE)))
        return -EAGAIN;     // these wait for more than a look-up in memory
    return 0;
}

SYSCALL4(openat2, int, dirfd, vaddr_t, name, vaddr_t, address, uint64_t, size)
{
    struct open_how how;
    int error;

    if (size < sizeof(how))
        return -EINVAL;
    if (size > PAGE_SIZE)
        return -E2BIG;
    error = user_struct(&how, sizeof(how), address, size);
    if (!error)
        error = check_how(&how);
    return error ? error : open_resolved(dirfd, name, how.flags, how.mode, how.resolve);
}
