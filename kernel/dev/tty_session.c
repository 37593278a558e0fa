// SPDX-License-Identifier: MIT
/*
 * tty_session.c - whose terminal it is: controlling terminals, the group in front, job control, hanging up.
 *
 * A terminal knows its session by number; the session holds a reference to it (through tty_hooks). Both change under
 * tty_sessions. A terminal that was hung up never comes back: its files end, and nobody gets it.
 */
#include <asm/signal.h>
#include <linux/fcntl.h>
#include <linux/poll.h>

#include "dev/tty_private.h"
#include "fs/credentials.h"
#include "fs/file.h"
#include "lib/errno.h"
#include "mm/usercopy.h"

#define ALL_EVENTS (POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLERR | POLLHUP)

struct mutex tty_sessions = MUTEX_INIT(tty_sessions, "terminals of sessions", RANK_TTY_SESSIONS);

static bool is_callers_terminal(const struct tty *tty)
{
    return tty_hooks->current_terminal() == tty;
}

// Is the caller in this terminal's session, but not in the group in front?
static bool caller_in_background(const struct tty *tty)
{
    int foreground = tty->foreground; // once: a hang-up may set it to 0 meanwhile

    return foreground != 0 && is_callers_terminal(tty) && tty_hooks->current_group() != foreground;
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
int tty_check_change(struct tty *tty)
{
    if (!caller_in_background(tty) || tty_hooks->current_ignores(SIGTTOU))
        return 0;
    return stop_caller(SIGTTOU);
}

int tty_check_write(struct tty *tty)
{
    return tty_local(tty, TOSTOP) ? tty_check_change(tty) : 0;
}

int tty_foreground_group(const struct tty *tty)
{
    return tty->foreground;
}

int tty_session(const struct tty *tty)
{
    return tty->session;
}

// => tty_sessions held, the caller leads a session without a terminal
static void make_controlling(struct tty *tty)
{
    tty->session = tty_hooks->current_session();
    tty->foreground = tty_hooks->current_group();
    tty_hooks->set_terminal(tty);
}

// => tty_sessions held
static void disown(struct tty *tty)
{
    tty->session = 0;
    tty->foreground = 0;
}

static bool caller_wants_terminal(void)
{
    return tty_hooks->current_leads_session() && tty_hooks->current_terminal() == NULL;
}

// Not to those who can only write, so that the right to write to a terminal is not the right to take it.
void tty_offer(struct file *file, struct tty *tty)
{
    if (!(file->flags & O_NOCTTY) && (file->mode & FILE_READ) && tty->session == 0 && caller_wants_terminal())
        make_controlling(tty);
}

// => tty_sessions held
static int set_controlling(struct file *file, struct tty *tty, bool steal)
{
    bool privileged = tty_hooks->credentials()->euid == 0;

    if (tty_hooks->current_leads_session() && tty->session == tty_hooks->current_session())
        return 0;
    if (tty->hung_up)
        return -EIO; // since the call began
    if (!caller_wants_terminal())
        return -EPERM;
    if ((tty->session != 0 && !(steal && privileged)) || (!(file->mode & FILE_READ) && !privileged))
        return -EPERM;
    if (tty->session != 0)
        tty_hooks->clear_terminal(tty->session);
    make_controlling(tty);
    return 0;
}

int tty_set_controlling(struct file *file, struct tty *tty, bool steal)
{
    int error;

    mutex_lock(&tty_sessions);
    error = set_controlling(file, tty, steal);
    mutex_unlock(&tty_sessions);
    return error;
}

void tty_session_ended(struct tty *tty, int session)
{
    int group = 0;

    mutex_lock(&tty_sessions);
    if (tty->session == session) {
        group = tty->foreground;
        disown(tty);
    }
    mutex_unlock(&tty_sessions);
    if (group != 0)
        tty_hooks->signal_group(group, SIGHUP);
}

// A leader gives the terminal up for its whole session.
static int give_up(struct tty *tty)
{
    int session, group;

    if (!is_callers_terminal(tty))
        return -ENOTTY;
    if (!tty_hooks->current_leads_session()) {
        tty_hooks->leave_terminal();
        return 0;
    }
    mutex_lock(&tty_sessions);
    session = tty->session;
    group = tty->foreground;
    disown(tty);
    if (session != 0)
        tty_hooks->clear_terminal(session);
    mutex_unlock(&tty_sessions);
    if (group != 0) {
        tty_hooks->signal_group(group, SIGHUP);
        tty_hooks->signal_group(group, SIGCONT);
    }
    return 0;
}

void tty_hang_up(struct tty *tty)
{
    mutex_lock(&tty_sessions);
    tty->hung_up = true;
    if (tty->session != 0)
        tty_hooks->hang_up(tty->session, tty->foreground);
    disown(tty);
    mutex_unlock(&tty_sessions);
    wake_all_for(&tty->readable, ALL_EVENTS);
    wake_all_for(&tty->writable, ALL_EVENTS);
}

static int put_foreground(struct tty *tty, int group)
{
    int error = -ENOTTY;

    mutex_lock(&tty_sessions);
    if (is_callers_terminal(tty) && tty->session == tty_hooks->current_session()) {
        error = tty_hooks->check_group(group);
        if (error == 0)
            tty->foreground = group;
    }
    mutex_unlock(&tty_sessions);
    return error;
}

int tty_set_foreground(struct tty *tty, vaddr_t argument)
{
    uint32_t group;
    int error = tty_check_change(tty);

    if (error != 0)
        return error == -EIO ? -ENOTTY : error;
    error = get_user_u32(&group, argument);
    if (error != 0)
        return error;
    return (int)group < 0 ? -EINVAL : put_foreground(tty, (int)group);
}

int64_t tty_ioctl_session(struct tty *tty, unsigned command, vaddr_t argument)
{
    int session = tty->session;

    if (!is_callers_terminal(tty))
        return -ENOTTY;
    switch (command) {
    case TIOCGPGRP:
        return put_user_u32(argument, (uint32_t)tty->foreground);
    case TIOCGSID:
        return session != 0 ? put_user_u32(argument, (uint32_t)session) : -ENOTTY;
    default:
        return give_up(tty);
    }
}
