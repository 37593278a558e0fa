// SPDX-License-Identifier: MIT
/*
 * socket.c - make sockets, name them, connect them, ask them and tell them.    Not here: messages: socket_message.c
 */
#include "sys/socket.h"

#include <linux/fcntl.h>

#include "mm/usercopy.h"
#include "proc/cred.h"
#include "proc/fs_context.h"
#include "proc/signal.h"
#include "sys/descriptor.h"
#include "sys/syscall.h"

static void identify_current(struct ucred *out, bool effective)
{
    const struct credentials *credentials = current_credentials();

    out->pid = current_process()->id;
    out->uid = effective ? credentials->euid : credentials->uid;
    out->gid = effective ? credentials->egid : credentials->gid;
}

void socket_calls_init(void)
{
    socket_set_identify(identify_current);
}

int socket_file(int fd, struct file **out)
{
    *out = descriptor_file(fd);
    if (!*out)
        return -EBADF;
    if (file_is_socket(*out))
        return 0;
    file_put(*out);
    return -ENOTSOCK;
}

int user_address(struct socket_address *out, vaddr_t address, int length)
{
    if (length < 0 || (unsigned)length > ADDRESS_MAX)
        return -EINVAL;
    *out = (struct socket_address){.length = length};
    return copy_from_user(&out->un, address, MIN((size_t)length, sizeof(out->un))) ? -EFAULT : 0;
}

int put_address(const struct socket_address *from, vaddr_t address, vaddr_t length)
{
    uint32_t room;

    if (!address)
        return 0;
    if (get_user_u32(&room, length))
        return -EFAULT;
    if ((int)room < 0)
        return -EINVAL;
    if (copy_to_user(address, &from->un, MIN(room, from->length)))
        return -EFAULT;
    return put_user_u32(length, from->length);
}

void caller_begin(struct caller *caller)
{
    struct fs_context *fs = current_process()->fs;

    caller->lookup = (struct lookup){.credentials = current_credentials()};
    fs_context_cwd(fs, &caller->lookup.start);
    fs_context_root(fs, &caller->lookup.root);
    caller->socket = (struct socket_caller){&caller->lookup, fs->umask};
}

void caller_end(struct caller *caller)
{
    path_put(&caller->lookup.start);
    path_put(&caller->lookup.root);
}

int64_t socket_result(const struct file *file, int64_t result, bool sending)
{
    return socket_waits_for_ever(file, sending) ? restartable(result) : result;
}

/* The family and the flags in the type. => 0, -EINVAL, -EAFNOSUPPORT */
static int check_new(int family, int type)
{
    if ((unsigned)type & ~SOCK_TYPE_MASK & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
        return -EINVAL;
    return family == AF_UNIX ? 0 : -EAFNOSUPPORT;
}

static int64_t install(struct file *file, bool close_on_exec)
{
    int fd = descriptor_alloc(0, close_on_exec);

    if (fd < 0)
        file_put(file);
    else
        descriptor_install(fd, file);
    return fd;
}

SYSCALL3(socket, int, family, int, type, int, protocol)
{
    struct file *file;
    int error = check_new(family, type);

    if (!error)
        error = socket_create(type & SOCK_TYPE_MASK, protocol, type & SOCK_NONBLOCK, &file);
    return error ? error : install(file, type & SOCK_CLOEXEC);
}

/* => 0, -errno with neither number taken */
static int install_pair(struct file *files[2], vaddr_t address, bool close_on_exec)
{
    int fds[2];

    fds[0] = descriptor_alloc(0, close_on_exec);
    if (fds[0] < 0)
        return fds[0];
    fds[1] = descriptor_alloc(0, close_on_exec);
    if (fds[1] < 0) {
        descriptor_cancel(fds[0]);
        return fds[1];
    }
    if (copy_to_user(address, fds, sizeof(fds))) {
        descriptor_cancel(fds[0]);
        descriptor_cancel(fds[1]);
        return -EFAULT;
    }
    descriptor_install(fds[0], files[0]);
    descriptor_install(fds[1], files[1]);
    return 0;
}

SYSCALL4(socketpair, int, family, int, type, int, protocol, vaddr_t, fds)
{
    struct file *files[2];
    int error = check_new(family, type);

    if (!error)
        error = socket_create_pair(type & SOCK_TYPE_MASK, protocol, type & SOCK_NONBLOCK, files);
    if (error)
        return error;
    error = install_pair(files, fds, type & SOCK_CLOEXEC);
    if (error) {
        file_put(files[0]);
        file_put(files[1]);
    }
    return error;
}

typedef int address_call(struct file *file, const struct socket_address *address, const struct socket_caller *caller);

/* bind and connect. */
static int64_t with_address(int fd, vaddr_t user, int length, address_call *call)
{
    struct socket_address address;
    struct caller caller;
    struct file *file;
    int64_t result = socket_file(fd, &file);

    if (result)
        return result;
    result = user_address(&address, user, length);
    if (!result) {
        caller_begin(&caller);
        result = socket_result(file, call(file, &address, &caller.socket), true);
        caller_end(&caller);
    }
    file_put(file);
    return result;
}

SYSCALL3(bind, int, fd, vaddr_t, address, int, length)
{
    return with_address(fd, address, length, socket_bind);
}

SYSCALL3(connect, int, fd, vaddr_t, address, int, length)
{
    return with_address(fd, address, length, socket_connect);
}

SYSCALL2(listen, int, fd, int, backlog)
{
    struct file *file;
    int error = socket_file(fd, &file);

    if (error)
        return error;
    error = socket_listen(file, backlog);
    file_put(file);
    return error;
}

/* With the number reserved first, so that no connection is taken and lost. */
static int64_t accept_into(int fd, struct file *listener, vaddr_t address, vaddr_t length, unsigned flags)
{
    struct socket_address from;
    struct file *file;
    int error = socket_accept(listener, flags & SOCK_NONBLOCK, &file, &from);

    if (error)
        return socket_result(listener, error, false);
    error = put_address(&from, address, length);
    if (error) {
        file_put(file);
        return error;
    }
    descriptor_install(fd, file);
    return fd;
}

static int64_t do_accept(int fd, vaddr_t address, vaddr_t length, unsigned flags)
{
    struct file *file;
    int64_t result;
    int new_fd;

    if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
        return -EINVAL;
    result = socket_file(fd, &file);
    if (result)
        return result;
    result = new_fd = descriptor_alloc(0, flags & SOCK_CLOEXEC);
    if (new_fd >= 0) {
        result = accept_into(new_fd, file, address, length, flags);
        if (result < 0)
            descriptor_cancel(new_fd);
    }
    file_put(file);
    return result;
}

SYSCALL3(accept, int, fd, vaddr_t, address, vaddr_t, length)
{
    return do_accept(fd, address, length, 0);
}

SYSCALL4(accept4, int, fd, vaddr_t, address, vaddr_t, length, unsigned, flags)
{
    return do_accept(fd, address, length, flags);
}

SYSCALL2(shutdown, int, fd, int, how)
{
    struct file *file;
    int error = socket_file(fd, &file);

    if (error)
        return error;
    error = socket_shutdown(file, how);
    file_put(file);
    return error;
}

static int64_t tell_name(int fd, vaddr_t address, vaddr_t length, bool peer)
{
    struct socket_address name;
    struct file *file;
    int error = socket_file(fd, &file);

    if (error)
        return error;
    error = socket_name(file, peer, &name);
    file_put(file);
    if (error)
        return error;
    return address ? put_address(&name, address, length) : -EFAULT;
}

SYSCALL3(getsockname, int, fd, vaddr_t, address, vaddr_t, length)
{
    return tell_name(fd, address, length, false);
}

SYSCALL3(getpeername, int, fd, vaddr_t, address, vaddr_t, length)
{
    return tell_name(fd, address, length, true);
}

static int set_option(struct file *file, int level, int option, vaddr_t value, int size)
{
    char buffer[SOCKET_OPTION_MAX] = {0};
    uint32_t known = MIN(size, (int)sizeof(buffer));

    if (size < 0)
        return -EINVAL;
    if (level != SOL_SOCKET)
        return -EOPNOTSUPP;
    if (size < (int)sizeof(int))
        return -EINVAL;
    if (copy_from_user(buffer, value, known))
        return -EFAULT;
    return socket_set_option(file, option, buffer, known, credentials_is_root(current_credentials()));
}

SYSCALL5(setsockopt, int, fd, int, level, int, option, vaddr_t, value, int, size)
{
    struct file *file;
    int error = socket_file(fd, &file);

    if (error)
        return error;
    error = set_option(file, level, option, value, size);
    file_put(file);
    return error;
}

static int get_option(struct file *file, int level, int option, vaddr_t value, vaddr_t size_at)
{
    char buffer[SOCKET_OPTION_MAX];
    uint32_t size;
    int error;

    if (level != SOL_SOCKET)
        return -EOPNOTSUPP;
    if (get_user_u32(&size, size_at))
        return -EFAULT;
    if ((int)size < 0)
        return -EINVAL;
    error = socket_get_option(file, option, buffer, &size);
    if (error)
        return error;
    if (copy_to_user(value, buffer, size))
        return -EFAULT;
    return put_user_u32(size_at, size);
}

SYSCALL5(getsockopt, int, fd, int, level, int, option, vaddr_t, value, vaddr_t, size)
{
    struct file *file;
    int error = socket_file(fd, &file);

    if (error)
        return error;
    error = get_option(file, level, option, value, size);
    file_put(file);
    return error;
}
