// SPDX-License-Identifier: MIT
/*
 * queue.c - the messages that wait in a socket. All of it under sockets_lock.
 */
#include "fs/unix/private.h"
#include "lib/log.h"

void queue_add(struct socket *socket, struct message *message)
{
    DEBUG_ASSERT(spin_held(&sockets_lock));
    list_add_tail(&socket->messages, &message->link);
    socket->queued++;
    socket->queued_cost += message->cost;
    socket->queued_bytes += message->size;
    if (message->files != NULL)
        flight_begin(message->files);
    wake_all(&socket->changed);
}

void queue_remove(struct socket *socket, struct message *message)
{
    DEBUG_ASSERT(spin_held(&sockets_lock));
    list_remove(&message->link);
    socket->queued--;
    socket->queued_cost -= message->cost;
    socket->queued_bytes -= message->size - message->taken;
    if (message->files != NULL)
        flight_end(message->files);
    socket_wake_room(socket);
}

void queue_take_all(struct socket *socket, struct list *out)
{
    struct list *link;

    while ((link = list_first(&socket->messages)) != NULL) {
        queue_remove(socket, container_of(link, struct message, link));
        list_add_tail(out, link);
    }
}

struct file_bundle *queue_take_files(struct message *message)
{
    struct file_bundle *files = message->files;

    message->files = NULL;
    if (files != NULL)
        flight_end(files);
    return files;
}
