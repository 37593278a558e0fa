// SPDX-License-Identifier: MIT
/*
 * exit.h - the end of a thread and of a process.
 */
#ifndef PROC_EXIT_H
#define PROC_EXIT_H

#include "lib/types.h"

/* Status words as wait(2) reports them. */
#define STATUS_EXITED(code) (((code) & 0xff) << 8)
#define STATUS_SIGNALED(sig) ((sig) & 0x7f)
#define STATUS_CORE 0x80
#define STATUS_STOPPED(sig) (((sig) << 8) | 0x7f)
#define STATUS_CONTINUED 0xffff

/* Called when a process ends, with its number, before its memory and files go. Once set it is always the same. */
void exit_set_hook(void (*hook)(int process));

/*
 * exit(2): end the running thread. When all have ended the process ends with the leader's `status`, a word
 * as above.
 */
__noreturn void thread_exit(int status);

/*
 * exit_group(2) and death by a signal: end every thread of the process.
 *
 * => status is a word as above: STATUS_EXITED(code) or STATUS_SIGNALED(sig)
 */
__noreturn void process_exit(int status);

/*
 * What the running thread owes to others in its address space, before it leaves that: robust futexes,
 * clear_tid.
 */
void thread_leave_memory(void);

/*
 * End the other threads of the process and wait until they have gone; the running one is the leader then.
 * For exec.
 *
 * => 0; -EINTR: it is to end itself
 */
__must_check int process_end_other_threads(void);

#endif
