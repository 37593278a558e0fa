// SPDX-License-Identifier: MIT
/*
 * uart.h - a serial port (16550A), interrupt driven, with its FIFOs.
 *
 * The driver keeps no buffers beyond the chip's. Received bytes go to the client as they come; when the client has no
 * room they stay in the chip, and the machine that sends them is held up.
 */
#ifndef DEV_UART_H
#define DEV_UART_H

#include "lib/types.h"
#include "sync/spinlock.h"

struct uart;

// Who uses a port; room and receive are both NULL for one that only sends. Called in interrupt context with no lock
// of the uart held.
struct uart_client {
    size_t (*room)(struct uart *uart);                                      // bytes that `receive` would take
    void (*receive)(struct uart *uart, const uint8_t *data, size_t size);   // at most `room` bytes
    void (*writable)(struct uart *uart);                                    // the transmitter has room again
};

/*
 * Fields: (c) constant after creation  (l) lock
 */
struct uart {
    uint16_t base;                      // (c) first of eight I/O ports
    uint8_t irq;                        // (c) ISA interrupt
    const char *name;                   // (c)
    bool present;                       // (c) after uart_probe
    const struct uart_client *client;   // (c) after uart_attach
    void *private;                      // (c) the client's
    struct spinlock lock;               // the chip's registers; taken in interrupts
    uint8_t interrupt_enable;           // (l) what IER holds
    bool stuck;                         // (l) it did not send for long, and has not since
};

// The four ports of a PC: the console, and the three channels to the host.
enum { UART_CONSOLE, UART_HOST_DATA, UART_HOST_ERROR, UART_HOST_CONTROL, UART_COUNT };
extern struct uart uarts[UART_COUNT];

// Find out whether the chip is there and set it to 115200 8N1 with FIFOs. Once, before anything else.
void uart_probe(struct uart *uart);

// Deliver received bytes and room to send to `client` from now on (interrupts on).
void uart_attach(struct uart *uart, const struct uart_client *client, void *private);

/*
 * Hand bytes to the transmitter without waiting.
 *
 * => any context; how many were taken; if not all, `writable` is called once when there is room
 */
size_t uart_transmit(struct uart *uart, const uint8_t *data, size_t size);

// The client has room again: take what the chip has held back.
void uart_resume_receive(struct uart *uart);

/*
 * Write all, waiting for the chip in a loop. For messages of the kernel and for panic.
 *
 * => any context; gives up, and drops the rest, when the chip does not move for long
 */
void uart_write_polled(struct uart *uart, const char *data, size_t size);

#endif
