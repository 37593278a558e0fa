// SPDX-License-Identifier: MIT
/*
 * hostio.c - channels to the launcher, without a terminal's ideas about bytes.
 *
 * Theory      Host to guest: a decoder takes the frames apart as bytes come from the chip; content goes to a ring,
 *             which the reader empties. A full ring stops the chip, and so the host. Guest to host: the writer hands
 *             bytes to the chip, 16 at a time, and sleeps until it has room.
 * Locking     The ring under a lock that interrupts take; one reader and one writer at a time by mutexes. The chip's
 *             lock lies below both.
 */
#include "dev/hostio.h"

#include <linux/poll.h>
#include <linux/stat.h>

#include "arch/x86/power.h"
#include "dev/uart.h"
#include "fs/char_device.h"
#include "fs/devfs.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/poll.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/kalloc.h"
#include "sync/mutex.h"
#include "sync/spinlock.h"
#include "sync/wait.h"

#define HOSTIO_MAJOR 10             // "misc", in its range for local use
#define HOSTIO_MINOR 240
#define RING_SIZE 4096u             // a frame
#define CHUNK 64u

// One channel.   Fields: (c) constant after hostio_init  (l) lock  (a) atomic
struct channel {
    const char *name;               // (c) of the node
    unsigned uart;                  // (c) index in uarts
    bool reads;                     // (c) carries frames from the host
    struct wait_queue writable;
    _Atomic bool output_ready;      // (a) the chip has told that it has room
    struct mutex write_lock;        // one writer at a time
};

// What comes from the host, on the first channel only.
static struct {
    struct spinlock lock;
    struct mutex read_lock;         // one reader at a time
    struct wait_queue readable;
    uint8_t *ring;                  // (c) RING_SIZE bytes; contents (l)
    uint32_t head, tail;            // (l) count for ever
    uint32_t frame_left;            // (l) bytes of the frame that are still to come
    uint8_t length_low;             // (l) the first byte of a length
    bool in_length;                 // (l) it was read, the second is to come
    _Atomic bool ended;             // (a) a frame of length 0 came
} input = {
    .lock = SPINLOCK_INIT("hostio ring", RANK_DEVICE),
    .read_lock = MUTEX_INIT(input.read_lock, "hostio reader", RANK_TTY_SLEEP),
    .readable = WAIT_QUEUE_INIT(input.readable),
};

static struct channel channels[] = {
    {.name = "hostio", .uart = UART_HOST_DATA, .reads = true},
    {.name = "hosterr", .uart = UART_HOST_ERROR},
    {.name = "hostctl", .uart = UART_HOST_CONTROL},
};

static size_t input_room(struct uart *uart __maybe_unused)
{
    uint64_t flags = spin_lock_irq(&input.lock);
    size_t room = RING_SIZE - (input.head - input.tail);

    spin_unlock_irq(&input.lock, flags);
    return input.ended ? RING_SIZE : room;
}

static void decode(uint8_t byte)
{
    if (input.ended)
        return;
    if (input.frame_left > 0) {
        input.ring[input.head++ % RING_SIZE] = byte;
        input.frame_left--;
    } else if (!input.in_length) {
        input.length_low = byte;
        input.in_length = true;
    } else {
        input.frame_left = (uint32_t)byte << 8 | input.length_low;
        input.in_length = false;
        input.ended = input.frame_left == 0;
    }
}

static void input_receive(struct uart *uart __maybe_unused, const uint8_t *data, size_t size)
{
    uint64_t flags = spin_lock_irq(&input.lock);

    for (size_t i = 0; i < size; i++)
        decode(data[i]);
    spin_unlock_irq(&input.lock, flags);
    wake_all(&input.readable);
}

static void channel_writable(struct uart *uart)
{
    struct channel *channel = uart->private;

    channel->output_ready = true;
    wake_all(&channel->writable);
}

static const struct uart_client input_client = {
    .room = input_room,
    .receive = input_receive,
    .writable = channel_writable,
};

static const struct uart_client output_client = {.writable = channel_writable};

static bool may_read(void)
{
    return __atomic_load_n(&input.head, __ATOMIC_RELAXED) != __atomic_load_n(&input.tail, __ATOMIC_RELAXED) ||
           input.ended;
}

// A run of the ring without a break. Bytes stay until they have been copied, outside the lock: only the reader moves
// tail.
static size_t ring_run(uint8_t **start)
{
    uint64_t flags = spin_lock_irq(&input.lock);
    uint32_t offset = input.tail % RING_SIZE;
    size_t run = MIN(input.head - input.tail, RING_SIZE - offset);

    spin_unlock_irq(&input.lock, flags);
    *start = input.ring + offset;
    return run;
}

static void ring_consume(size_t count)
{
    uint64_t flags = spin_lock_irq(&input.lock);

    input.tail += (uint32_t)count;
    spin_unlock_irq(&input.lock, flags);
}

static int64_t read_ring(struct io *io)
{
    int64_t total = 0;
    uint8_t *start;
    size_t run;

    while (io->left > 0 && (run = ring_run(&start)) > 0) {
        size_t wanted = MIN(run, io->left), moved = io_copy_out(io, start, wanted);

        ring_consume(moved);
        total += (int64_t)moved;
        if (moved < wanted)
            return total > 0 ? total : -EFAULT;
    }
    uart_resume_receive(&uarts[UART_HOST_DATA]);
    return total;
}

static int64_t hostio_read(struct file *file, struct io *io)
{
    const struct channel *channel = file->private;
    int64_t result;

    if (!channel->reads)
        return -EINVAL;
    result = mutex_lock_interruptible(&input.read_lock);
    if (result != 0)
        return result;
    if (!may_read())
        result = file_is_nonblocking(file) ? -EAGAIN : wait_event_interruptible(&input.readable, may_read());
    if (result == 0)
        result = read_ring(io);
    mutex_unlock(&input.read_lock);
    return result;
}

// => 0; -EAGAIN, -EINTR with *sent bytes sent
static int send_all(struct channel *channel, const uint8_t *data, size_t size, bool nonblocking, size_t *sent)
{
    int error = 0;

    *sent = 0;
    while (error == 0) {
        channel->output_ready = false;
        *sent += uart_transmit(&uarts[channel->uart], data + *sent, size - *sent);
        if (*sent == size)
            return 0;
        error = nonblocking ? -EAGAIN : wait_event_interruptible(&channel->writable, channel->output_ready);
    }
    return error;
}

static int64_t write_all(struct channel *channel, struct io *io, bool nonblocking)
{
    uint8_t data[CHUNK];
    int64_t total = 0;
    size_t sent;

    while (io->left > 0) {
        size_t n = io_copy_in(io, data, sizeof data);
        int error;

        if (n == 0)
            return total > 0 ? total : -EFAULT;
        error = send_all(channel, data, n, nonblocking, &sent);
        total += (int64_t)sent;
        if (error != 0)
            return total > 0 ? total : error;
    }
    return total;
}

static int64_t hostio_write(struct file *file, struct io *io)
{
    struct channel *channel = file->private;
    int64_t result = mutex_lock_interruptible(&channel->write_lock);

    if (result != 0)
        return result;
    result = write_all(channel, io, file_is_nonblocking(file));
    mutex_unlock(&channel->write_lock);
    return result;
}

static uint32_t hostio_poll(struct file *file, struct poll_table *table)
{
    struct channel *channel = file->private;
    uint32_t ready = POLLOUT | POLLWRNORM;

    if (!channel->reads)
        return ready;
    poll_wait(table, &input.readable);
    return may_read() ? ready | POLLIN | POLLRDNORM : ready;
}

static int hostio_open(struct file *file)
{
    struct channel *channel = &channels[device_minor(file_inode(file)->rdev) - HOSTIO_MINOR];

    file->private = channel;
    return uarts[channel->uart].present ? 0 : -ENODEV;
}

static const struct file_ops hostio_file_ops = {
    .stream = true,
    .open = hostio_open,
    .read = hostio_read,
    .write = hostio_write,
    .poll = hostio_poll,
};

static struct char_device hostio_device = {
    .name = "hostio",
    .major = HOSTIO_MAJOR,
    .first_minor = HOSTIO_MINOR,
    .minors = ARRAY_SIZE(channels),
    .ops = &hostio_file_ops,
};

// The launcher learns why, then the machine stops.
static void panic_end(const char *message)
{
    struct uart *control = &uarts[UART_HOST_CONTROL];

    uart_write_polled(control, "panic ", 6);
    uart_write_polled(control, message, strlen(message));
    uart_write_polled(control, "\n", 1);
    machine_fail();
}

void hostio_init_early(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(channels); i++)
        uart_probe(&uarts[channels[i].uart]);
    panic_set_end(panic_end);
}

void hostio_init(void)
{
    input.ring = kalloc();
    if (input.ring == NULL)
        panic("no memory for hostio");
    char_device_register(&hostio_device);
    for (size_t i = 0; i < ARRAY_SIZE(channels); i++) {
        struct channel *channel = &channels[i];

        wait_queue_init(&channel->writable);
        mutex_init(&channel->write_lock, "hostio writer", RANK_TTY_SLEEP);
        uart_attach(&uarts[channel->uart], channel->reads ? &input_client : &output_client, channel);
        devfs_create_node(channel->name, S_IFCHR | 0666, device_make(HOSTIO_MAJOR, HOSTIO_MINOR + (uint32_t)i));
    }
}
