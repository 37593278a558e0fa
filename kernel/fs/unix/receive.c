// SPDX-License-Identifier: MIT
/*
 * receive.c - take what lies first in a socket's queue.
 *
 * Theory      A datagram is received whole, and what does not fit is lost. A stream goes on from message to message, but
 *             not past one that brought files, nor past a change of sender if the receiver wants to know the sender.
 * Locking     receive_lock is held while bytes are copied from a message, which so stays; not over a wait.
 */
#include "fs/file.h"
#include "fs/unix/private.h"
#include "lib/errno.h"
#include "lib/log.h"

static struct message *first_message(struct socket *socket)
{
    struct list *link;

    spin_lock(&sockets_lock);
    link = list_first(&socket->messages);
    spin_unlock(&sockets_lock);
    return link != NULL ? container_of(link, struct message, link) : NULL;
}

// The one after it, for who only looks. => receive_lock held
static struct message *next_message(struct socket *socket, struct message *message)
{
    struct list *link;

    spin_lock(&sockets_lock);
    link = message->link.next;
    spin_unlock(&sockets_lock);
    return link != &socket->messages ? container_of(link, struct message, link) : NULL;
}

static bool receive_may_go_on(const struct socket *socket)
{
    return socket->queued != 0 || socket->error != 0 || (socket->shutdown & SHUTDOWN_RECEIVE);
}

// => 0: look again; -EAGAIN, -EINTR
static int receive_wait(struct socket *socket, uint64_t deadline)
{
    if (deadline == 0)
        return -EAGAIN;
    return wait_errno(wait_event_deadline(&socket->changed, receive_may_go_on(socket), deadline));
}

static void tell_sender(const struct socket *socket, const struct message *message, struct socket_receive *receive)
{
    if (message->from != NULL)
        address_tell(message->from, &receive->from);
    receive->has_credentials = socket_switched(socket, SO_PASSCRED);
    receive->credentials = message->sender;
}

/*
 * The files of a message for the receiver: the message's own, or if it only looks, the same once more.
 *
 * => sockets_lock held; `spare` is an empty bundle, for who only looks
 */
static struct file_bundle *receive_files(struct message *message, struct file_bundle *spare)
{
    if (spare == NULL)
        return queue_take_files(message);
    for (uint32_t i = 0; i < message->files->count; i++) {
        spare->files[i] = message->files->files[i];
        file_get(spare->files[i]);
    }
    spare->count = message->files->count;
    return spare;
}

// => 0, or -ENOMEM: only to who looks; the message has kept its files
static int take_files(struct message *message, struct socket_receive *receive)
{
    struct file_bundle *spare = NULL;

    if (message->files == NULL)
        return 0;
    if (receive->flags & MSG_PEEK) {
        spare = file_bundle_create();
        if (spare == NULL)
            return -ENOMEM;
    }
    spin_lock(&sockets_lock);
    receive->files = receive_files(message, spare);
    spin_unlock(&sockets_lock);
    return 0;
}

// `size` bytes of a stream's message have been received; it goes with its last one.
static void consume(struct socket *socket, struct message *message, uint32_t size)
{
    bool all;

    spin_lock(&sockets_lock);
    message->taken += size;
    socket->queued_bytes -= size;
    all = message->taken == message->size;
    if (all)
        queue_remove(socket, message);
    spin_unlock(&sockets_lock);
    if (all)
        message_free(message);
}

// One message of a stream, from its byte `at`. => bytes, -EFAULT, -ENOMEM
static int64_t stream_take(struct socket *socket, struct message *message, struct socket_receive *receive)
{
    uint32_t size = (uint32_t)MIN((size_t)(message->size - message->taken), receive->data.left);
    size_t moved;
    int error = take_files(message, receive);

    if (error != 0)
        return error;
    moved = message_copy_out(message, message->taken, size, &receive->data);
    if (moved == 0 && size != 0)
        return -EFAULT;
    if (!(receive->flags & MSG_PEEK))
        consume(socket, message, (uint32_t)moved);
    return (int64_t)moved;
}

// May a stream's receiver go on with this message, having had bytes of another?
static bool same_sender(const struct socket_receive *receive, const struct message *message)
{
    return !receive->has_credentials ||
           (receive->credentials.pid == message->sender.pid && receive->credentials.uid == message->sender.uid &&
            receive->credentials.gid == message->sender.gid);
}

// What is there now. => bytes: 0, nothing is there; *stop: do not wait for more
static int64_t stream_take_present(struct socket *socket, struct socket_receive *receive, bool *stop, bool begun)
{
    struct message *message = first_message(socket);
    int64_t total = 0;

    while (message != NULL && receive->data.left > 0 && !*stop) {
        bool whole, looks = receive->flags & MSG_PEEK;
        struct message *next = looks ? next_message(socket, message) : NULL;
        uint32_t offered = message->size - message->taken;
        int64_t moved;

        if (begun && !same_sender(receive, message)) {
            *stop = true;
            break;
        }
        if (!begun)
            tell_sender(socket, message, receive);
        begun = true;
        moved = stream_take(socket, message, receive);
        if (moved < 0) {
            *stop = true;
            return total > 0 ? total : moved;
        }
        total += moved;
        whole = (uint32_t)moved == offered;
        *stop = receive->files != NULL || !whole;
        message = looks ? next : first_message(socket);
    }
    return total;
}

// The stream is empty. => 0: look again; 1: its end; -errno
static int stream_wait(struct socket *socket, uint64_t deadline)
{
    int error = socket_take_error(socket);

    if (error != 0)
        return error;
    if (socket->shutdown & SHUTDOWN_RECEIVE)
        return socket->queued != 0 ? 0 : 1;
    return receive_wait(socket, deadline);
}

static int64_t receive_stream(struct socket *socket, struct socket_receive *receive, uint64_t deadline)
{
    size_t wanted = receive->data.left;
    size_t target = receive->flags & MSG_WAITALL ? wanted : MIN(wanted, (size_t)socket->low_water);
    int64_t total = 0, moved;
    bool stop = false;
    int error = 0;

    if (socket->state != SOCKET_CONNECTED)
        return -EINVAL;
    while (error == 0) {
        error = mutex_lock_interruptible(&socket->receive_lock);
        if (error != 0)
            break;
        moved = stream_take_present(socket, receive, &stop, total > 0);
        mutex_unlock(&socket->receive_lock);
        if (moved < 0)
            return total > 0 ? total : moved;
        total += moved;
        if (stop || (size_t)total >= target || (total > 0 && (receive->flags & MSG_PEEK)))
            return total;
        error = stream_wait(socket, deadline);
    }
    return total > 0 || error > 0 ? total : error;
}

// The first datagram, out of the queue unless the receiver only looks. => receive_lock held; its length, or -errno
static int64_t datagram_take(struct socket *socket, struct message *message, struct socket_receive *receive)
{
    bool looks = receive->flags & MSG_PEEK;
    size_t size = MIN((size_t)message->size, receive->data.left), moved;
    int64_t result = take_files(message, receive);

    if (result != 0)
        return result;
    tell_sender(socket, message, receive);
    if (!looks) {
        spin_lock(&sockets_lock);
        queue_remove(socket, message);
        spin_unlock(&sockets_lock);
    }
    moved = message_copy_out(message, 0, size, &receive->data);
    result = (int64_t)(receive->flags & MSG_TRUNC ? message->size : size);
    if (moved < size)
        result = -EFAULT;
    if (message->size > size)
        receive->result_flags |= MSG_TRUNC;
    if (!looks)
        message_free(message);
    return result;
}

// No datagram is there. => 0: look again; 1: there will be none; -errno
static int datagram_wait(struct socket *socket, uint64_t deadline)
{
    int error = socket_take_error(socket);
    bool over = socket->shutdown & SHUTDOWN_RECEIVE;

    if (error != 0)
        return error;
    if (over && (deadline != 0 || socket->type == SOCK_SEQPACKET))
        return socket->queued != 0 ? 0 : 1;
    return receive_wait(socket, deadline);
}

static int64_t receive_datagram(struct socket *socket, struct socket_receive *receive, uint64_t deadline)
{
    int error = 0;

    if (socket->type == SOCK_SEQPACKET && socket->state == SOCKET_CLOSED)
        return -ENOTCONN;
    while (error == 0) {
        struct message *message;
        int64_t result = 0;

        error = mutex_lock_interruptible(&socket->receive_lock);
        if (error != 0)
            break;
        message = first_message(socket);
        if (message != NULL)
            result = datagram_take(socket, message, receive);
        mutex_unlock(&socket->receive_lock);
        if (message != NULL)
            return result;
        error = datagram_wait(socket, deadline);
    }
    return error > 0 ? 0 : error;
}

int64_t socket_receive(struct file *file, struct socket_receive *receive)
{
    struct socket *socket = socket_of(file);
    uint64_t deadline = socket_deadline(file, receive->flags, socket->receive_timeout);

    if (receive->flags & MSG_OOB)
        return -EOPNOTSUPP;
    return socket->type == SOCK_STREAM ? receive_stream(socket, receive, deadline)
                                       : receive_datagram(socket, receive, deadline);
}
