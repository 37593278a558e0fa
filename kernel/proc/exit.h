// SPDX-License-Identifier: MIT
/*
 * exit.h - the end of a thread and of a process.
 */
#ifndef PROC_EXIT_H
#define PROC_EXIT_H

#include "lib/types.h"

struct deferred;
struct process;

/* Status words as wait(2) reports them. */
#define STATUS_EXITED(code) (((code) & 0xff) << 8)
#define STATUS_SIGNALED(sig) ((sig) & 0x7f)
#define STATUS_CORE 0x80
#define STATUS_STOPPED(sig) (((sig) << 8) | 0x7f)
#define STATUS_CONTINUED 0xffff

/*
 * exit(2): end the running thread. When it is the last one the process ends with `status`.
 */
__noreturn void thread_exit(int status);

/*
 * exit_group(2) and death by a signal: end every thread of the process.
 *
 * => status is a word as above: STATUS_EXITED(code) or STATUS_SIGNALED(sig)
 */
__noreturn void process_exit(int status);

/*
 * Take a zombie out of the family and give back its number.
 *
 * => process_tree held; the family's reference is now the caller's: process_put after unlocking, and deferred_free
 */
void process_reap(struct process *zombie, struct deferred **garbage);

/* Wait until the running thread is the only one of its process, ending the others. For exec. => 0, -EINTR: it is to end itself */
__must_check int process_end_other_threads(void);

#endif
