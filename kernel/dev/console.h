// SPDX-License-Identifier: MIT
/*
 * console.h - the first serial port: the kernel's messages, and the terminal /dev/console and /dev/ttyS0.
 */
#ifndef DEV_CONSOLE_H
#define DEV_CONSOLE_H

void console_init_early(void);          // messages go out
void console_init(void);                // the terminal and its nodes

#endif
