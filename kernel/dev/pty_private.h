// SPDX-License-Identifier: MIT
/*
 * pty_private.h - a pseudo-terminal's inside, shared by pty.c (its life, and what the terminal sees) and pty_master.c
 * (what the program at the other end sees).
 */
#ifndef DEV_PTY_PRIVATE_H
#define DEV_PTY_PRIVATE_H

#include <stdatomic.h>

#include "dev/devpts.h"
#include "dev/pty.h"
#include "dev/tty.h"
#include "fs/file.h"
#include "mm/kalloc.h"
#include "sync/mutex.h"
#include "sync/wait.h"

#define RING_SIZE ((uint32_t)PAGE_SIZE)

/*
 * One pseudo-terminal. The master's file and, once made, the terminal's node and files hold references to the terminal;
 * this structure goes with it.
 *
 * What the terminal has written waits in a ring of one frame until the master reads it. Its indexes count for ever,
 * modulo 2^32. The writer, under the terminal's lock, moves the head only, the reader, under read_lock, the tail only:
 * so the reader can copy to a program without a spinlock.
 *
 * Fields: (c) constant after creation  (a) atomic  (t) the terminal's lock  (r) read_lock
 */
struct pty {
    struct tty *tty;                    // (c)
    struct devpts_place place;          // number and node
    uint8_t *ring;                      // (c) RING_SIZE bytes
    _Atomic uint32_t head;              // (a) changes under (t)
    _Atomic uint32_t tail;              // (a) changes under (r)
    _Atomic bool locked;                // (a) until TIOCSPTLCK says otherwise no file of the terminal can be opened
    _Atomic bool closed;                // (a) every file of the terminal has been closed, after there were some
    _Atomic bool suspended;             // (a) tcflow(3) of the master holds its writes back
    _Atomic bool packet;                // (a) packet mode is on
    _Atomic uint8_t events;             // (a) TIOCPKT_* that packet mode has not told yet

    struct wait_queue readable, writable;   // the master's
    struct mutex read_lock, write_lock;     // one reader, one writer of the master at a time
};

static inline uint32_t pty_written(const struct pty *pty)
{
    return pty->head - pty->tail;
}

extern const struct file_ops pty_master_ops;    // `open` is pty.c's
int pty_master_open(struct file *file);
void pty_master_release(struct file *file);

#endif
