// SPDX-License-Identifier: MIT
/*
 * socket.h - local (AF_UNIX) sockets, as the system calls see them.
 *
 * A socket is an open file; every function here that takes a file wants one for which file_is_socket holds. All may
 * sleep, and return 0 (or bytes) or what Linux's call returns; -EINTR when a signal wants the thread.
 */
#ifndef FS_UNIX_SOCKET_H
#define FS_UNIX_SOCKET_H

#include "fs/segments.h"
#include "fs/unix/abi.h"

struct file;
struct lookup;
struct socket;

/* An address; what is not a path may hold any byte. One byte more than a program may give: the zero after a path. */
struct socket_address {
    uint32_t length;                // bytes of `un` and `end` that count
    struct sockaddr_un un;
    char end;
};

/* Who asks: where paths begin, and what new names are masked with. */
struct socket_caller {
    const struct lookup *lookup;
    uint32_t umask;
};

/* Descriptors on their way from process to process. In a frame of its own, which is cheaper than it looks: it goes soon. */
struct file_bundle {
    uint32_t count;
    struct file *files[SCM_MAX_FD]; // each with a reference
};

/* An empty one, or NULL: no memory. Free drops what is in it; NULL is fine. */
struct file_bundle *file_bundle_create(void) __must_check;
void file_bundle_free(struct file_bundle *bundle);

/* One message to send. */
struct socket_send {
    struct segments data;
    unsigned flags;                         // MSG_*
    const struct socket_address *to;        // NULL: to the peer
    const struct ucred *credentials;        // NULL: the caller's own
    struct file_bundle *files;              // or NULL; taken over (NULL then) if anything is sent
};

/* One message to receive, and what came with it. */
struct socket_receive {
    struct segments data;
    unsigned flags;                         // MSG_*
    unsigned result_flags;                  // MSG_TRUNC
    struct socket_address from;             // length 0: nobody told
    bool has_credentials;
    struct ucred credentials;
    struct file_bundle *files;              // the caller's to free, or NULL
};

/* Tells who runs: process, and real or effective ids. Set once at boot, from above. */
typedef void socket_identify(struct ucred *out, bool effective);
void socket_set_identify(socket_identify *identify);

bool file_is_socket(const struct file *file);

/* socket(2), socketpair(2): type as given, without flags; `flags` may have O_NONBLOCK. */
int socket_create(int type, int protocol, unsigned flags, struct file **out) __must_check;
int socket_create_pair(int type, int protocol, unsigned flags, struct file *out[2]) __must_check;

int socket_bind(struct file *file, const struct socket_address *address, const struct socket_caller *caller)
    __must_check;
int socket_listen(struct file *file, int backlog) __must_check;
int socket_connect(struct file *file, const struct socket_address *address, const struct socket_caller *caller)
    __must_check;

/* accept(2): *out is the new socket's file; *from the other side's address. */
int socket_accept(struct file *file, unsigned flags, struct file **out, struct socket_address *from) __must_check;

int socket_shutdown(struct file *file, int how) __must_check;

/* getsockname(2), or with `peer` getpeername(2). */
int socket_name(struct file *file, bool peer, struct socket_address *out) __must_check;

/* => bytes, or -errno */
int64_t socket_send(struct file *file, struct socket_send *send, const struct socket_caller *caller) __must_check;
int64_t socket_receive(struct file *file, struct socket_receive *receive) __must_check;

/* Whether -EPIPE is told by a signal too, and whether a wait that a signal ended starts again after it. */
bool socket_is_stream(const struct file *file);
bool socket_waits_for_ever(const struct file *file, bool sending);

/* The options of SOL_SOCKET, in kernel memory. => 0; get: *size becomes the bytes that count */
#define SOCKET_OPTION_MAX 16
int socket_set_option(struct file *file, int option, const void *value, uint32_t size, bool privileged) __must_check;
int socket_get_option(struct file *file, int option, void *value, uint32_t *size) __must_check;

#endif
