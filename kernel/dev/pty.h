// SPDX-License-Identifier: MIT
/*
 * pty.h - pseudo-terminals: a terminal (/dev/pts/N) whose device is a program that holds the other end (/dev/ptmx).
 *
 * As pts(4), pty(7) and ioctl_tty(2) describe them.
 */
#ifndef DEV_PTY_H
#define DEV_PTY_H

#include "lib/types.h"

struct file;

#define PTMX_MINOR 2u                   // /dev/ptmx: 5, 2 (devices.txt)

// Whether `file` is a master.
bool file_is_pty_master(const struct file *file);

/*
 * TIOCGPTPEER: open the terminal of a master, with open(2)'s flags, without looking at its name.
 *
 * => 0, -EIO (still locked), -ENODEV (its devpts is not mounted beside ptmx any more), -ENOMEM
 */
int pty_open_peer(struct file *master, unsigned flags, struct file **out) __must_check;

// Register /dev/ptmx, the terminals' numbers, and the file system devpts.
void pty_init(void);

#endif
