// SPDX-License-Identifier: MIT
/*
 * family.h - parents and children: who is told what, who takes in orphans. For the files of proc/.
 */
#ifndef PROC_FAMILY_H
#define PROC_FAMILY_H

#include "lib/types.h"

struct deferred;
struct process;
struct signal_entry;

/* The first process, once it exists: it takes in orphans. */
extern struct process *init_process;

/*
 * Tell the parent that every thread of `process` has stopped, or that it goes on: SIGCHLD (unless
 * SA_NOCLDSTOP), and wake it.
 */
void family_tell_stopped(struct process *process, int sig);
void family_tell_continued(struct process *process);

/*
 * A process's last thread has ended: its children get another parent, and its own is told.
 *
 * => nothing is held; afterwards the process is a zombie, or gone from the family if nobody wants to know
 */
void family_exit(struct process *process);

/*
 * Take a zombie out of the family and give back its number.
 *
 * => process_tree held; the family's reference is now the caller's: process_put after unlocking, and
 *    deferred_free
 */
void family_reap(struct process *zombie, struct deferred **garbage);

/* Enter a new process: child of `parent`, in its group and session. => process_tree held */
void family_enter(struct process *child, struct process *parent);

#endif
