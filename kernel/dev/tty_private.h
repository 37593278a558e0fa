// SPDX-License-Identifier: MIT
/*
 * tty_private.h - a terminal's inside, shared by tty.c (life, files), tty_input.c (keys to lines), tty_output.c
 * (characters to the device), tty_control.c (settings), tty_session.c (who may use it).
 */
#ifndef DEV_TTY_PRIVATE_H
#define DEV_TTY_PRIVATE_H

#include <asm/termbits.h>
#include <asm/termios.h>

#include "dev/tty.h"
#include "lib/bitmap.h"
#include "mm/io.h"
#include "sync/mutex.h"
#include "sync/spinlock.h"
#include "sync/wait.h"

#define INPUT_SIZE 4096u            // bytes, a frame; a line has at most one less, as on Linux
#define ECHO_SIZE 64u               // bytes of echo that wait for the device

/*
 * Input is a ring. Indexes count for ever, modulo 2^32; byte n lies at n % INPUT_SIZE:
 *
 *     tail          line_end            head
 *      |  lines that  |  the line being   |
 *      |  can be read |  edited           |
 *
 * In raw mode all of [tail, head) can be read. A set bit in `ends` marks the last byte of a line; if that byte is 0 it
 * is an end of file, which is not read.
 *
 * Fields: (c) constant after creation  (l) lock  (a) atomic  (s) tty_sessions
 */
struct tty {
    struct spinlock lock;                       // taken in interrupts
    const struct tty_device *device;            // (c)
    void *private;                              // (c) the device's
    uint32_t number;                            // (c) device number
    _Atomic uint32_t refs;                      // (a) files, sessions, the device
    uint32_t files;                             // (s) open ones
    _Atomic bool hung_up;                       // (a) for ever; changes under (s)

    struct termios2 termios;                    // (l) see termios(3)
    struct winsize window;                      // (l)
    bool stopped;                               // (l) by ^S or tcflow(3)
    bool suspended;                             // (l) by tcflow: ^Q does not help
    bool literal_next;                          // (l) ^V was typed
    unsigned column;                            // (l) of the cursor
    unsigned line_column;                       // (l) where the line being edited began

    uint8_t *input;                             // (c) INPUT_SIZE bytes; contents (l)
    uint32_t head, line_end, tail;              // (l)
    uint64_t ends[BITMAP_WORDS(INPUT_SIZE)];    // (l)

    uint8_t echo[ECHO_SIZE];                    // (l) output of ours that the device had no room for
    uint32_t echo_head, echo_tail;              // (l)
    _Atomic bool output_ready;                  // (a) the device has told that it has room

    struct wait_queue readable, writable;
    struct mutex read_lock, write_lock;         // one reader, one writer at a time

    _Atomic int session;                        // (a) whose controlling terminal this is; 0: nobody's; changes under (s)
    _Atomic int foreground;                     // (a) the process group that may read; 0: none
};

extern const struct tty_hooks *tty_hooks;

// Openings, hang-ups, and which terminal belongs to which session: one at a time, of all terminals.
extern struct mutex tty_sessions;

static inline bool tty_local(const struct tty *tty, tcflag_t flag)
{
    return (tty->termios.c_lflag & flag) != 0;
}

static inline bool tty_in(const struct tty *tty, tcflag_t flag)
{
    return (tty->termios.c_iflag & flag) != 0;
}

// Is `c` the control character with that index? A character set to 0 is switched off.
static inline bool tty_is_control(const struct tty *tty, unsigned index, uint8_t c)
{
    return tty->termios.c_cc[index] == c && c != 0;
}

// Bytes that a read would find. => lock held, or a guess
static inline uint32_t tty_available(const struct tty *tty)
{
    return (tty_local(tty, ICANON) ? tty->line_end : tty->head) - tty->tail;
}

// One reader, one writer at a time: wait for the turn. => 0, -EAGAIN, -EINTR
static inline int __must_check tty_take_turn(struct mutex *mutex, bool nonblocking)
{
    if (!nonblocking)
        return mutex_lock_interruptible(mutex);
    return mutex_trylock(mutex) ? 0 : -EAGAIN;
}

// Tell packet mode.  => lock held
static inline void tty_tell(struct tty *tty, uint8_t events)
{
    if (tty->device->tell != NULL)
        tty->device->tell(tty, events);
}

// tty_output.c.  => lock held
// Put what a character becomes (OPOST) at `out`, with room for 8; moves the column. => bytes
unsigned tty_process_output(struct tty *tty, uint8_t c, uint8_t *out);
void tty_echo(struct tty *tty, uint8_t c);          // echo a character, through output processing
void tty_echo_flush(struct tty *tty);               // try again what the device did not take
void tty_stop(struct tty *tty);                     // hold output back
void tty_start(struct tty *tty);                    // let it go on, unless it is suspended

// tty_output.c
int64_t tty_write_chars(struct tty *tty, struct io *io, bool nonblocking);

// tty_input.c
void tty_input_flush(struct tty *tty);              // forget what was typed.  => lock held
void tty_input_mode_changed(struct tty *tty);       // ICANON was switched.  => lock held
uint32_t tty_count_input(struct tty *tty);          // bytes that reads would return: no marks of end of file
int64_t tty_read_chars(struct tty *tty, struct io *io, bool nonblocking);

// tty_control.c
int64_t tty_ioctl(struct file *file, unsigned command, vaddr_t argument);

// tty_session.c: job control of the caller. => 0, -EINTR (stopped: restart the call), -EIO
int tty_check_read(struct tty *tty);
int tty_check_write(struct tty *tty);
int tty_check_change(struct tty *tty);
// A file was opened: is the terminal the caller's from now on?  => tty_sessions held
void tty_offer(struct file *file, struct tty *tty);
// TIOCSCTTY, TIOCSPGRP; and TIOCGPGRP, TIOCGSID, TIOCNOTTY, which are for the caller's own terminal only
int tty_set_controlling(struct file *file, struct tty *tty, bool steal);
int tty_set_foreground(struct tty *tty, vaddr_t argument);
int64_t tty_ioctl_session(struct tty *tty, unsigned command, vaddr_t argument);

#endif
