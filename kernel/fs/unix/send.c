// SPDX-License-Identifier: MIT
/*
 * send.c - make a message and hang it into the queue of whom it is for, when there is room.
 */
#include "fs/file.h"
#include "fs/unix/private.h"
#include "lib/errno.h"

#define PIECE_MAX 32768u            // a stream's bytes go in messages of up to so many

// Is there room in `to` for what `from` sends? A message may go over the limit, so that one of any size can be sent.
static bool has_room(const struct socket *from, const struct socket *to)
{
    if (to->queued_cost >= from->send_limit)
        return false;
    return from->type != SOCK_DGRAM || to == from || to->peer == from || to->queued <= to->backlog;
}

// => sockets_lock held; 0: queued. -EAGAIN: no room. -EPIPE, -ECONNREFUSED, -EPERM
static int try_queue(struct socket *from, struct socket *to, struct message *message)
{
    if (from->shutdown & SHUTDOWN_SEND)
        return -EPIPE;
    if (to->dead)
        return from->type == SOCK_DGRAM ? -ECONNREFUSED : -EPIPE;
    if (to->shutdown & SHUTDOWN_RECEIVE)
        return -EPIPE;
    if (from->type == SOCK_DGRAM && to->peer != NULL && to->peer != from)
        return -EPERM;
    if (!has_room(from, to))
        return -EAGAIN;
    message->from = address_get(from->address);
    queue_add(to, message);
    return 0;
}

static bool send_may_go_on(const struct socket *from, const struct socket *to)
{
    return to->dead || (to->shutdown & SHUTDOWN_RECEIVE) || (from->shutdown & SHUTDOWN_SEND) || has_room(from, to);
}

// => 0: the message is the queue's; else it is still the caller's
static int queue_or_wait(struct socket *from, struct socket *to, struct message *message, uint64_t deadline)
{
    for (;;) {
        int error;

        spin_lock(&sockets_lock);
        error = try_queue(from, to, message);
        spin_unlock(&sockets_lock);
        if (error != -EAGAIN || deadline == 0)
            return error;
        error = wait_event_deadline(&to->room, send_may_go_on(from, to), deadline);
        if (error != 0)
            return wait_errno(error);
    }
}

// One message of `size` bytes. => 0, -errno with nothing sent (bytes may have been read)
static int send_one(struct socket *from, struct socket *to, struct socket_send *send, uint32_t size,
                    uint64_t deadline)
{
    struct message *message;
    int error = message_create(&send->data, size, &message);

    if (error != 0)
        return error;
    if (send->credentials != NULL)
        message->sender = *send->credentials;
    else
        identify(&message->sender, false);
    message->files = send->files;
    if (message->files != NULL)
        message->cost += (uint32_t)PAGE_SIZE;
    error = queue_or_wait(from, to, message, deadline);
    if (error == 0) {
        send->files = NULL;
        return 0;
    }
    message->files = NULL;
    message_free(message);
    return error;
}

// A connection's bytes, piece by piece; files go with the first.
static int64_t send_stream(struct socket *socket, struct socket *peer, struct socket_send *send, uint64_t deadline)
{
    int64_t sent = 0;
    int error = 0;

    while (send->data.left > 0 && error == 0) {
        uint32_t size = (uint32_t)MIN(send->data.left, (size_t)MIN(socket->send_limit / 2 - 64, PIECE_MAX));

        error = send_one(socket, peer, send, size, deadline);
        if (error == 0)
            sent += size;
    }
    return sent > 0 ? sent : error;
}

static int64_t stream_begin(struct socket *socket, struct socket_send *send, uint64_t deadline)
{
    struct socket *peer;
    int64_t result;

    if (send->to != NULL)
        return socket->state == SOCKET_CONNECTED ? -EISCONN : -EOPNOTSUPP;
    peer = socket_get_peer(socket);
    if (peer == NULL)
        return -ENOTCONN;
    result = socket->shutdown & SHUTDOWN_SEND ? -EPIPE : send_stream(socket, peer, send, deadline);
    socket_put(peer);
    return result;
}

void socket_disconnected(struct socket *socket, struct socket *old)
{
    struct list messages = LIST_INIT(messages);

    mutex_lock(&socket->receive_lock); // a receiver may be copying from the first of them
    spin_lock(&sockets_lock);
    if (!list_empty(&socket->messages)) {
        queue_take_all(socket, &messages);
        if (!old->dead && old->peer == socket) {
            old->error = ECONNRESET;
            wake_all(&old->changed);
        }
    }
    spin_unlock(&sockets_lock);
    mutex_unlock(&socket->receive_lock);
    messages_dispose(&messages);
}

// The peer of a datagram socket has gone: it has none from now on.
static void drop_dead_peer(struct socket *socket, struct socket *peer)
{
    struct socket *old = NULL;

    spin_lock(&sockets_lock);
    if (socket->peer == peer) {
        old = socket_set_peer(socket, NULL);
        socket->state = SOCKET_CLOSED;
        wake_all(&socket->changed);
    }
    spin_unlock(&sockets_lock);
    if (old != NULL)
        socket_disconnected(socket, old);
    socket_put(old);
}

// To whom one message goes. => a reference in *out
static int find_receiver(struct socket *socket, const struct socket_send *send, const struct socket_caller *caller,
                         struct socket **out)
{
    if (send->to != NULL && socket->type == SOCK_DGRAM)
        return socket_find(send->to, socket->type, caller, out);
    *out = socket_get_peer(socket);
    return *out != NULL ? 0 : -ENOTCONN;
}

static int64_t send_datagram(struct socket *socket, struct socket_send *send, const struct socket_caller *caller,
                             uint64_t deadline)
{
    size_t size = send->data.left;
    struct socket *receiver;
    int error = find_receiver(socket, send, caller, &receiver);

    if (error != 0)
        return error;
    if (size > socket->send_limit - 32) {
        socket_put(receiver);
        return -EMSGSIZE;
    }
    error = send_one(socket, receiver, send, (uint32_t)size, deadline);
    if (error == -ECONNREFUSED)
        drop_dead_peer(socket, receiver);
    socket_put(receiver);
    return error != 0 ? error : (int64_t)size;
}

int64_t socket_send(struct file *file, struct socket_send *send, const struct socket_caller *caller)
{
    struct socket *socket = socket_of(file);
    uint64_t deadline = socket_deadline(file, send->flags, socket->send_timeout);
    int error = 0;

    if (send->flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (socket->type == SOCK_STREAM)
        return stream_begin(socket, send, deadline);
    if (send->to != NULL && socket->type == SOCK_DGRAM)
        error = address_check(send->to);
    if (error == 0)
        error = socket_take_error(socket);
    if (error == 0 && socket->type == SOCK_SEQPACKET && socket->state != SOCKET_CONNECTED)
        error = -ENOTCONN;
    if (error == 0 && socket_switched(socket, SO_PASSCRED))
        error = socket_autobind(socket);
    return error != 0 ? error : send_datagram(socket, send, caller, deadline);
}
