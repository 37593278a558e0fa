// SPDX-License-Identifier: MIT
/*
 * early_console.c - messages on the first serial port until the console driver takes over: polled, no interrupts.
 */
#include "arch/x86/early_console.h"

#include "arch/x86/io.h"

#define COM1              0x3f8
#define LINE_STATUS       5
#define LINE_STATUS_EMPTY 0x20

/* An absent port reads as all ones, which says "empty": bytes go nowhere, and nothing hangs. */
static void put(char c)
{
    while (!(inb(COM1 + LINE_STATUS) & LINE_STATUS_EMPTY))
        ;
    outb(COM1, (uint8_t)c);
}

void early_console_write(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\n')
            put('\r');
        put(text[i]);
    }
}
