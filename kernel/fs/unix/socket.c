// SPDX-License-Identifier: MIT
/*
 * socket.c - the life of a socket, and what an open file of it does.
 */
#include "fs/unix/socket.h"

#include <asm/ioctls.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/sockios.h>
#include <linux/stat.h>

#include "arch/x86/time.h"
#include "fs/file.h"
#include "fs/poll.h"
#include "fs/unix/private.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "mm/slab.h"
#include "mm/usercopy.h"

#define BUFFER_DEFAULT   212992u        // net.core.wmem_default
#define DATAGRAM_BACKLOG 10u            // net.unix.max_dgram_qlen

struct spinlock sockets_lock = SPINLOCK_INIT("sockets", RANK_SOCKETS);

static socket_identify *identify_hook;

void socket_set_identify(socket_identify *hook)
{
    identify_hook = hook;
}

void identify(struct ucred *out, bool effective)
{
    identify_hook(out, effective);
}

struct socket *socket_alloc(unsigned type)
{
    struct socket *socket = slab_zalloc(sizeof *socket);

    if (socket == NULL)
        return NULL;
    socket->refs = 1;
    socket->type = (uint8_t)type;
    list_init(&socket->clients);
    list_init(&socket->client_link);
    list_init(&socket->messages);
    list_init(&socket->embryos);
    list_init(&socket->embryo_link);
    list_init(&socket->flight_link);
    mutex_init(&socket->receive_lock, "socket receive", RANK_SOCKET_RECEIVE);
    wait_queue_init(&socket->changed);
    wait_queue_init(&socket->room);
    socket->backlog = DATAGRAM_BACKLOG;
    socket->send_limit = socket->receive_limit = BUFFER_DEFAULT;
    socket->low_water = 1;
    socket->peer_credentials = (struct ucred){0, UINT32_MAX, UINT32_MAX};
    return socket;
}

void socket_get(struct socket *socket)
{
    atomic_fetch_add_explicit(&socket->refs, 1, memory_order_relaxed);
}

void socket_put(struct socket *socket)
{
    if (socket == NULL || atomic_fetch_sub_explicit(&socket->refs, 1, memory_order_acq_rel) != 1)
        return;
    DEBUG_ASSERT(list_empty(&socket->messages) && list_empty(&socket->clients) && socket->in_flight == 0);
    address_put(socket->address);
    slab_free(socket);
}

struct socket *socket_set_peer(struct socket *socket, struct socket *to)
{
    struct socket *old = socket->peer;

    list_remove(&socket->client_link);
    socket->peer = to;
    if (to != NULL) {
        socket_get(to);
        list_add_tail(&to->clients, &socket->client_link);
    }
    return old;
}

struct socket *socket_get_peer(struct socket *socket)
{
    struct socket *peer;

    spin_lock(&sockets_lock);
    peer = socket->peer;
    if (peer != NULL)
        socket_get(peer);
    spin_unlock(&sockets_lock);
    return peer;
}

int socket_take_error(struct socket *socket)
{
    return socket->error != 0 ? -atomic_exchange(&socket->error, 0) : 0;
}

void socket_wake_room(struct socket *socket)
{
    wake_all(&socket->room);
    for (struct list *link = socket->clients.next; link != &socket->clients; link = link->next)
        wake_all(&container_of(link, struct socket, client_link)->changed);
}

uint64_t socket_deadline(const struct file *file, unsigned flags, uint64_t timeout)
{
    uint64_t deadline;

    if ((flags & MSG_DONTWAIT) || file_is_nonblocking(file))
        return 0;
    if (timeout == 0 || __builtin_add_overflow(clock_ns(), timeout, &deadline))
        return WAIT_FOR_EVER;
    return deadline;
}

// Tell the other side of a connection that we have gone. => sockets_lock held
static void end_connection(struct socket *socket, struct socket *peer, bool unread)
{
    if (!socket_is_connection_based(socket) || peer->peer != socket)
        return;
    peer->shutdown = SHUTDOWN_BOTH;
    if (unread)
        peer->error = ECONNRESET;
    wake_all(&peer->changed);
    wake_all(&peer->room);
}

void socket_close(struct socket *socket, bool embryo)
{
    struct list messages, embryos;
    struct socket *peer;
    struct path path;

    list_init(&messages);
    list_init(&embryos);
    spin_lock(&sockets_lock);
    socket->dead = true;
    socket->state = SOCKET_CLOSED;
    socket->shutdown = SHUTDOWN_BOTH;
    socket->file = NULL;
    socket_forget_name(socket);
    path = socket->path;
    socket->path = (struct path){NULL, NULL};
    if (socket->peer != NULL)
        end_connection(socket, socket->peer, embryo || !list_empty(&socket->messages));
    peer = socket_set_peer(socket, NULL);
    queue_take_all(socket, &messages);
    list_splice_tail(&embryos, &socket->embryos);
    socket_wake_room(socket);
    spin_unlock(&sockets_lock);

    for (struct list *link; (link = list_take_first(&embryos)) != NULL;) {
        struct socket *child = container_of(link, struct socket, embryo_link);

        socket_close(child, true);      // which has no embryos
        socket_put(child);
    }
    messages_dispose(&messages);
    path_put(&path);
    socket_put(peer);
}

static void socket_release(struct file *file)
{
    struct socket *socket = socket_of(file);

    if (socket == NULL) // it was to be an accepted one, and nobody came
        return;
    socket_close(socket, false);
    socket_put(socket);
    garbage_collect_if_any();
}

static int64_t socket_file_read(struct file *file, struct io *io)
{
    struct socket_receive receive = {.data = segments_of_io(io)};
    int64_t result = socket_receive(file, &receive);

    file_bundle_free(receive.files);
    return result;
}

static int64_t socket_file_write(struct file *file, struct io *io)
{
    struct socket_send send = {.data = segments_of_io(io)};

    return socket_send(file, &send, NULL);
}

// What a poll says of the way out.
static bool socket_is_writable(struct socket *socket)
{
    struct socket *peer;
    bool writable = socket->state != SOCKET_LISTENING;

    spin_lock(&sockets_lock);
    peer = socket->peer;
    if (peer != NULL && !peer->dead) {
        writable = writable && peer->queued_cost * 4 <= socket->send_limit;
        if (socket->type == SOCK_DGRAM && peer->peer != socket && peer->queued > peer->backlog)
            writable = false;
    }
    spin_unlock(&sockets_lock);
    return writable;
}

static uint32_t socket_poll(struct file *file, struct poll_table *table)
{
    struct socket *socket = socket_of(file);
    uint32_t ready = 0;

    poll_wait(table, &socket->changed);
    if (socket->error != 0)
        ready |= POLLERR;
    if (socket->shutdown == SHUTDOWN_BOTH ||
        (socket_is_connection_based(socket) && socket->state == SOCKET_CLOSED))
        ready |= POLLHUP;
    if (socket->shutdown & SHUTDOWN_RECEIVE)
        ready |= POLLRDHUP | POLLIN | POLLRDNORM;
    if (socket->queued != 0)
        ready |= POLLIN | POLLRDNORM;
    if (socket_is_writable(socket))
        ready |= POLLOUT | POLLWRNORM | POLLWRBAND;
    return ready;
}

// FIONREAD: all that a stream has, or the first datagram.
static uint32_t bytes_to_read(struct socket *socket)
{
    uint64_t bytes;

    spin_lock(&sockets_lock);
    bytes = socket->queued_bytes;
    if (socket->type == SOCK_DGRAM)
        bytes = list_empty(&socket->messages)
                    ? 0
                    : container_of(list_first(&socket->messages), struct message, link)->size;
    spin_unlock(&sockets_lock);
    return (uint32_t)bytes;
}

static int64_t socket_ioctl(struct file *file, unsigned command, vaddr_t argument)
{
    struct socket *socket = socket_of(file), *peer;
    uint32_t unread = 0;

    switch (command) {
    case FIONREAD:
        return socket->state == SOCKET_LISTENING ? -EINVAL : put_user_u32(argument, bytes_to_read(socket));
    case SIOCOUTQ:
        peer = socket_get_peer(socket);
        if (peer != NULL)
            unread = peer->queued_cost;
        socket_put(peer);
        return put_user_u32(argument, unread);
    default:
        return -ENOTTY;
    }
}

static const struct file_ops socket_file_ops = {
    .stream = true,
    .release = socket_release,
    .read = socket_file_read,
    .write = socket_file_write,
    .ioctl = socket_ioctl,
    .poll = socket_poll,
};

bool file_is_socket(const struct file *file)
{
    return file->ops == &socket_file_ops;
}

struct socket *socket_of(const struct file *file)
{
    return file->private;
}

bool socket_is_stream(const struct file *file)
{
    return socket_of(file)->type == SOCK_STREAM;
}

bool socket_waits_for_ever(const struct file *file, bool sending)
{
    const struct socket *socket = socket_of(file);

    return (sending ? socket->send_timeout : socket->receive_timeout) == 0;
}

int socket_open_file(struct socket *socket, unsigned flags, struct file **out)
{
    int error = file_create_nameless("socket", S_IFSOCK | 0777, &socket_file_ops,
                                     O_RDWR | (flags & (unsigned)O_NONBLOCK), socket, out);

    if (error == 0 && socket != NULL)
        socket->file = *out;
    return error;
}

// => the type that a socket gets, or -errno
static int check_type(int type, int protocol)
{
    if (type < 0 || type >= SOCK_MAX)
        return -EINVAL;
    if (protocol != 0 && protocol != AF_UNIX)
        return -EPROTONOSUPPORT;
    switch (type) {
    case SOCK_STREAM:
    case SOCK_DGRAM:
    case SOCK_SEQPACKET:
        return type;
    case SOCK_RAW:
        return SOCK_DGRAM;
    default:
        return -ESOCKTNOSUPPORT;
    }
}

int socket_create(int type, int protocol, unsigned flags, struct file **out)
{
    struct socket *socket;
    int error;

    type = check_type(type, protocol);
    if (type < 0)
        return type;
    socket = socket_alloc((unsigned)type);
    if (socket == NULL)
        return -ENOMEM;
    error = socket_open_file(socket, flags, out);
    if (error != 0)
        socket_put(socket);
    return error;
}

int socket_create_pair(int type, int protocol, unsigned flags, struct file *out[2])
{
    struct socket *a, *b;
    int error = socket_create(type, protocol, flags, &out[0]);

    if (error != 0)
        return error;
    error = socket_create(type, protocol, flags, &out[1]);
    if (error != 0) {
        file_put(out[0]);
        return error;
    }
    a = socket_of(out[0]);
    b = socket_of(out[1]);
    identify(&a->peer_credentials, true);
    b->peer_credentials = a->peer_credentials;
    spin_lock(&sockets_lock);
    (void)socket_set_peer(a, b);
    (void)socket_set_peer(b, a);
    a->state = b->state = SOCKET_CONNECTED;
    spin_unlock(&sockets_lock);
    return 0;
}
