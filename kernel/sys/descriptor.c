// SPDX-License-Identifier: MIT
/*
 * descriptor.c - duplicate, mark, control descriptors, and make pipes.    Locks: lock.c.
 */
#include "sys/descriptor.h"

#include <asm/ioctls.h>
#include <linux/close_range.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "dev/pty.h"
#include "fs/inode.h"
#include "fs/memfd.h"
#include "fs/pipe.h"
#include "mm/usercopy.h"
#include "proc/signal.h"
#include "sys/lock.h"
#include "sys/syscall.h"

static int64_t dup_lowest(struct file *file, int first, bool close_on_exec)
{
    int fd = descriptor_alloc(first, close_on_exec);

    if (fd < 0)
        return fd;
    file_get(file);
    descriptor_install(fd, file);
    return fd;
}

SYSCALL1(dup, int, fd)
{
    struct file *file = descriptor_any(fd);
    int64_t result;

    if (!file)
        return -EBADF;
    result = dup_lowest(file, 0, false);
    file_put(file);
    return result;
}

static int64_t dup_to(int from, int to, bool close_on_exec)
{
    return fd_dup_to(current_process()->files, from, to, rlimit_current(RLIMIT_NOFILE), close_on_exec);
}

SYSCALL2(dup2, int, from, int, to)
{
    struct file *file;

    if (from != to)
        return dup_to(from, to, false);
    file = descriptor_any(from);
    if (!file)
        return -EBADF;
    file_put(file);
    return to;
}

SYSCALL3(dup3, int, from, int, to, unsigned, flags)
{
    if ((flags & ~O_CLOEXEC) || from == to)
        return -EINVAL;
    return dup_to(from, to, flags & O_CLOEXEC);
}

SYSCALL3(close_range, unsigned, first, unsigned, last, unsigned, flags)
{
    struct process *process = current_process();

    if ((flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) || first > last)
        return -EINVAL;
    if (flags & CLOSE_RANGE_UNSHARE) {
        int error = process_unshare_files();

        if (error)
            return error;
    }
    fd_close_range(process->files, first, last, flags & CLOSE_RANGE_CLOEXEC);
    return 0;
}

/* Sizes that a pipe of ours has room for are granted; it has always the same. */
static int64_t pipe_size(struct file *file, bool set, uint64_t size)
{
    if (!file_is_pipe(file))
        return -EBADF;
    if (set && size > PIPE_CAPACITY)
        return -EPERM;
    return PIPE_CAPACITY;
}

static int64_t fcntl_file(int fd, struct file *file, unsigned command, uint64_t argument)
{
    switch (command) {
    case F_GETFL:
        return file->flags;
    case F_SETFL:
        file_set_flags(file, argument);
        return 0;
    case F_GETPIPE_SZ:
    case F_SETPIPE_SZ:
        return pipe_size(file, command == F_SETPIPE_SZ, argument);
    case F_ADD_SEALS:
        return (unsigned)argument != argument ? -EINVAL : file_add_seals(file, argument);
    case F_GET_SEALS:
        return file_get_seals(file);
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        return fcntl_lock(fd, file, command, argument);
    default:
        return -EINVAL;
    }
}

/* Those that concern the number more than the file: files open with O_PATH have them, too. */
static int64_t fcntl_descriptor(int fd, struct file *file, unsigned command, uint64_t argument)
{
    struct file_table *files = current_process()->files;

    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return (int)argument < 0 ? -EINVAL : dup_lowest(file, argument, command == F_DUPFD_CLOEXEC);
    case F_GETFD:
        return fd_close_on_exec(files, fd);
    case F_SETFD:
        return fd_set_close_on_exec(files, fd, argument & FD_CLOEXEC);
    default:
        return -EINVAL;
    }
}

static bool fcntl_is_of_descriptor(unsigned command)
{
    return command == F_DUPFD || command == F_DUPFD_CLOEXEC || command == F_GETFD || command == F_SETFD;
}

SYSCALL3(fcntl, int, fd, unsigned, command, uint64_t, argument)
{
    struct file *file = descriptor_any(fd);
    int64_t result;

    if (!file)
        return -EBADF;
    if (fcntl_is_of_descriptor(command))
        result = fcntl_descriptor(fd, file, command, argument);
    else if ((file->mode & FILE_PATH) && command != F_GETFL)
        result = -EBADF;
    else
        result = fcntl_file(fd, file, command, argument);
    file_put(file);
    return result;
}

/* FIONBIO, from the flag in user memory. */
static int64_t set_nonblocking(struct file *file, vaddr_t argument)
{
    uint32_t on;

    if (get_user_u32(&on, argument))
        return -EFAULT;
    file_set_flags(file, on ? file->flags | O_NONBLOCK : file->flags & ~O_NONBLOCK);
    return 0;
}

/* FIONREAD of a regular file: how much follows the position. */
static int64_t bytes_left(struct file *file, vaddr_t argument)
{
    int64_t position = file_seek(file, 0, 1 /* SEEK_CUR */);

    if (position < 0)
        return position;
    return put_user_u32(argument, inode_size(file_inode(file)) - position);
}

/* TIOCGPTPEER. => a new descriptor of the master's terminal */
static int64_t open_peer(struct file *master, unsigned flags)
{
    struct file *peer;
    int error = pty_open_peer(master, flags, &peer);

    return error ? error : descriptor_install_new(peer, flags & O_CLOEXEC);
}

static int64_t ioctl_file(int fd, struct file *file, unsigned command, vaddr_t argument)
{
    switch (command) {
    case TIOCGPTPEER:
        if (file_is_pty_master(file))
            return open_peer(file, argument);
        break;
    case FIOCLEX:
    case FIONCLEX:
        return fd_set_close_on_exec(current_process()->files, fd, command == FIOCLEX);
    case FIONBIO:
        return set_nonblocking(file, argument);
    case FIONREAD:
        if (inode_is(file_inode(file), S_IFREG))
            return bytes_left(file, argument);
        break;
    }
    return restartable(file_ioctl(file, command, argument));
}

SYSCALL3(ioctl, int, fd, unsigned, command, vaddr_t, argument)
{
    struct file *file = descriptor_file(fd);
    int64_t result;

    if (!file)
        return -EBADF;
    result = ioctl_file(fd, file, command, argument);
    file_put(file);
    return result;
}

/* Reserve two numbers. => 0, -errno with none reserved */
static int alloc_pair(int fds[2], bool close_on_exec)
{
    fds[0] = descriptor_alloc(0, close_on_exec);
    if (fds[0] < 0)
        return fds[0];
    fds[1] = descriptor_alloc(0, close_on_exec);
    if (fds[1] < 0) {
        descriptor_cancel(fds[0]);
        return fds[1];
    }
    return 0;
}

static int64_t install_pair(struct file *reader, struct file *writer, vaddr_t address, bool close_on_exec)
{
    int fds[2];
    int error = alloc_pair(fds, close_on_exec);

    if (error)
        return error;
    error = copy_to_user(address, fds, sizeof(fds));
    if (error) {
        descriptor_cancel(fds[0]);
        descriptor_cancel(fds[1]);
        return error;
    }
    descriptor_install(fds[0], reader);
    descriptor_install(fds[1], writer);
    return 0;
}

static int64_t make_pipe(vaddr_t fds, unsigned flags)
{
    struct file *reader, *writer;
    int64_t result;

    if (flags & ~(O_CLOEXEC | O_NONBLOCK))
        return -EINVAL;
    result = pipe_create(flags & O_NONBLOCK, &reader, &writer);
    if (result)
        return result;
    result = install_pair(reader, writer, fds, flags & O_CLOEXEC);
    if (result) {
        file_put(reader);
        file_put(writer);
    }
    return result;
}

SYSCALL1(pipe, vaddr_t, fds)
{
    return make_pipe(fds, 0);
}

SYSCALL2(pipe2, vaddr_t, fds, unsigned, flags)
{
    return make_pipe(fds, flags);
}
