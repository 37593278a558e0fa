// SPDX-License-Identifier: MIT
/*
 * tty.h - a terminal: lines and keys on one side, a device on the other, signals to a process group in between.
 *
 * Behaviour is that of Linux's N_TTY line discipline: termios(3), ioctl_tty(2).
 */
#ifndef DEV_TTY_H
#define DEV_TTY_H

#include "lib/types.h"

struct credentials;
struct file;
struct file_ops;
struct tty;

/*
 * What the terminal asks of processes; proc/ sets it once. Groups and sessions are numbers (pid_t), 0 is none.
 * All are called in process context by the process concerned, but signal_group, which interrupts call too.
 */
struct tty_hooks {
    // Send `signal` to every process of the group.
    void (*signal_group)(int group, int signal);
    // The session has lost its terminal: its leader gets SIGHUP and SIGCONT now, `group` when the leader ends.
    void (*hang_up)(int session, int group);
    // Who the caller is, as files see it.
    const struct credentials *(*credentials)(void);
    // The caller's process group and session, and whether it leads its session.
    int (*current_group)(void);
    int (*current_session)(void);
    bool (*current_leads_session)(void);
    // Whether the caller ignores or blocks the signal / is in an orphaned group: then no SIGTTIN, but EIO.
    bool (*current_ignores)(int signal);
    bool (*current_group_is_orphaned)(void);
    // Whether `group` exists and lies in the caller's session: 0, -ESRCH, -EPERM.
    int (*check_group)(int group);
    // The caller's terminal, or NULL: to compare only / with a reference.
    const struct tty *(*current_terminal)(void);
    struct tty *(*get_terminal)(void);
    // Make `tty` the terminal of the caller's session, which keeps a reference / take it from all processes of
    // `session` / from the caller alone.
    void (*set_terminal)(struct tty *tty);
    void (*clear_terminal)(int session);
    void (*leave_terminal)(void);
};
void tty_set_hooks(const struct tty_hooks *hooks);

/*
 * What stands behind a terminal: a serial port, the other half of a pseudo-terminal. What may be NULL says so.
 *
 * => transmit, has_room, tell: called under the terminal's lock, in interrupts too: never wait
 * => opening, closed: called one at a time, may sleep
 */
struct tty_device {
    uint32_t control_modes;             // c_cflag at first
    uint32_t speed;                     // in both directions
    bool always_8_bits;                 // settings change neither the size of a character nor parity
    // Take bytes; how many. If not all, the device calls tty_writable when there is room.
    size_t (*transmit)(struct tty *tty, const uint8_t *data, size_t size);
    // Would transmit take a byte?  NULL: it will soon.
    bool (*has_room)(struct tty *tty);
    // The terminal's buffer has room again.
    void (*resume)(struct tty *tty);
    // Something has happened that packet mode tells: TIOCPKT_* of ioctl_tty(2).  NULL: nobody asks.
    void (*tell)(struct tty *tty, uint8_t events);
    // May a file of it be opened: 0, -errno.  NULL: yes.
    int (*opening)(struct tty *tty);
    // The last file was closed.  NULL: nothing to do.
    void (*closed)(struct tty *tty);
    // The terminal goes: free what `private` is.  NULL: it stays for ever.
    void (*release)(struct tty *tty);
};

/*
 * A new terminal over a device, with one reference. `number` is the device number that /proc/PID/stat shows.
 *
 * => NULL: no memory
 */
struct tty *tty_create(const struct tty_device *device, void *private, uint32_t number) __must_check;
void tty_get(struct tty *tty);
void tty_put(struct tty *tty);          // not in interrupts; the last one frees it
void *tty_private(const struct tty *tty);
uint32_t tty_number(const struct tty *tty);         // tty_nr in /proc/PID/stat
int tty_session(const struct tty *tty);             // 0: none
int tty_foreground_group(const struct tty *tty);         // tpgid in /proc/PID/stat; 0: none

// Bytes that tty_receive would take now / take them. Interrupt context is fine.
size_t tty_room(struct tty *tty);
void tty_receive(struct tty *tty, const uint8_t *data, size_t size);
void tty_writable(struct tty *tty);

// Nobody will type there again: who reads it sees the end, who writes an error; its session loses it.
void tty_hang_up(struct tty *tty);

// The leader of `session` ends: the terminal, if it is theirs still, belongs to nobody; its foreground group gets SIGHUP.
void tty_session_ended(struct tty *tty, int session);

/*
 * File operations of a terminal, with file->private a struct tty. They have no `open`: the device's own finds the
 * terminal and ends with tty_open, which makes it the caller's if it leads a session without one (not O_NOCTTY).
 *
 * => tty_open takes a reference of its own; 0, -EIO (hung up), what the device says
 */
extern const struct file_ops tty_file_ops;
int tty_open(struct file *file, struct tty *tty) __must_check;

// What the master of a pseudo-terminal has in common with its terminal.
int64_t tty_ioctl_shared(struct file *file, struct tty *tty, unsigned command, vaddr_t argument);

// Register /dev/tty, the caller's own terminal.
void tty_init(void);

#endif
