// SPDX-License-Identifier: MIT
/*
 * uart.c - 16550A serial ports.
 *
 * Theory      The chip has 16 bytes of buffer each way. Receiving: an interrupt comes at 14 bytes or when the line
 *             has been quiet; the client takes what it has room for. When it has none, the receive interrupt is
 *             switched off: the chip fills, and the sender waits. Sending: 16 bytes whenever the chip says that its
 *             buffer is empty; the interrupt for that is on only while somebody waits for it.
 * Locking     uart->lock around the registers, taken in interrupts and by printk's output. Clients are called without
 *             it.
 * Source      National Semiconductor PC16550D data sheet.
 */
#include "dev/uart.h"

#include "arch/x86/cpu.h"
#include "arch/x86/io.h"
#include "arch/x86/irq.h"
#include "arch/x86/time.h"
#include "dev/random.h"
#include "lib/log.h"

#define FIFO_SIZE 16u
#define FIFO_TRIGGER 14u        // bytes received that make it interrupt at once

// Registers, as offsets from the base.
enum {
    DATA = 0,                   // read: received; write: to send
    INTERRUPT_ENABLE = 1,
    INTERRUPT_ID = 2,           // read
    FIFO_CONTROL = 2,           // write
    LINE_CONTROL = 3,
    MODEM_CONTROL = 4,
    LINE_STATUS = 5,
    MODEM_STATUS = 6,
    SCRATCH = 7,
    DIVISOR_LOW = 0,            // while LINE_CONTROL has DIVISOR_ACCESS
    DIVISOR_HIGH = 1,
};

enum { ENABLE_RECEIVE = 0x01, ENABLE_TRANSMIT = 0x02 };
enum { ID_NONE = 0x01, ID_MASK = 0x0f, ID_RECEIVED = 0x04 };
enum { FIFO_ENABLE = 0x01, FIFO_CLEAR = 0x06, FIFO_TRIGGER_14 = 0xc0 };
enum { LINE_8N1 = 0x03, DIVISOR_ACCESS = 0x80 };
enum { MODEM_DTR_RTS = 0x03, MODEM_INTERRUPTS = 0x08 };
enum { STATUS_DATA_READY = 0x01, STATUS_TRANSMIT_EMPTY = 0x20 };

#define STUCK_NS 10000000000u   // a chip that sends nothing for so long is stuck: a busy host may let us wait for seconds
#define STUCK_READS 20000000u   // of its status, as long as there is no clock

struct uart uarts[UART_COUNT] = {
    [UART_CONSOLE] = {.base = 0x3f8, .irq = 4, .name = "ttyS0"},
    [UART_HOST_DATA] = {.base = 0x2f8, .irq = 3, .name = "ttyS1"},
    [UART_HOST_ERROR] = {.base = 0x3e8, .irq = 5, .name = "ttyS2"},
    [UART_HOST_CONTROL] = {.base = 0x2e8, .irq = 7, .name = "ttyS3"},
};

static uint8_t get(const struct uart *uart, unsigned reg)
{
    return inb((uint16_t)(uart->base + reg));
}

static void set(const struct uart *uart, unsigned reg, uint8_t value)
{
    outb((uint16_t)(uart->base + reg), value);
}

void uart_probe(struct uart *uart)
{
    spin_init(&uart->lock, uart->name, RANK_CONSOLE);
    set(uart, SCRATCH, 0x5a);
    uart->present = get(uart, SCRATCH) == 0x5a;
    if (!uart->present)
        return;
    set(uart, INTERRUPT_ENABLE, 0);
    set(uart, LINE_CONTROL, DIVISOR_ACCESS);
    set(uart, DIVISOR_LOW, 1); // 115200
    set(uart, DIVISOR_HIGH, 0);
    set(uart, LINE_CONTROL, LINE_8N1);
    set(uart, FIFO_CONTROL, FIFO_ENABLE | FIFO_CLEAR | FIFO_TRIGGER_14);
    set(uart, MODEM_CONTROL, MODEM_DTR_RTS | MODEM_INTERRUPTS);
}

// => lock held
static void interrupt_change(struct uart *uart, uint8_t on, uint8_t off)
{
    uint8_t value = (uint8_t)((uart->interrupt_enable | on) & ~off);

    if (value == uart->interrupt_enable)
        return;
    uart->interrupt_enable = value;
    set(uart, INTERRUPT_ENABLE, value);
}

/*
 * Take up to `room` bytes from the chip, of which `sure` are known to be there: each question is a slow access.
 *
 * => how many; 0: it has none, or there was no room and it will not interrupt
 */
static size_t drain(struct uart *uart, uint8_t *data, size_t room, size_t sure)
{
    uint64_t flags = spin_lock_irq(&uart->lock);
    size_t count = 0;

    while (count < room && (count < sure || (get(uart, LINE_STATUS) & STATUS_DATA_READY)))
        data[count++] = get(uart, DATA);
    if (room == 0)
        interrupt_change(uart, 0, ENABLE_RECEIVE);
    spin_unlock_irq(&uart->lock, flags);
    return count;
}

// The client may make room between its "none" and the switching off; so it is asked again then.
static void receive(struct uart *uart, size_t sure)
{
    uint8_t data[FIFO_SIZE];

    for (;;) {
        size_t room = MIN(uart->client->room(uart), sizeof data);
        size_t count = drain(uart, data, room, sure);

        sure -= MIN(count, sure);
        if (count > 0)
            uart->client->receive(uart, data, count);
        else if (room == 0 && uart->client->room(uart) > 0)
            uart_resume_receive(uart);
        else
            return;
    }
}

void uart_resume_receive(struct uart *uart)
{
    uint64_t flags;

    if (!uart->present)
        return;
    flags = spin_lock_irq(&uart->lock);
    interrupt_change(uart, ENABLE_RECEIVE, 0);
    spin_unlock_irq(&uart->lock, flags);
}

// Has the transmitter room that somebody waits for? Then it is told once.
static bool take_writable(struct uart *uart)
{
    uint64_t flags = spin_lock_irq(&uart->lock);
    bool writable = (uart->interrupt_enable & ENABLE_TRANSMIT) && (get(uart, LINE_STATUS) & STATUS_TRANSMIT_EMPTY);

    if (writable)
        interrupt_change(uart, 0, ENABLE_TRANSMIT);
    spin_unlock_irq(&uart->lock, flags);
    return writable;
}

static void uart_interrupt(void *arg)
{
    struct uart *uart = arg;
    uint8_t id;

    random_add(uart->base);
    while (!((id = get(uart, INTERRUPT_ID)) & ID_NONE)) {
        if (uart->client->receive != NULL)
            receive(uart, (id & ID_MASK) == ID_RECEIVED ? FIFO_TRIGGER : 0);
        (void)get(uart, MODEM_STATUS);
        if (take_writable(uart))
            uart->client->writable(uart);
    }
}

void uart_attach(struct uart *uart, const struct uart_client *client, void *private)
{
    uint64_t flags;

    uart->client = client;
    uart->private = private;
    if (!uart->present)
        return;
    if (irq_register(uart->irq, uart->name, uart_interrupt, uart) != 0) {
        printk(LOG_WARNING "%s: interrupt %u is taken", uart->name, uart->irq);
        return;
    }
    flags = spin_lock_irq(&uart->lock);
    interrupt_change(uart, client->receive != NULL ? ENABLE_RECEIVE : 0, 0);
    spin_unlock_irq(&uart->lock, flags);
}

size_t uart_transmit(struct uart *uart, const uint8_t *data, size_t size)
{
    size_t sent = 0;
    uint64_t flags;

    if (!uart->present)
        return size;
    flags = spin_lock_irq(&uart->lock);
    while (sent < size && (get(uart, LINE_STATUS) & STATUS_TRANSMIT_EMPTY)) {
        for (unsigned i = 0; i < FIFO_SIZE && sent < size; i++)
            set(uart, DATA, data[sent++]);
    }
    if (sent < size)
        interrupt_change(uart, ENABLE_TRANSMIT, 0);
    spin_unlock_irq(&uart->lock, flags);
    return sent;
}

static bool is_stuck(uint64_t since_ns, unsigned reads)
{
    uint64_t now = clock_ns();

    return now == 0 ? reads >= STUCK_READS : now - since_ns >= STUCK_NS;
}

// A chip that was found stuck is not waited for again until it moves.
static bool wait_empty(struct uart *uart)
{
    uint64_t since_ns = clock_ns();

    for (unsigned reads = 0; !(get(uart, LINE_STATUS) & STATUS_TRANSMIT_EMPTY); reads++) {
        if (uart->stuck || is_stuck(since_ns, reads)) {
            uart->stuck = true;
            return false;
        }
        cpu_relax();
    }
    uart->stuck = false;
    return true;
}

// A panic must get through even if its CPU, or one that was stopped, holds the lock.
void uart_write_polled(struct uart *uart, const char *data, size_t size)
{
    bool lock = !log_panicking();
    uint64_t flags = 0;

    if (!uart->present)
        return;
    if (lock)
        flags = spin_lock_irq(&uart->lock);
    for (size_t sent = 0; sent < size && wait_empty(uart);) {
        for (unsigned i = 0; i < FIFO_SIZE && sent < size; i++)
            set(uart, DATA, (uint8_t)data[sent++]);
    }
    if (lock)
        spin_unlock_irq(&uart->lock, flags);
}
