// SPDX-License-Identifier: MIT
/*
 * pid.h - numbers for processes, threads, process groups and sessions.
 *
 * One number can mean up to four things at once: a thread, the process it leads, the process group and the
 * session that this process leads. A struct pid is the number with all that it means. It stays taken as
 * long as any of the four lives, so that a group outlives its leader and its number is not given to a
 * stranger.
 */
#ifndef PROC_PID_H
#define PROC_PID_H

#include "lib/list.h"
#include "lib/tree.h"
#include "lib/types.h"
#include "sync/spinlock.h"

typedef int32_t pid_t;

struct deferred;
struct process;
struct session;
struct thread;

#define PID_MAX 32768       // as /proc/sys/kernel/pid_max says
#define PID_WRAP_TO 300     // low numbers are for those started at boot

/*
 * Fields: (c) constant after creation  (t) process_tree
 */
struct pid {
    pid_t number;               // (c)
    uint32_t users;             // (t) thread, process, members of the group, members of the session
    struct tree_node node;      // (t) all numbers, in order
    struct thread *thread;      // (t) the thread with this number, or NULL
    struct process *process;    // (t) the process with this number, or NULL; a zombie counts
    struct list members;        // (t) processes whose group this is
    struct session *session;    // (t) the session with this number, or NULL
};

/*
 * Guards the relations between processes: parents and children, groups, sessions, threads of a process,
 * numbers. Also taken in interrupts (a terminal signals its foreground group), hence with interrupts off,
 * and nothing is allocated or freed while it is held.
 */
extern struct spinlock process_tree;

/*
 * Allocate a struct pid with a free number, entered in the tree with one user and nobody behind it yet.
 *
 * => process_tree not held; may fail
 * => 0, -ENOMEM, or -EAGAIN when all numbers are taken
 */
__must_check int pid_create(struct pid **out);

/* Another user of the number. => process_tree held */
struct pid *pid_use(struct pid *pid);

/*
 * One user less; the last one frees the number.
 *
 * => process_tree held; what is to be freed is added to `garbage`
 */
void pid_drop(struct pid *pid, struct deferred **garbage);

/* The struct pid with this number, or NULL. => process_tree held */
struct pid *pid_find(pid_t number);

/* The struct pid with the smallest number >= `number`, or NULL. => process_tree held */
struct pid *pid_find_from(pid_t number);

/* Odd while the tree of numbers changes, and another one afterwards: for who reads it from outside (mm/watch.h). */
extern uint32_t pids_changes; // (t)

/* How many numbers are in use. */
uint32_t pid_count(void);

/* The number given out last, as /proc/loadavg shows it. */
pid_t pid_last(void);

#endif
