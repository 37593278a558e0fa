// SPDX-License-Identifier: MIT
/*
 * signal_take.h - the way back to user mode: a signal is taken, and a handler's frame set up. For the
 * files of proc/.
 */
#ifndef PROC_SIGNAL_TAKE_H
#define PROC_SIGNAL_TAKE_H

#include "proc/signal.h"

/* A signal that a handler is to be called for. */
struct taken_signal {
    int sig;
    struct sigaction action;
    struct signal_info info;
};

/*
 * Take the next signal that has a handler. Those without are acted upon here: the process stops, or ends.
 *
 * => process context, no locks; may stop for long; may not return
 * => false: there is none (any more)
 */
bool signal_take(struct taken_signal *taken);

/*
 * Write the handler's frame onto the user's stack and point the registers at the handler; `blocked` is
 * what sigreturn puts back.
 *
 * => 0, -EFAULT: the stack cannot be written, nothing has changed in `tf`
 */
__must_check int signal_frame_push(struct trap_frame *tf, const struct taken_signal *taken, sigset_t blocked);

/*
 * Whether `sp` lies within the thread's alternate stack, and whether that means that the thread runs on it
 * (with SS_AUTODISARM it never does: the stack is given up when a handler begins).
 */
bool signal_within_altstack(vaddr_t sp);
bool signal_on_altstack(vaddr_t sp);

/* SS_ONSTACK, SS_DISABLE or 0, for the thread's alternate stack. */
int signal_altstack_flags(vaddr_t sp);

#endif
