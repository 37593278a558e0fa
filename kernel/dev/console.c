// SPDX-License-Identifier: MIT
/*
 * console.c - the first serial port as console: the kernel's messages, and a terminal.
 */
#include "dev/console.h"

#include <asm/termbits.h>
#include <linux/major.h>
#include <linux/stat.h>

#include "dev/tty.h"
#include "dev/uart.h"
#include "fs/char_device.h"
#include "fs/devfs.h"
#include "fs/file.h"
#include "lib/errno.h"
#include "lib/log.h"

#define CONSOLE_MINOR 1         // /dev/console: 5, 1 (devices.txt)
#define SERIAL_MINOR 64         // /dev/ttyS0: 4, 64

static struct tty *console_tty;

// Messages end lines with a newline only; a terminal wants the carriage to return, too.
static void write_message(const char *text, size_t size)
{
    size_t start = 0;

    for (size_t i = 0; i < size; i++) {
        if (text[i] != '\n')
            continue;
        uart_write_polled(&uarts[UART_CONSOLE], text + start, i - start);
        uart_write_polled(&uarts[UART_CONSOLE], "\r\n", 2);
        start = i + 1;
    }
    uart_write_polled(&uarts[UART_CONSOLE], text + start, size - start);
}

void console_init_early(void)
{
    uart_probe(&uarts[UART_CONSOLE]);
    log_set_output(write_message);
}

static size_t console_room(struct uart *uart __maybe_unused)
{
    return tty_room(console_tty);
}

static void console_receive(struct uart *uart __maybe_unused, const uint8_t *data, size_t size)
{
    tty_receive(console_tty, data, size);
}

static void console_writable(struct uart *uart __maybe_unused)
{
    tty_writable(console_tty);
}

static const struct uart_client uart_client = {
    .room = console_room,
    .receive = console_receive,
    .writable = console_writable,
};

static size_t console_transmit(struct tty *tty __maybe_unused, const uint8_t *data, size_t size)
{
    return uart_transmit(&uarts[UART_CONSOLE], data, size);
}

static void console_resume(struct tty *tty __maybe_unused)
{
    uart_resume_receive(&uarts[UART_CONSOLE]);
}

static const struct tty_device tty_device = {
    .control_modes = B115200 | CS8 | CREAD | HUPCL | CLOCAL,
    .speed = 115200,
    .transmit = console_transmit,
    .resume = console_resume,
};

// Both nodes are the same terminal.
static int console_open(struct file *file)
{
    return tty_open(file, console_tty);
}

static struct file_ops console_file_ops;

static struct char_device serial = {
    .name = "ttyS",
    .major = TTY_MAJOR,
    .first_minor = SERIAL_MINOR,
    .minors = 1,
    .ops = &console_file_ops,
};

static struct char_device console = {
    .name = "console",
    .major = TTYAUX_MAJOR,
    .first_minor = CONSOLE_MINOR,
    .minors = 1,
    .ops = &console_file_ops,
};

void console_init(void)
{
    console_tty = tty_create(&tty_device, NULL, device_make(TTY_MAJOR, SERIAL_MINOR));
    if (console_tty == NULL)
        panic("no memory for the console");
    console_file_ops = tty_file_ops;
    console_file_ops.open = console_open;
    uart_attach(&uarts[UART_CONSOLE], &uart_client, NULL);
    char_device_register(&serial);
    char_device_register(&console);
    devfs_create_node("console", S_IFCHR | 0600, device_make(TTYAUX_MAJOR, CONSOLE_MINOR));
    devfs_create_node("ttyS0", S_IFCHR | 0660, device_make(TTY_MAJOR, SERIAL_MINOR));
}
