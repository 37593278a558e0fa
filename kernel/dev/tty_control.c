// SPDX-License-Identifier: MIT
/*
 * tty_control.c - settings of a terminal, and what else ioctl_tty(2) does; sessions are in tty_session.c.
 */
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <linux/poll.h>
#include <linux/tty.h>

#include "dev/tty_private.h"
#include "fs/file.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/usercopy.h"

static struct termios2 read_settings(struct tty *tty)
{
    uint64_t flags = spin_lock_irq(&tty->lock);
    struct termios2 settings = tty->termios;

    spin_unlock_irq(&tty->lock, flags);
    return settings;
}

// `size`: struct termios, or the longer termios2, whose beginning it is.
static int64_t get_settings(struct tty *tty, vaddr_t argument, size_t size)
{
    struct termios2 settings = read_settings(tty);

    return copy_to_user(argument, &settings, size);
}

// Do ^S and ^Q, those very keys, stop and start output?
static bool has_usual_flow(const struct termios2 *settings)
{
    return (settings->c_iflag & IXON) && settings->c_cc[VSTOP] == ('S' & 0x1f) &&
           settings->c_cc[VSTART] == ('Q' & 0x1f);
}

// What packet mode tells of a change.
static uint8_t change_events(const struct termios2 *old, const struct termios2 *new)
{
    bool flow = has_usual_flow(new);
    uint8_t events = (old->c_lflag | new->c_lflag) & EXTPROC ? TIOCPKT_IOCTL : 0;

    if (flow != has_usual_flow(old))
        events |= flow ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP;
    return events;
}

// => lock held
static void change_settings(struct tty *tty, struct termios2 *settings)
{
    struct termios2 old = tty->termios;

    if (tty->device->always_8_bits)
        settings->c_cflag = (settings->c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8 | CREAD;
    tty->termios = *settings;
    if ((settings->c_lflag ^ old.c_lflag) & ICANON)
        tty_input_mode_changed(tty);
    if (!(settings->c_iflag & IXON) && (old.c_iflag & IXON))
        tty_start(tty);
    tty_tell(tty, change_events(&old, settings));
}

static int64_t set_settings(struct tty *tty, vaddr_t argument, size_t size, bool flush)
{
    struct termios2 settings = read_settings(tty);
    int error = tty_check_change(tty);
    uint64_t flags;

    if (error == 0)
        error = copy_from_user(&settings, argument, size);
    if (error != 0)
        return error;
    flags = spin_lock_irq(&tty->lock);
    if (flush)
        tty_input_flush(tty);
    change_settings(tty, &settings);
    spin_unlock_irq(&tty->lock, flags);
    tty_writable(tty);
    wake_all_for(&tty->readable, POLLIN | POLLRDNORM);
    tty->device->resume(tty);
    return 0;
}

static int64_t get_window(struct tty *tty, vaddr_t argument)
{
    uint64_t flags = spin_lock_irq(&tty->lock);
    struct winsize window = tty->window;

    spin_unlock_irq(&tty->lock, flags);
    return copy_to_user(argument, &window, sizeof window);
}

static int64_t set_window(struct tty *tty, vaddr_t argument)
{
    struct winsize window;
    int error = copy_from_user(&window, argument, sizeof window);
    int group = tty->foreground;
    uint64_t flags;
    bool changed;

    if (error != 0)
        return error;
    flags = spin_lock_irq(&tty->lock);
    changed = memcmp(&window, &tty->window, sizeof window) != 0;
    tty->window = window;
    spin_unlock_irq(&tty->lock, flags);
    if (changed && group != 0)
        tty_hooks->signal_group(group, SIGWINCH);
    return 0;
}

// Output is not kept: to forget it is to say so only.
static int64_t flush(struct tty *tty, vaddr_t what)
{
    int error = tty_check_change(tty);
    uint64_t flags;

    if (error != 0)
        return error;
    if (what != TCIFLUSH && what != TCOFLUSH && what != TCIOFLUSH)
        return -EINVAL;
    flags = spin_lock_irq(&tty->lock);
    if (what != TCOFLUSH)
        tty_input_flush(tty);
    if (what != TCIFLUSH)
        tty_tell(tty, TIOCPKT_FLUSHWRITE);
    spin_unlock_irq(&tty->lock, flags);
    tty->device->resume(tty);
    return 0;
}

// Stop output, or let it go on: only what this call has stopped.
static void suspend(struct tty *tty, bool suspended)
{
    uint64_t flags = spin_lock_irq(&tty->lock);

    if (suspended != tty->suspended) {
        tty->suspended = suspended;
        suspended ? tty_stop(tty) : tty_start(tty);
    }
    spin_unlock_irq(&tty->lock, flags);
    tty_writable(tty);
}

// Ask the other side to stop sending, or to go on, by its own key for that. A full device loses it, as it would an echo.
static void send_control(struct tty *tty, unsigned index)
{
    uint64_t flags = spin_lock_irq(&tty->lock);
    uint8_t c = tty->termios.c_cc[index];

    if (c != 0)
        tty->device->transmit(tty, &c, 1);
    spin_unlock_irq(&tty->lock, flags);
}

static int64_t flow(struct tty *tty, vaddr_t what)
{
    int error = tty_check_change(tty);

    if (error != 0)
        return error;
    switch (what) {
    case TCOOFF:
    case TCOON:
        suspend(tty, what == TCOOFF);
        return 0;
    case TCIOFF:
    case TCION:
        send_control(tty, what == TCIOFF ? VSTOP : VSTART);
        return 0;
    default:
        return -EINVAL;
    }
}

// Settings, as TCSETS... want them: at once, after output (nothing is kept, so the same), with input forgotten.
static int64_t ioctl_settings(struct tty *tty, unsigned command, vaddr_t argument)
{
    switch (command) {
    case TCGETS:
        return get_settings(tty, argument, sizeof(struct termios));
    case TCGETS2:
        return get_settings(tty, argument, sizeof(struct termios2));
    case TCSETS:
    case TCSETSW:
        return set_settings(tty, argument, sizeof(struct termios), false);
    case TCSETSF:
        return set_settings(tty, argument, sizeof(struct termios), true);
    case TCSETS2:
    case TCSETSW2:
        return set_settings(tty, argument, sizeof(struct termios2), false);
    case TCSETSF2:
        return set_settings(tty, argument, sizeof(struct termios2), true);
    default:
        return -ENOTTY;
    }
}

// TIOCSETD: there is one line discipline.
static int64_t set_discipline(struct tty *tty, vaddr_t argument)
{
    uint32_t discipline;
    int error = get_user_u32(&discipline, argument);

    if (error == 0)
        error = tty_check_change(tty);
    if (error != 0)
        return error;
    return discipline == N_TTY ? 0 : -EINVAL;
}

int64_t tty_ioctl_shared(struct file *file, struct tty *tty, unsigned command, vaddr_t argument)
{
    switch (command) {
    case TIOCSPGRP:
        return tty_set_foreground(tty, argument);
    case TIOCSCTTY:
        return tty_set_controlling(file, tty, argument == 1);
    case TIOCGWINSZ:
        return get_window(tty, argument);
    case TIOCSWINSZ:
        return set_window(tty, argument);
    case TIOCGDEV:
        return put_user_u32(argument, tty->number);
    case TIOCGETD:
        return put_user_u32(argument, N_TTY);
    case TIOCSETD:
        return set_discipline(tty, argument);
    default:
        return ioctl_settings(tty, command, argument);
    }
}

int64_t tty_ioctl(struct file *file, unsigned command, vaddr_t argument)
{
    struct tty *tty = file->private;

    if (tty->hung_up)
        return command == TIOCSPGRP ? -ENOTTY : -EIO;
    switch (command) {
    case TIOCGPGRP:
    case TIOCGSID:
    case TIOCNOTTY:
        return tty_ioctl_session(tty, command, argument);
    case TIOCINQ:
        return put_user_u32(argument, tty_count_input(tty));
    case TIOCOUTQ:
        return put_user_u32(argument, tty->echo_head - tty->echo_tail);
    case TIOCGPTPEER: // for masters
        return -EIO;
    case TCFLSH:
        return flush(tty, argument);
    case TCXONC:
        return flow(tty, argument);
    case TCSBRK:
    case TCSBRKP:
        return tty_check_change(tty);
    default:
        return tty_ioctl_shared(file, tty, command, argument);
    }
}
