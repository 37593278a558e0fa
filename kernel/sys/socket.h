// SPDX-License-Identifier: MIT
/*
 * socket.h - what the system calls for sockets have in common.
 */
#ifndef SYS_SOCKET_H
#define SYS_SOCKET_H

#include "fs/file.h"
#include "fs/unix/socket.h"
#include "fs/vfs.h"
#include "lib/types.h"

/* The file of a descriptor that is a socket, with a reference. => 0, -EBADF, -ENOTSOCK */
__must_check int socket_file(int fd, struct file **out);

/* An address in user memory. => 0, -EINVAL (size), -EFAULT */
__must_check int user_address(struct socket_address *out, vaddr_t address, int length);

/* Tell an address: as much as fits of it at `address` (0: none), its whole length at `length`. => 0, -EINVAL, -EFAULT */
__must_check int put_address(const struct socket_address *from, vaddr_t address, vaddr_t length);

/* Who makes this call; holds references. */
struct caller {
    struct lookup lookup;
    struct socket_caller socket;
};
void caller_begin(struct caller *caller);
void caller_end(struct caller *caller);

/* What an interrupted call returns: it is restarted unless it had a time limit. */
int64_t socket_result(const struct file *file, int64_t result, bool sending);

/* Read and write with several buffers (vector.c): a datagram is one message. */
__must_check int64_t socket_vector(struct file *file, vaddr_t segments, unsigned count, bool write);

/* control.c's side of sendmsg and recvmsg: what comes beside the bytes. */

/*
 * Read the control messages at `control`.
 *
 * => *files: NULL or a bundle, the caller's to free, also on failure; *credentials valid if *has_credentials
 * => 0, -EINVAL, -EBADF, -EPERM, -ESRCH, -EFAULT, -ENOMEM
 */
struct control_in {
    struct file_bundle *files;
    bool has_credentials;
    struct ucred credentials;
};
__must_check int control_read(struct control_in *in, vaddr_t control, uint64_t size);

/*
 * Write what was received; descriptors are installed.
 *
 * => *used: bytes written; *flags gets MSG_CTRUNC if something did not fit
 */
void control_write(struct socket_receive *receive, vaddr_t control, uint64_t size, uint64_t *used, unsigned *flags);

/* At boot: sockets learn who runs. */
void socket_calls_init(void);

#endif
