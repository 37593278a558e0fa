// SPDX-License-Identifier: MIT
/*
 * pgrp.h - process groups and sessions, and the terminal that a session controls.
 */
#ifndef PROC_PGRP_H
#define PROC_PGRP_H

#include "lib/types.h"
#include "proc/pid.h"

struct deferred;
struct process;
struct tty;

/*
 * Fields: (c) constant after creation  (t) process_tree
 */
struct session {
    uint32_t members;           // (t) processes in it
    struct pid *id;             // (c) the leader's number, in use by the session
    struct tty *tty;            // (t) the controlling terminal, with a reference, or NULL
    pid_t hung_up_group;        // (t) was in front when the terminal was hung up; 0: none
};

/* setpgid(2), getpgid(2), setsid(2), getsid(2). pid 0: the running process. */
int process_setpgid(pid_t pid, pid_t group);
pid_t process_getpgid(pid_t pid);
pid_t process_setsid(void);
pid_t process_getsid(pid_t pid);

/* Whether no member of `group` has a parent in another group of the same session. => process_tree held */
bool group_is_orphaned(struct pid *group, const struct process *ignore);

/* `child` joins the group and session of `parent`; leaving them. => process_tree held */
void group_inherit(struct process *child, struct process *parent);
void group_leave(struct process *process, struct deferred **garbage);

/* The first process: a group and a session of its own. => process_tree held; `session` from slab_alloc */
void session_found(struct process *leader, struct session *session, struct deferred **garbage);

/*
 * `process` ends (`ending`), or has lost its parent `parent`: if that leaves its group, which has stopped
 * members, an orphan, the group gets SIGHUP and SIGCONT.
 *
 * => process_tree held
 */
void group_orphan_check(struct process *process, struct process *parent, bool ending);

/*
 * The session leader ends: the terminal is given up, its foreground group gets SIGHUP.
 *
 * => no lock held
 */
void session_leader_exit(struct process *leader);

/* The process's controlling terminal or NULL. => process_tree held */
struct tty *process_tty(const struct process *process);

/* Sets the terminal's hooks. Once, at boot. */
void pgrp_init(void);

#endif
