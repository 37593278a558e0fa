// SPDX-License-Identifier: MIT
/*
 * msg.c - System V message queues: msgget, msgsnd, msgrcv, msgctl.
 *
 * Theory      A message goes to the first receiver that waits for such a one, else into the queue. Who finds no room, or no message, waits
 *             in the queue; a sender that is woken looks again, a receiver has got its message.
 * Locking     The table's spinlock. Users' memory is read before, and written to after it is held. A sleeper is on its thread's stack: sys/ipc.h.
 */
#include "sys/msg.h"

#include <limits.h>

#include "lib/errno.h"
#include "mm/slab.h"
#include "mm/usercopy.h"
#include "proc/cred.h"
#include "proc/process.h"
#include "proc/signal.h"
#include "sys/ipc.h"
#include "sys/syscall.h"

/* What a message says, piece by piece. */
struct piece {
    struct piece *next;
    char bytes[];
};
#define PIECE_BYTES (SLAB_MAX - sizeof(struct piece))

struct message {
    struct list link;
    int64_t type;
    size_t size;
    struct piece *pieces;
};

/* Fields: (t) queues.lock */
struct queue {
    struct ipc_object object;           // (t)
    int64_t sent, received, changed;    // (t) seconds since 1970
    int sender, receiver;               // (t) processes
    uint64_t count, bytes, bytes_max;   // (t) of messages
    struct list messages;               // (t)
    struct list senders, receivers;     // (t) who sleep
};

/* Which messages are wanted. */
enum mode { ANY, EQUAL, OTHER, UP_TO };

struct receiver {
    struct ipc_sleeper sleeper;
    enum mode mode;
    int64_t type;
    size_t room;                        // bytes at most
    bool cuts;                          // a longer one is cut
    int process;
    struct message *message;            // what it got
};

static void queue_tell(const struct ipc_object *object, void *state)
{
    const struct queue *queue = container_of(object, struct queue, object);
    struct msqid64_ds *out = state;

    *out = (struct msqid64_ds){
        .msg_stime = queue->sent,
        .msg_rtime = queue->received,
        .msg_ctime = queue->changed,
        .msg_cbytes = queue->bytes,
        .msg_qnum = queue->count,
        .msg_qbytes = queue->bytes_max,
        .msg_lspid = queue->sender,
        .msg_lrpid = queue->receiver,
    };
    ipc_tell(&queue->object, &out->msg_perm);
}

static struct ipc_table queues = IPC_TABLE_INIT(queues, queue_tell);

static struct queue *queue_of(struct ipc_object *object)
{
    return container_of(object, struct queue, object);
}

/* ---- Messages ---- */

static void message_free(struct message *message)
{
    for (struct piece *piece = message->pieces, *next; piece; piece = next) {
        next = piece->next;
        slab_free(piece);
    }
    slab_free(message);
}

/* => 0, -ENOMEM, -EFAULT, with what was made so far */
static int message_fill(struct message *message, vaddr_t address)
{
    struct piece **link = &message->pieces;

    for (size_t done = 0, part; done < message->size; done += part, link = &(*link)->next) {
        part = MIN(message->size - done, PIECE_BYTES);
        *link = slab_alloc(sizeof(struct piece) + part);
        if (!*link)
            return -ENOMEM;
        (*link)->next = NULL;
        if (copy_from_user((*link)->bytes, address + done, part))
            return -EFAULT;
    }
    return 0;
}

static int message_create(int64_t type, vaddr_t address, size_t size, struct message **out)
{
    struct message *message = slab_zalloc(sizeof(*message));
    int error;

    if (!message)
        return -ENOMEM;
    message->type = type;
    message->size = size;
    error = message_fill(message, address);
    if (error)
        message_free(message);
    *out = message;
    return error;
}

/* => bytes, or -EFAULT */
static int64_t message_copy_out(const struct message *message, vaddr_t address, size_t room)
{
    size_t size = MIN(message->size, room), done = 0;

    if (put_user_u64(address, (uint64_t)message->type))
        return -EFAULT;
    for (const struct piece *piece = message->pieces; done < size; piece = piece->next) {
        size_t part = MIN(size - done, PIECE_BYTES);
        if (copy_to_user(address + sizeof(int64_t) + done, piece->bytes, part))
            return -EFAULT;
        done += part;
    }
    return (int64_t)size;
}

/* ---- msgget ---- */

SYSCALL2(msgget, int, key, unsigned, flags)
{
    struct queue *queue = NULL;
    struct ipc_object *spare = NULL;
    int64_t result;

    if (key == IPC_PRIVATE || (flags & IPC_CREAT)) {
        queue = slab_zalloc(sizeof(*queue));
        if (!queue)
            return -ENOMEM;
        list_init(&queue->messages);
        list_init(&queue->senders);
        list_init(&queue->receivers);
        queue->bytes_max = MSGMNB;
        queue->changed = ipc_now();
        spare = &queue->object;
    }
    result = ipc_get(&queues, key, flags, &spare, 0);
    if (spare)
        slab_free(queue);
    return result;
}

/* ---- msgsnd ---- */

static bool is_wanted(const struct message *message, const struct receiver *receiver)
{
    switch (receiver->mode) {
    case EQUAL:
        return message->type == receiver->type;
    case OTHER:
        return message->type != receiver->type;
    case UP_TO:
        return message->type <= receiver->type;
    default:
        return true;
    }
}

static bool is_too_long(const struct message *message, const struct receiver *receiver)
{
    return message->size > receiver->room && !receiver->cuts;
}

static void note_received(struct queue *queue, const struct receiver *receiver)
{
    queue->receiver = receiver->process;
    queue->received = ipc_now();
}

/* To the first who waits for it; those for whom it is too long are told. => false: it stays */
static bool hand_over(struct queue *queue, struct message *message)
{
    struct receiver *receiver, *after;

    list_for_each_entry_safe(receiver, after, &queue->receivers, sleeper.link) {
        if (!is_wanted(message, receiver))
            continue;
        if (is_too_long(message, receiver)) {
            ipc_wake(&receiver->sleeper, -E2BIG);
            continue;
        }
        receiver->message = message;
        note_received(queue, receiver);
        ipc_wake(&receiver->sleeper, 0);
        return true;
    }
    return false;
}

static void enqueue(struct queue *queue, struct message *message)
{
    queue->sender = current_process()->id;
    queue->sent = ipc_now();
    if (hand_over(queue, message))
        return;
    list_add_tail(&queue->messages, &message->link);
    queue->count++;
    queue->bytes += message->size;
}

static bool fits(const struct queue *queue, const struct message *message)
{
    return message->size + queue->bytes <= queue->bytes_max && queue->count + 1 <= queue->bytes_max;
}

/* => queues.lock held, given up while it waits; 0, or -errno with the message left */
static int send(int id, struct message *message, bool waits)
{
    struct ipc_sleeper sleeper;
    struct ipc_object *object;
    int error;

    for (bool waited = false;; waited = true) {
        error = ipc_obtain(&queues, id, IPC_WRITE, &object);
        if (error)
            return waited && error == -EINVAL ? -EIDRM : error;
        if (fits(queue_of(object), message))
            break;
        if (!waits)
            return -EAGAIN;
        error = ipc_sleep(&queues, &queue_of(object)->senders, &sleeper, WAIT_FOR_EVER);
        if (error)
            return error == -EINTR ? -ERESTARTNOHAND : error;
    }
    enqueue(queue_of(object), message);
    return 0;
}

SYSCALL4(msgsnd, int, id, vaddr_t, address, size_t, size, unsigned, flags)
{
    struct message *message;
    uint64_t type;
    int error;

    if (get_user_u64(&type, address))
        return -EFAULT;
    if (size > MSGMAX || id < 0 || (int64_t)type < 1)
        return -EINVAL;
    error = message_create((int64_t)type, address + sizeof(type), size, &message);
    if (error)
        return error;
    spin_lock(&queues.lock);
    error = send(id, message, !(flags & IPC_NOWAIT));
    spin_unlock(&queues.lock);
    if (error)
        message_free(message);
    return error;
}

/* ---- msgrcv ---- */

static void set_mode(struct receiver *receiver, int64_t type, unsigned flags)
{
    receiver->mode = type == 0 ? ANY : type < 0 ? UP_TO : flags & MSG_EXCEPT ? OTHER : EQUAL;
    receiver->type = type >= 0 ? type : type == INT64_MIN ? INT64_MAX : -type;
}

/* The first that is wanted; of those up to a type the first of the lowest. */
static struct message *find_message(struct queue *queue, const struct receiver *receiver)
{
    struct message *message, *found = NULL;

    list_for_each_entry(message, &queue->messages, link) {
        if (!is_wanted(message, receiver) || (found && message->type >= found->type))
            continue;
        found = message;
        if (receiver->mode != UP_TO)
            break;
    }
    return found;
}

static int take(struct queue *queue, struct receiver *receiver, struct message *message)
{
    if (is_too_long(message, receiver))
        return -E2BIG;
    list_remove(&message->link);
    queue->count--;
    queue->bytes -= message->size;
    note_received(queue, receiver);
    ipc_wake_all(&queue->senders, 0);
    receiver->message = message;
    return 0;
}

/* => queues.lock held, given up while it waits */
static int receive(int id, struct receiver *receiver, bool waits)
{
    struct ipc_object *object;
    struct message *message;
    int error;

    for (bool waited = false;; waited = true) {
        error = ipc_obtain(&queues, id, IPC_READ, &object);
        if (error)
            return waited && error == -EINVAL ? -EIDRM : error;
        message = find_message(queue_of(object), receiver);
        if (message)
            return take(queue_of(object), receiver, message);
        if (!waits)
            return -ENOMSG;
        error = ipc_sleep(&queues, &queue_of(object)->receivers, &receiver->sleeper, WAIT_FOR_EVER);
        if (error != -EAGAIN) // else the queue is another one's, perhaps
            return error == -EINTR ? -ERESTARTNOHAND : error;
    }
}

/* A message that cannot be copied out is lost, as on Linux. MSG_COPY is for those who take a picture of a process. */
SYSCALL5(msgrcv, int, id, vaddr_t, address, size_t, size, int64_t, type, unsigned, flags)
{
    struct receiver receiver = {.room = size, .cuts = flags & MSG_NOERROR, .process = current_process()->id};
    int64_t result;

    if (id < 0 || (int64_t)size < 0)
        return -EINVAL;
    if (flags & MSG_COPY)
        return (flags & MSG_EXCEPT) || !(flags & IPC_NOWAIT) ? -EINVAL : -ENOSYS;
    set_mode(&receiver, type, flags);
    spin_lock(&queues.lock);
    result = receive(id, &receiver, !(flags & IPC_NOWAIT));
    spin_unlock(&queues.lock);
    if (result)
        return result;
    result = message_copy_out(receiver.message, address, size);
    message_free(receiver.message);
    return result;
}

/* ---- msgctl ---- */

int msg_tell_from(int index, struct msqid64_ds *out, int *id)
{
    return ipc_tell_from(&queues, index, out, id);
}

static int64_t msg_stat(int id, int command, vaddr_t address)
{
    struct msqid64_ds state;

    return ipc_stat(&queues, id, command == IPC_STAT, command == MSG_STAT_ANY, &state, sizeof(state), address);
}

/* => queues.lock held */
static void queue_remove(struct queue *queue)
{
    struct list *link;

    ipc_remove(&queues, &queue->object);
    ipc_wake_all(&queue->senders, -EIDRM);
    ipc_wake_all(&queue->receivers, -EIDRM);
    while ((link = list_take_first(&queue->messages)) != NULL)
        message_free(list_entry(link, struct message, link));
    slab_free(queue);
}

/* Who waits looks again: rights and room are others. */
static int queue_set(struct queue *queue, const struct msqid64_ds *state)
{
    if (state->msg_qbytes > MSGMNB && !credentials_is_root(current_credentials()))
        return -EPERM;
    queue->bytes_max = state->msg_qbytes;
    ipc_set(&queue->object, &state->msg_perm);
    queue->changed = ipc_now();
    ipc_wake_all(&queue->receivers, -EAGAIN);
    ipc_wake_all(&queue->senders, 0);
    return 0;
}

/* For the owner. `state` NULL: remove. */
static int64_t msg_change(int id, const struct msqid64_ds *state)
{
    struct ipc_object *object;
    int error;

    spin_lock(&queues.lock);
    error = ipc_obtain_owned(&queues, id, &object);
    if (!error && state)
        error = queue_set(queue_of(object), state);
    else if (!error)
        queue_remove(queue_of(object));
    spin_unlock(&queues.lock);
    return error;
}

static int64_t msg_set(int id, vaddr_t address)
{
    struct msqid64_ds state;

    return copy_from_user(&state, address, sizeof(state)) ? -EFAULT : msg_change(id, &state);
}

static int64_t msg_limits(int command, vaddr_t address)
{
    struct msginfo info = {
        .msgpool = MSGPOOL, .msgmap = MSGMAP, .msgmax = MSGMAX, .msgmnb = MSGMNB, .msgmni = MSGMNI, .msgssz = MSGSSZ,
        .msgtql = MSGTQL, .msgseg = MSGSEG,
    };
    struct ipc_object *object;
    int highest;

    spin_lock(&queues.lock);
    if (command == MSG_INFO) {
        info.msgpool = (int)queues.count;
        info.msgmap = info.msgtql = 0;
        list_for_each_entry(object, &queues.objects, link) {
            info.msgmap += (int)queue_of(object)->count;
            info.msgtql += (int)queue_of(object)->bytes;
        }
    }
    highest = ipc_highest_index(&queues);
    spin_unlock(&queues.lock);
    return copy_to_user(address, &info, sizeof(info)) ? -EFAULT : highest;
}

SYSCALL3(msgctl, int, id, int, command, vaddr_t, address)
{
    if (id < 0 || command < 0)
        return -EINVAL;
    switch (command) {
    case IPC_INFO:
    case MSG_INFO:
        return msg_limits(command, address);
    case IPC_STAT:
    case MSG_STAT:
    case MSG_STAT_ANY:
        return msg_stat(id, command, address);
    case IPC_SET:
        return msg_set(id, address);
    case IPC_RMID:
        return msg_change(id, NULL);
    default:
        return -EINVAL;
    }
}
