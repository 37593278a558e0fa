// SPDX-License-Identifier: MIT
/*
 * cred.h - who a process is. The structure is fs/'s, which checks it on every look-up; here is how it
 * changes.
 *
 * Credentials are counted and never changed in place: a change makes a copy and replaces the process's
 * pointer.
 */
#ifndef PROC_CRED_H
#define PROC_CRED_H

#include "lib/types.h"

struct credentials;
struct inode;
struct process;

#define GROUPS_MAX 256              // supplementary groups of a process

#define ID_SAME ((uint32_t)-1)      // "leave it", as in setresuid(2)

/* The credentials of the running thread. => valid until it changes them: for use within a system call */
const struct credentials *current_credentials(void);

/* Count a reference (NULL is fine), and give it back. Neither sleeps. */
struct credentials *credentials_get(struct credentials *credentials);
void credentials_put(struct credentials *credentials);

/* The superuser's, for the first process, with one reference. => NULL when there is no memory */
__must_check struct credentials *credentials_create_root(void);

/* Whether these may do everything (effective uid 0). */
bool credentials_is_root(const struct credentials *credentials);

/*
 * What exec of a program changes: set-uid and set-gid bits (unless `ignore_setid`), saved ids.
 *
 * => *out: the running thread's with one more reference, or a changed copy; *secure: AT_SECURE. 0 or -ENOMEM
 */
__must_check int credentials_for_exec(struct inode *program, bool ignore_setid, struct credentials **out,
                                      bool *secure);

/* Make them the running thread's; takes over the reference. */
void credentials_commit(struct credentials *credentials);

/* setuid(2) and its family. => 0, -EPERM, -ENOMEM */
int credentials_setuid(uint32_t uid);
int credentials_setgid(uint32_t gid);
int credentials_setreuid(uint32_t real, uint32_t effective);
int credentials_setregid(uint32_t real, uint32_t effective);
int credentials_setresuid(uint32_t real, uint32_t effective, uint32_t saved);
int credentials_setresgid(uint32_t real, uint32_t effective, uint32_t saved);

/* setfsuid(2), setfsgid(2). => the value before, whether or not it changed */
uint32_t credentials_setfsuid(uint32_t uid);
uint32_t credentials_setfsgid(uint32_t gid);

/* setgroups(2). => groups is in kernel memory; 0, -EPERM, -EINVAL (too many), -ENOMEM */
int credentials_setgroups(const uint32_t *groups, uint32_t count);

/*
 * Whether the running process may send `sig` to `target` (kill(2)).
 *
 * => process_tree not held, `target` referenced
 */
bool credentials_may_signal(struct process *target, int sig);

#endif
