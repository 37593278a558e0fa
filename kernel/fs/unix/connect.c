// SPDX-License-Identifier: MIT
/*
 * connect.c - listen, connect, accept, shutdown.
 *
 * Theory      connect makes the other end of the connection itself and leaves it with the listening socket; accept only
 *             fetches it. So a client may write before it has been accepted.
 */
#include <linux/fcntl.h>

#include "fs/file.h"
#include "fs/unix/private.h"
#include "lib/errno.h"
#include "lib/log.h"

int socket_listen(struct file *file, int backlog)
{
    struct socket *socket = socket_of(file);
    struct ucred self;
    int error = -EINVAL;

    if (!socket_is_connection_based(socket))
        return -EOPNOTSUPP;
    identify(&self, true);
    spin_lock(&sockets_lock);
    if (socket->address != NULL && socket->state != SOCKET_CONNECTED) {
        socket->backlog = MIN((unsigned)backlog, SOMAXCONN);
        socket->state = SOCKET_LISTENING;
        socket->peer_credentials = self;
        wake_all(&socket->room);
        error = 0;
    }
    spin_unlock(&sockets_lock);
    return error;
}

static bool may_join(const struct socket *listener)
{
    return listener->queued <= listener->backlog;
}

// One attempt to leave `embryo` with the listener. => sockets_lock held; 0, -EAGAIN: its queue is full, -errno
static int join(struct socket *socket, struct socket *listener, struct socket *embryo)
{
    if (listener->state != SOCKET_LISTENING || (listener->shutdown & SHUTDOWN_RECEIVE))
        return -ECONNREFUSED;
    if (!may_join(listener))
        return -EAGAIN;
    if (socket->state != SOCKET_CLOSED)
        return socket->state == SOCKET_CONNECTED ? -EISCONN : -EINVAL;
    embryo->address = address_get(listener->address);
    embryo->state = SOCKET_CONNECTED;
    socket->peer_credentials = listener->peer_credentials;
    (void)socket_set_peer(embryo, socket);
    (void)socket_set_peer(socket, embryo);
    socket->state = SOCKET_CONNECTED;
    socket_get(embryo); // the listener's
    list_add_tail(&listener->embryos, &embryo->embryo_link);
    listener->queued++;
    wake_all(&listener->changed);
    return 0;
}

// => as socket_connect; -EAGAIN also if the deadline has come
static int join_or_wait(struct socket *socket, struct socket *listener, struct socket *embryo, uint64_t deadline)
{
    for (;;) {
        int error;

        spin_lock(&sockets_lock);
        error = join(socket, listener, embryo);
        spin_unlock(&sockets_lock);
        if (error != -EAGAIN || deadline == 0)
            return error;
        error = wait_event_deadline(&listener->room, may_join(listener) || listener->state != SOCKET_LISTENING,
                                    deadline);
        if (error != 0)
            return wait_errno(error);
    }
}

static int connect_stream(struct file *file, const struct socket_address *address, const struct socket_caller *caller)
{
    struct socket *socket = socket_of(file), *listener, *embryo;
    uint64_t deadline = socket_deadline(file, 0, socket->send_timeout);
    int error = address_check(address);

    if (error == 0 && socket_switched(socket, SO_PASSCRED))
        error = socket_autobind(socket);
    if (error != 0)
        return error;
    embryo = socket_alloc(socket->type);
    if (embryo == NULL)
        return -ENOMEM;
    identify(&embryo->peer_credentials, true);
    error = socket_find(address, socket->type, caller, &listener);
    if (error == 0) {
        error = join_or_wait(socket, listener, embryo, deadline);
        socket_put(listener);
    }
    socket_put(embryo);
    return error;
}

// A datagram socket sends to, and receives from, one other from now on; NULL: no longer. => takes over the reference
static int set_correspondent(struct socket *socket, struct socket *other)
{
    struct socket *old = NULL;
    int error = 0;

    spin_lock(&sockets_lock);
    if (other != NULL && other->peer != NULL && other->peer != socket) {
        error = -EPERM;
    } else {
        old = socket_set_peer(socket, other);
        socket->state = other != NULL ? SOCKET_CONNECTED : SOCKET_CLOSED;
        wake_all(&socket->changed);
    }
    spin_unlock(&sockets_lock);
    if (old != NULL && old != other)
        socket_disconnected(socket, old);
    socket_put(old);
    socket_put(other);
    return error;
}

static int connect_datagram(struct socket *socket, const struct socket_address *address,
                            const struct socket_caller *caller)
{
    struct socket *other;
    int error;

    if (address->length < offsetof(struct sockaddr_un, sun_path))
        return -EINVAL;
    if (address->un.sun_family == AF_UNSPEC)
        return set_correspondent(socket, NULL);
    error = address_check(address);
    if (error == 0 && socket_switched(socket, SO_PASSCRED))
        error = socket_autobind(socket);
    if (error == 0)
        error = socket_find(address, socket->type, caller, &other);
    return error != 0 ? error : set_correspondent(socket, other);
}

int socket_connect(struct file *file, const struct socket_address *address, const struct socket_caller *caller)
{
    struct socket *socket = socket_of(file);

    return socket_is_connection_based(socket) ? connect_stream(file, address, caller)
                                              : connect_datagram(socket, address, caller);
}

// Let the next embryo, with the listener's reference, be what `accepted` is. => false: there is none
static bool take_embryo(struct socket *listener, struct file *accepted)
{
    struct socket *embryo;
    struct list *link;

    spin_lock(&sockets_lock);
    link = list_take_first(&listener->embryos);
    if (link != NULL) {
        embryo = container_of(link, struct socket, embryo_link);
        embryo->file = accepted;
        accepted->private = embryo;
        listener->queued--;
        wake_all(&listener->room);
    }
    spin_unlock(&sockets_lock);
    return link != NULL;
}

// => 0, -EINVAL (nobody will come any more), -EAGAIN, -EINTR
static int wait_for_embryo(struct file *file, struct file *accepted)
{
    struct socket *listener = socket_of(file);
    uint64_t deadline = socket_deadline(file, 0, listener->receive_timeout);

    for (;;) {
        int error = socket_take_error(listener);

        if (error != 0)
            return error;
        if (take_embryo(listener, accepted))
            return 0;
        if (deadline == 0)
            return -EAGAIN;
        if (listener->shutdown & SHUTDOWN_RECEIVE)
            return -EINVAL;
        error = wait_event_deadline(&listener->changed,
                                    listener->queued != 0 || (listener->shutdown & SHUTDOWN_RECEIVE), deadline);
        if (error != 0)
            return wait_errno(error);
    }
}

int socket_accept(struct file *file, unsigned flags, struct file **out, struct socket_address *from)
{
    struct socket *listener = socket_of(file);
    int error;

    if (!socket_is_connection_based(listener))
        return -EOPNOTSUPP;
    if (listener->state != SOCKET_LISTENING)
        return -EINVAL;
    error = socket_open_file(NULL, flags, out); // before there is a connection that could be lost for want of memory
    if (error != 0)
        return error;
    error = wait_for_embryo(file, *out);
    if (error != 0) {
        file_put(*out);
        return error;
    }
    return socket_name(*out, true, from);
}

int socket_shutdown(struct file *file, int how)
{
    static const uint8_t sides[] = {SHUTDOWN_RECEIVE, SHUTDOWN_SEND, SHUTDOWN_BOTH};
    static const uint8_t mirrored[] = {SHUTDOWN_SEND, SHUTDOWN_RECEIVE, SHUTDOWN_BOTH};
    struct socket *socket = socket_of(file), *peer;

    if (how < 0 || how > 2)
        return -EINVAL;
    spin_lock(&sockets_lock);
    socket->shutdown |= sides[how];
    peer = socket->peer;
    if (peer != NULL && socket_is_connection_based(socket)) {
        peer->shutdown |= mirrored[how];
        wake_all(&peer->changed);
        wake_all(&peer->room);
    }
    wake_all(&socket->changed);
    socket_wake_room(socket);
    spin_unlock(&sockets_lock);
    return 0;
}
