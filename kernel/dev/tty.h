// SPDX-License-Identifier: MIT
/*
 * tty.h - a terminal: lines and keys on one side, a device on the other, signals to a process group in between.
 *
 * Behaviour is that of Linux's N_TTY line discipline: termios(3), ioctl_tty(2).
 */
#ifndef DEV_TTY_H
#define DEV_TTY_H

#include "lib/types.h"

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
    // The caller's process group and session, and whether it leads its session.
    int (*current_group)(void);
    int (*current_session)(void);
    bool (*current_leads_session)(void);
    // Whether the caller ignores or blocks the signal / is in an orphaned group: then no SIGTTIN, but EIO.
    bool (*current_ignores)(int signal);
    bool (*current_group_is_orphaned)(void);
    // Whether `group` exists and lies in `session`.
    bool (*group_in_session)(int group, int session);
    // The terminal of the caller's session, or NULL.
    struct tty *(*current_terminal)(void);
    // Make `tty` the terminal of the caller's session / take it from all processes of `session`.
    void (*set_terminal)(struct tty *tty);
    void (*clear_terminal)(int session);
};
void tty_set_hooks(const struct tty_hooks *hooks);

// What stands behind a terminal: a serial port, the other half of a pseudo-terminal.
struct tty_device {
    // Take bytes without waiting; how many. If not all, the device calls tty_writable when there is room.
    size_t (*transmit)(struct tty *tty, const uint8_t *data, size_t size);
    // The terminal's buffer has room again.
    void (*resume)(struct tty *tty);
};

// A new terminal over a device. NULL: no memory. `number` is the device number that stat and /proc/PID/stat show.
struct tty *tty_create(const struct tty_device *device, void *private, uint32_t number) __must_check;
void *tty_private(struct tty *tty);
uint32_t tty_number(const struct tty *tty);         // tty_nr in /proc/PID/stat
int tty_foreground_group(struct tty *tty);          // tpgid in /proc/PID/stat; 0: none

// Bytes that tty_receive would take now / take them. Interrupt context is fine.
size_t tty_room(struct tty *tty);
void tty_receive(struct tty *tty, const uint8_t *data, size_t size);
void tty_writable(struct tty *tty);

// The session leader is gone: the terminal belongs to nobody; its foreground group gets SIGHUP and SIGCONT.
void tty_session_ended(struct tty *tty);

/*
 * File operations of a terminal, with file->private a struct tty. They have no `open`: the device's own sets private
 * and ends with tty_opened, which makes the terminal the caller's if it leads a session without one (not O_NOCTTY).
 */
extern const struct file_ops tty_file_ops;
int tty_opened(struct file *file);

// Register /dev/tty, the caller's own terminal.
void tty_init(void);

#endif
