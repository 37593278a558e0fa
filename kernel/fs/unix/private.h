// SPDX-License-Identifier: MIT
/*
 * private.h - what the files of unix/ share: sockets, messages, and the one lock over how they hang together.
 *
 * Theory      Each socket has a queue of messages that came for it. Sending makes a message, with the bytes already in
 *             it, and hangs it there; receiving copies out of it. Nothing is copied under a spinlock. A queue of a
 *             listening socket holds sockets instead, already connected, for accept.
 * Memory      A socket's buffer is what it has sent and others have not received. It is counted where it lies: in the
 *             queue it was sent to.
 * Locking     `sockets_lock` guards who is connected to whom, names, queues and what is in flight; no path through it
 *             is long but the collection of garbage. A receiver holds its socket's receive_lock over its look at the
 *             first message and the copying. What waits and polls look at is atomic.
 * Considered  A lock for each socket: every send then needs two in some order, closing three, and collecting garbage
 *             all of them.
 */
#ifndef FS_UNIX_PRIVATE_H
#define FS_UNIX_PRIVATE_H

#include <stdatomic.h>

#include "fs/path.h"
#include "fs/unix/socket.h"
#include "lib/list.h"
#include "lib/tree.h"
#include "sync/mutex.h"
#include "sync/spinlock.h"
#include "sync/wait.h"

extern struct spinlock sockets_lock;

enum socket_state { SOCKET_CLOSED, SOCKET_LISTENING, SOCKET_CONNECTED };

enum { SHUTDOWN_RECEIVE = 1, SHUTDOWN_SEND = 2, SHUTDOWN_BOTH = 3 };

// How the collector of garbage sees a socket.
enum socket_colour { SOCKET_UNSEEN, SOCKET_SUSPECT, SOCKET_LIVE };

/* An address that sockets and messages share.    Fields: (a) atomic  the rest: constant */
struct shared_address {
    _Atomic uint32_t refs;
    struct socket_address address;
};

/*
 * Fields: (c) constant after creation  (l) sockets_lock  (a) atomic, changed under (l)  (o) option: any time, atomic
 */
struct socket {
    _Atomic uint32_t refs;              // its file's, its clients', and calls under way
    uint8_t type;                       // (c) SOCK_*
    bool bind_busy;                     // (l) a bind is under way
    bool named;                         // (l) can be found by its address; what was accepted has its listener's, and cannot
    _Atomic uint8_t state;              // (a) enum socket_state
    _Atomic uint8_t shutdown;           // (a) SHUTDOWN_*
    _Atomic bool dead;                  // (a) its file has gone
    _Atomic int error;                  // (a) to be told once; positive
    struct socket *peer;                // (l) with a reference: where it sends to
    struct list clients;                // (l) sockets whose peer this is
    struct list client_link;            // (l) in the peer's
    struct list messages;               // (l) came for it
    struct list embryos;                // (l) of a listening one: connected, not yet accepted
    struct list embryo_link;            // (l)
    _Atomic uint32_t queued;            // (a) messages, or embryos
    _Atomic uint32_t queued_cost;       // (a) memory that its messages take
    uint64_t queued_bytes;              // (l)
    _Atomic uint32_t backlog;           // (a) how many more than this may not be queued
    struct shared_address *address;     // (l) NULL, then constant
    struct path path;                   // (l) of its name in a file system
    struct tree_node by_name;           // (l) if it is named
    struct file *file;                  // (l) without a reference; NULL before accept
    struct ucred peer_credentials;      // (l) SO_PEERCRED
    struct mutex receive_lock;          // one receiver at a time
    struct wait_queue changed;          // something came, or its state changed, or the peer has room
    struct wait_queue room;             // there is room in its queue
    _Atomic uint32_t send_limit, receive_limit;         // (o) SO_SNDBUF, SO_RCVBUF
    _Atomic uint32_t low_water;         // (o) SO_RCVLOWAT
    _Atomic uint32_t switches;          // (o) options that are on or off, by number
    _Atomic int priority;               // (o)
    _Atomic uint64_t linger;            // (o) struct linger
    _Atomic uint64_t receive_timeout, send_timeout;     // (o) ns; 0: none
    uint32_t in_flight;                 // (l) messages that carry its file
    uint32_t unexplained;               // (l) the collector's: references that no suspect explains
    enum socket_colour colour;          // (l) the collector's
    struct list flight_link;            // (l) while in_flight is not 0
};

/* Fields: constant once queued, but for (l) */
struct message {
    struct list link;                   // (l)
    struct shared_address *from;        // or NULL
    struct ucred sender;
    uint32_t size;                      // bytes of data
    uint32_t taken;                     // (l) bytes that a stream's receiver has had
    uint32_t cost;                      // memory, as counted
    struct file_bundle *files;          // (l) or NULL
    uint32_t frame_count;               // 0: the bytes follow here
    union {
        char bytes[0];
        char *frames[0];
    };
};

static inline bool socket_is_connection_based(const struct socket *socket)
{
    return socket->type != SOCK_DGRAM;
}

static inline bool socket_switched(const struct socket *socket, unsigned option)
{
    return socket->switches >> option & 1;
}

struct socket *socket_of(const struct file *file);

/* socket.c. A socket without a file, with one reference; NULL: no memory. */
struct socket *socket_alloc(unsigned type) __must_check;
void socket_get(struct socket *socket);
void socket_put(struct socket *socket);         // NULL is fine; may sleep
// Its end, but for the reference: nobody has it (any more). `embryo`: it was never accepted.
void socket_close(struct socket *socket, bool embryo);
// A file for it; NULL: for one that accept(2) is about to find.
int socket_open_file(struct socket *socket, unsigned flags, struct file **out) __must_check;
void identify(struct ucred *out, bool effective);

// Make `to` (which gets a reference) the peer, or NULL. => sockets_lock held; the old peer, to put without it
struct socket *socket_set_peer(struct socket *socket, struct socket *to);

// The peer with a reference, or NULL.
struct socket *socket_get_peer(struct socket *socket);

// -ERROR if an error waits to be told, and forget it; 0.
int socket_take_error(struct socket *socket);

// Wake those who wait for room in the queue, and those who poll for it. => sockets_lock held
void socket_wake_room(struct socket *socket);

// The end of a wait by `deadline`: what waiting calls return.
static inline int wait_errno(int error)
{
    return error == -ETIMEDOUT ? -EAGAIN : error;
}

// When a call's wait ends. => 0: it must not wait
uint64_t socket_deadline(const struct file *file, unsigned flags, uint64_t timeout);

/* name.c */
int address_check(const struct socket_address *address) __must_check;   // family and length. => 0, -EINVAL
// The socket of that name and type, with a reference.
int socket_find(const struct socket_address *address, unsigned type, const struct socket_caller *caller,
                struct socket **out) __must_check;
int socket_autobind(struct socket *socket) __must_check;                // a name of its own, if it has none
void socket_forget_name(struct socket *socket);                         // => sockets_lock held
struct shared_address *address_get(struct shared_address *address);     // NULL is fine
void address_put(struct shared_address *address);                       // NULL is fine
void address_tell(const struct shared_address *address, struct socket_address *out);

/* message.c. With `size` bytes out of `data`. 0, -ENOMEM, -EFAULT. */
int message_create(struct segments *data, uint32_t size, struct message **out) __must_check;
void message_free(struct message *message);     // drops its files; may sleep
// Bytes [start, start + size) to the receiver. => how many were moved
size_t message_copy_out(const struct message *message, uint32_t start, size_t size, struct segments *data);

/* queue.c. => sockets_lock held */
void queue_add(struct socket *socket, struct message *message);
void queue_remove(struct socket *socket, struct message *message);
void queue_take_all(struct socket *socket, struct list *out);           // into an empty list
struct file_bundle *queue_take_files(struct message *message);          // the message stays

/* garbage.c */
void flight_begin(struct file_bundle *files);   // => sockets_lock held
void flight_end(struct file_bundle *files);     // => sockets_lock held
void garbage_collect_if_any(void);
void messages_dispose(struct list *messages);   // of messages that are in no queue; may sleep

/* send.c: the messages of `socket` came from whom it no longer knows. */
void socket_disconnected(struct socket *socket, struct socket *old);

#endif
