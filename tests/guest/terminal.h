// SPDX-License-Identifier: MIT
/*
 * terminal.h - a pseudo-terminal for tests: what is typed, what is seen, and a session of its own on it.
 *
 * Linux carries bytes from one end to the other in its own time, so whatever is looked for is waited for.
 */
#ifndef GUEST_TERMINAL_H
#define GUEST_TERMINAL_H

#include <sys/ioctl.h>
#include <termios.h>

#include "tap.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441 // <asm/ioctls.h>; older C libraries do not name it
#endif

struct terminal {
    int master, slave;
    char name[32];          // of the slave
};

/* A fresh pair; false, with a reason told, if there is none to be had. */
bool terminal_open(struct terminal *terminal);
void terminal_close(struct terminal *terminal);

/* Write all of `text` to an end. */
bool put(int fd, const char *text);
/* Read from an end until exactly `text` has come; what came instead is told. */
bool comes(int fd, const char *text);
/* Does poll tell these events, sooner or later? Does it not tell them now? */
bool polls(int fd, short events);
bool polls_not(int fd, short events);
/* The same for FIONREAD. */
bool has_bytes(int fd, int count);

/* Switch local modes, input modes, output modes on and off. */
struct change {
    tcflag_t local_off, local_on, input_off, input_on, output_off, output_on;
};
bool change(int fd, struct change change);
/* Not canonical, no echo, with these MIN and TIME. */
bool make_raw(int fd, unsigned min, unsigned time);

/* Whether a bounded wait is over: for loops around what is asked again and again. */
bool patient(long long *since);

/* The caller becomes the leader of a new session that this is the terminal of. */
bool session_begin(int slave);
/* child_start for a session leader on a new terminal, which has closed the master. */
pid_t session_start(struct terminal *terminal, claim_fn claim);
/* The slave, in that child. */
extern int own_terminal;

#endif
