// SPDX-License-Identifier: MIT
/*
 * console.h - the guest's console between QEMU, our terminal and the pages.
 */
#ifndef WATCH_CONSOLE_H
#define WATCH_CONSOLE_H

#include <stdbool.h>

#include "json.h"

struct console {
    int guest;          // a socket
    bool terminal;      // standard input and output are a person's terminal
    bool escape;        // Ctrl-A was typed
    struct text said;   // the last of what the guest said, for who comes later
    struct text typed;  // what the guest has not taken yet
};

void console_open(struct console *console, int guest, bool terminal);

/* Give the terminal back. */
void console_close(struct console *console);

/* Take a piece of what the guest says, and show it on our standard output. => its length; 0: the guest has gone */
size_t console_read(struct console *console, char *piece, size_t size);

/* Send to the guest, which may take it later: try again from time to time. */
void console_type(struct console *console, const char *text, size_t length);
void console_flush(struct console *console);

/* What the person has typed goes to the guest. => false: there will be no more; *quit: it was Ctrl-A X */
bool console_read_terminal(struct console *console, bool *quit);

#endif
