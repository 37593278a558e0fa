// SPDX-License-Identifier: MIT
/*
 * oom.h - out of memory: end the process whose end helps most.
 */
#ifndef PROC_OOM_H
#define PROC_OOM_H

#include "lib/types.h"

struct process;

/*
 * A fault of the running thread found no memory, and nothing could be reclaimed. Choose a process, end it, and give it a
 * moment to let go of its memory.
 *
 * => a user's thread, no lock held; sleeps; true: try again; false: this thread is to end itself
 */
__must_check bool oom_kill(void);

/* How much of all memory the end of a process would give back, adjusted, in thousandths; 0: it is never chosen. */
uint64_t oom_score(struct process *process);

#endif
