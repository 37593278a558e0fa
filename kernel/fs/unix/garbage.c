// SPDX-License-Identifier: MIT
/*
 * garbage.c - sockets that are only referred to from messages which nobody can receive.
 *
 * Theory      A message may carry a socket's file, and lie in the queue of that socket, or of one that is carried by a
 *             message in the queue of the first: then nobody can receive either, and neither would ever go. So, when a
 *             socket is closed while others are in flight: (1) suspects are those of which every reference is a message.
 *             (2) Take from each the references by messages in queues of suspects. (3) Who has one left can be received
 *             from outside, and with it everything that its queue carries, and so on. (4) The others are garbage: the
 *             messages with files are taken out of their queues, and freeing those closes them.
 * Why it is   A suspect is in no table of descriptors and in no call, for those hold references of their own. To become
 * safe        one again, it must be received; that takes sockets_lock, which we hold.
 * Nesting     A message that is freed may close a socket, whose messages are freed, and so on to any depth. The one thread
 *             that disposes of messages finds them in a list, so that the stack stays flat; others add to it and go on.
 */
#include "fs/file.h"
#include "fs/unix/private.h"
#include "lib/log.h"

/* All under sockets_lock. */
static struct list sockets_in_flight = LIST_INIT(sockets_in_flight);
static struct list doomed = LIST_INIT(doomed);  // messages to be freed
static bool disposing;                          // somebody does it

static void flight_change(struct file_bundle *files, int change)
{
    DEBUG_ASSERT(spin_held(&sockets_lock));
    for (uint32_t i = 0; i < files->count; i++) {
        struct socket *socket;

        if (!file_is_socket(files->files[i]))
            continue;
        socket = socket_of(files->files[i]);
        if (socket->in_flight == 0)
            list_add_tail(&sockets_in_flight, &socket->flight_link);
        socket->in_flight += (uint32_t)change;
        if (socket->in_flight == 0)
            list_remove(&socket->flight_link);
    }
}

void flight_begin(struct file_bundle *files)
{
    flight_change(files, 1);
}

void flight_end(struct file_bundle *files)
{
    flight_change(files, -1);
}

static struct socket *flying(struct list *link)
{
    return container_of(link, struct socket, flight_link);
}

typedef void carried_visit(struct socket *carried, struct list *more);

static void visit_queue(struct socket *socket, carried_visit *visit, struct list *more)
{
    for (struct list *link = socket->messages.next; link != &socket->messages; link = link->next) {
        struct file_bundle *files = container_of(link, struct message, link)->files;

        for (uint32_t i = 0; files != NULL && i < files->count; i++) {
            if (file_is_socket(files->files[i]))
                visit(socket_of(files->files[i]), more);
        }
    }
}

// Every socket that a message to `socket`, or to one that it would accept, carries.
static void visit_carried(struct socket *socket, carried_visit *visit, struct list *more)
{
    visit_queue(socket, visit, more);
    for (struct list *link = socket->embryos.next; link != &socket->embryos; link = link->next)
        visit_queue(container_of(link, struct socket, embryo_link), visit, more);
}

static void explain_one(struct socket *carried, struct list *more __maybe_unused)
{
    if (carried->colour == SOCKET_SUSPECT)
        carried->unexplained--;
}

static void make_live(struct socket *carried, struct list *live)
{
    if (carried->colour != SOCKET_SUSPECT)
        return;
    carried->colour = SOCKET_LIVE;
    list_remove(&carried->flight_link);
    list_add_tail(live, &carried->flight_link);
}

// Move suspects from the sockets in flight to a list of their own.
static void find_suspects(struct list *suspects)
{
    struct list *next;

    for (struct list *link = sockets_in_flight.next; link != &sockets_in_flight; link = next) {
        struct socket *socket = flying(link);

        next = link->next;
        if (socket->file == NULL || socket->file->refs != socket->in_flight)
            continue;
        socket->colour = SOCKET_SUSPECT;
        socket->unexplained = socket->in_flight;
        list_remove(link);
        list_add_tail(suspects, link);
    }
}

// Leave among the suspects those that nobody can reach.
static void clear_suspects(struct list *suspects, struct list *live)
{
    struct list *next;

    for (struct list *link = suspects->next; link != suspects; link = link->next)
        visit_carried(flying(link), explain_one, NULL);
    for (struct list *link = suspects->next; link != suspects; link = next) {
        next = link->next;
        if (flying(link)->unexplained != 0)
            make_live(flying(link), live);
    }
    for (struct list *link = live->next; link != live; link = link->next)
        visit_carried(flying(link), make_live, live);
}

static void return_to_flight(struct list *from)
{
    for (struct list *link = from->next; link != from; link = link->next)
        flying(link)->colour = SOCKET_UNSEEN;
    list_splice_tail(&sockets_in_flight, from);
}

// Take the messages that carry files out of the queues of `socket` and of those it would accept.
static void take_carriers(struct socket *socket, struct list *out)
{
    struct list *next;

    for (struct list *link = socket->messages.next; link != &socket->messages; link = next) {
        struct message *message = container_of(link, struct message, link);

        next = link->next;
        if (message->files == NULL)
            continue;
        queue_remove(socket, message);
        list_add_tail(out, link);
    }
    for (struct list *link = socket->embryos.next; link != &socket->embryos; link = link->next)
        take_carriers(container_of(link, struct socket, embryo_link), out);
}

static void garbage_collect(void)
{
    struct list suspects = LIST_INIT(suspects), live = LIST_INIT(live), messages = LIST_INIT(messages);

    spin_lock(&sockets_lock);
    find_suspects(&suspects);
    clear_suspects(&suspects, &live);
    return_to_flight(&live);
    while (!list_empty(&suspects)) {
        struct socket *socket = flying(list_first(&suspects));

        // It stays among those in flight until its last message has gone, which may be this one.
        socket->colour = SOCKET_UNSEEN;
        list_remove(&socket->flight_link);
        list_add_tail(&sockets_in_flight, &socket->flight_link);
        take_carriers(socket, &messages);
    }
    spin_unlock(&sockets_lock);
    messages_dispose(&messages);
}

void garbage_collect_if_any(void)
{
    bool any;

    spin_lock(&sockets_lock);
    any = !list_empty(&sockets_in_flight);
    spin_unlock(&sockets_lock);
    if (any)
        garbage_collect();
}

void messages_dispose(struct list *messages)
{
    struct list *link;

    spin_lock(&sockets_lock);
    list_splice_tail(&doomed, messages);
    while (!disposing && (link = list_take_first(&doomed)) != NULL) {
        disposing = true;
        spin_unlock(&sockets_lock);
        message_free(container_of(link, struct message, link));
        spin_lock(&sockets_lock);
        disposing = false;
    }
    spin_unlock(&sockets_lock);
}
