// SPDX-License-Identifier: MIT
/*
 * tty_control.c - settings of a terminal, the session it belongs to, and job control: ioctl_tty(2), tcsetpgrp(3).
 */
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <linux/fcntl.h>
#include <linux/tty.h>

#include "dev/tty_private.h"
#include "fs/file.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/usercopy.h"

// Is the caller in this terminal's session, but not in the group in front?
static bool caller_in_background(const struct tty *tty)
{
    return tty_hooks != NULL && tty->foreground != 0 && tty_hooks->current_terminal() == tty &&
           tty_hooks->current_group() != tty->foreground;
}

// Stop the caller's group. => -EINTR, so that the call is issued again when it continues; -EIO for orphans
static int stop_caller(int signal)
{
    if (tty_hooks->current_group_is_orphaned())
        return -EIO;
    tty_hooks->signal_group(tty_hooks->current_group(), signal);
    return -EINTR;
}

int tty_check_read(struct tty *tty)
{
    if (!caller_in_background(tty))
        return 0;
    return tty_hooks->current_ignores(SIGTTIN) ? -EIO : stop_caller(SIGTTIN);
}

// Whoever ignores or blocks SIGTTOU may change things from the background.
static int check_change(struct tty *tty)
{
    if (!caller_in_background(tty) || tty_hooks->current_ignores(SIGTTOU))
        return 0;
    return stop_caller(SIGTTOU);
}

int tty_check_write(struct tty *tty)
{
    return tty_local(tty, TOSTOP) ? check_change(tty) : 0;
}

static void make_controlling(struct tty *tty)
{
    tty->session = tty_hooks->current_session();
    tty->foreground = tty_hooks->current_group();
    tty_hooks->set_terminal(tty);
}

int tty_opened(struct file *file)
{
    struct tty *tty = file->private;

    if ((file->flags & O_NOCTTY) || tty_hooks == NULL || tty->session != 0)
        return 0;
    if (tty_hooks->current_leads_session() && tty_hooks->current_terminal() == NULL)
        make_controlling(tty);
    return 0;
}

// TIOCSCTTY. `steal`: take it from another session; only the superuser may, whom sys/ cannot tell us here: refused.
static int set_controlling(struct tty *tty)
{
    if (tty_hooks == NULL || !tty_hooks->current_leads_session())
        return -EPERM;
    if (tty_hooks->current_terminal() == tty)
        return 0;
    if (tty_hooks->current_terminal() != NULL || tty->session != 0)
        return -EPERM;
    make_controlling(tty);
    return 0;
}

void tty_session_ended(struct tty *tty)
{
    int group = tty->foreground;

    tty->session = 0;
    tty->foreground = 0;
    if (group == 0 || tty_hooks == NULL)
        return;
    tty_hooks->signal_group(group, SIGHUP);
    tty_hooks->signal_group(group, SIGCONT);
}

// TIOCNOTTY: a leader gives the terminal up for its whole session.
static int give_up_controlling(struct tty *tty)
{
    int session = tty->session;

    if (tty_hooks == NULL || tty_hooks->current_terminal() != tty)
        return -ENOTTY;
    if (!tty_hooks->current_leads_session())
        return 0;
    tty_session_ended(tty);
    tty_hooks->clear_terminal(session);
    return 0;
}

static bool is_callers_terminal(const struct tty *tty)
{
    return tty_hooks != NULL && tty_hooks->current_terminal() == tty;
}

static int64_t get_foreground(struct tty *tty, vaddr_t argument)
{
    if (!is_callers_terminal(tty))
        return -ENOTTY;
    return put_user_u32(argument, (uint32_t)tty->foreground);
}

static int64_t set_foreground(struct tty *tty, vaddr_t argument)
{
    uint32_t group;
    int error;

    if (!is_callers_terminal(tty) || tty->session != tty_hooks->current_session())
        return -ENOTTY;
    error = check_change(tty);
    if (error == 0)
        error = get_user_u32(&group, argument);
    if (error != 0)
        return error;
    if ((int)group < 0)
        return -EINVAL;
    if (!tty_hooks->group_in_session((int)group, tty->session))
        return -EPERM;
    tty->foreground = (int)group;
    return 0;
}

static int64_t get_session(struct tty *tty, vaddr_t argument)
{
    if (!is_callers_terminal(tty))
        return -ENOTTY;
    return put_user_u32(argument, (uint32_t)tty->session);
}

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

static int64_t set_settings(struct tty *tty, vaddr_t argument, size_t size, bool flush)
{
    struct termios2 settings = read_settings(tty);
    int error = check_change(tty);
    uint64_t flags;
    bool mode_changed;

    if (error == 0)
        error = copy_from_user(&settings, argument, size);
    if (error != 0)
        return error;
    flags = spin_lock_irq(&tty->lock);
    if (flush)
        tty_input_flush(tty);
    mode_changed = (settings.c_lflag ^ tty->termios.c_lflag) & ICANON;
    tty->termios = settings;
    if (mode_changed)
        tty_input_mode_changed(tty);
    if (!(settings.c_iflag & IXON))
        tty->stopped = false;
    spin_unlock_irq(&tty->lock, flags);
    tty->output_ready = true;
    wake_all(&tty->writable);
    wake_all(&tty->readable);
    tty->device->resume(tty);
    return 0;
}

static int64_t get_window(struct tty *tty, vaddr_t argument)
{
    struct winsize window = tty->window;

    return copy_to_user(argument, &window, sizeof window);
}

static int64_t set_window(struct tty *tty, vaddr_t argument)
{
    struct winsize window;
    int error = copy_from_user(&window, argument, sizeof window);
    uint64_t flags;
    bool changed;

    if (error != 0)
        return error;
    flags = spin_lock_irq(&tty->lock);
    changed = memcmp(&window, &tty->window, sizeof window) != 0;
    tty->window = window;
    spin_unlock_irq(&tty->lock, flags);
    if (changed && tty_hooks != NULL && tty->foreground != 0)
        tty_hooks->signal_group(tty->foreground, SIGWINCH);
    return 0;
}

static int64_t flush(struct tty *tty, vaddr_t what)
{
    int error = check_change(tty);
    uint64_t flags;

    if (error != 0)
        return error;
    if (what != TCIFLUSH && what != TCOFLUSH && what != TCIOFLUSH)
        return -EINVAL;
    if (what == TCOFLUSH) // output is not kept
        return 0;
    flags = spin_lock_irq(&tty->lock);
    tty_input_flush(tty);
    spin_unlock_irq(&tty->lock, flags);
    tty->device->resume(tty);
    return 0;
}

static int64_t flow(struct tty *tty, vaddr_t what)
{
    int error = check_change(tty);

    if (error != 0)
        return error;
    switch (what) {
    case TCOOFF:
        tty->stopped = true;
        return 0;
    case TCOON:
        tty->stopped = false;
        tty->output_ready = true;
        wake_all(&tty->writable);
        return 0;
    case TCIOFF:
    case TCION:
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
    case TIOCGWINSZ:
        return get_window(tty, argument);
    case TIOCSWINSZ:
        return set_window(tty, argument);
    case TIOCGETD:
        return put_user_u32(argument, N_TTY);
    default:
        return -ENOTTY;
    }
}

static int64_t ioctl_session(struct tty *tty, unsigned command, vaddr_t argument)
{
    switch (command) {
    case TIOCGPGRP:
        return get_foreground(tty, argument);
    case TIOCSPGRP:
        return set_foreground(tty, argument);
    case TIOCGSID:
        return get_session(tty, argument);
    case TIOCSCTTY:
        return set_controlling(tty);
    case TIOCNOTTY:
        return give_up_controlling(tty);
    default:
        return ioctl_settings(tty, command, argument);
    }
}

int64_t tty_ioctl(struct file *file, unsigned command, vaddr_t argument)
{
    struct tty *tty = file->private;

    switch (command) {
    case TIOCINQ:
        return put_user_u32(argument, tty_count_input(tty));
    case TIOCOUTQ:
        return put_user_u32(argument, tty->echo_head - tty->echo_tail);
    case TCFLSH:
        return flush(tty, argument);
    case TCXONC:
        return flow(tty, argument);
    case TCSBRK:
    case TCSBRKP:
        return check_change(tty);
    default:
        return ioctl_session(tty, command, argument);
    }
}
