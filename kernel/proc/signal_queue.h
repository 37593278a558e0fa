// SPDX-License-Identifier: MIT
/*
 * signal_queue.h - signals that wait to be taken, and what sending has to know of a process. For the files
 * of proc/.
 */
#ifndef PROC_SIGNAL_QUEUE_H
#define PROC_SIGNAL_QUEUE_H

#include "proc/signal.h"

struct deferred;
struct posix_timer;
struct process;
struct thread;

/* A signal with what there is to tell about it. */
struct signal_entry {
    struct list link;
    struct signal_info info;
    struct posix_timer *timer;      // whose it is, and not freed; or NULL
};

/* Signals that a fault causes come first; so do they on Linux. */
#define SIGNAL_SYNCHRONOUS \
    (SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) \
     | SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSYS))
#define SIGNAL_STOPPING \
    (SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))
#define SIGNAL_DEFAULT_IGNORED \
    (SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGURG) | SIGNAL_BIT(SIGWINCH))
#define SIGNAL_REALTIME (~0ul << (SIGRTMIN - 1))

/* => NULL for info NULL, or when there is no memory; not in an interrupt, unless info is NULL */
struct signal_entry *signal_entry_create(const struct signal_info *info);

/*
 * A queue's operations. => the process's signal_lock held; entries taken out go to `garbage`
 * add: takes over the entry (or NULL). remove: one entry, which is the caller's again. take: the signal's info, SI_KERNEL if it has none; its bit is
 * cleared with the last. flush: all. discard: those in `set`.
 */
void signal_queue_add(struct signal_queue *queue, int sig, struct signal_entry *entry);
void signal_queue_remove(struct signal_queue *queue, struct signal_entry *entry);
void signal_queue_take(struct signal_queue *queue, int sig, struct signal_info *info,
                       struct deferred **garbage);
void signal_queue_discard(struct signal_queue *queue, sigset_t set, struct deferred **garbage);
void signal_queue_flush(struct signal_queue *queue, struct deferred **garbage);

/* The signal of `set` to be taken first, or 0. */
int signal_first(sigset_t set);

/*
 * Send: to one thread, or (NULL) to any of the process. *entry is used up if it is needed (then *entry is
 * NULL).
 *
 * => process->signal_lock held
 * => 0; -EAGAIN: a real-time signal that should have had an entry
 */
int signal_send_locked(struct process *process, struct thread *thread, int sig, struct signal_entry **entry);

/* Every thread of the process is to end with `status`, and is woken for it. => process->signal_lock held */
void process_begin_exit(struct process *process, int status);

/* SIGCHLD, or `sig`, to a parent, of which `entry` tells more. => process_tree held */
void signal_tell_parent(struct process *parent, int sig, struct signal_entry **entry);

/* Others may have to take what this thread no longer can. => signal_lock held */
void signal_retarget(struct process *process, struct thread *except);

/*
 * Take the next signal that `set` does not block, from the thread's queue or the process's.
 *
 * => signal_lock held; the signal, 0: none
 */
int signal_dequeue(struct thread *thread, sigset_t blocked, struct signal_info *info);

/* Take the next of `set` that waits for the running thread, without a handler. => the signal, 0: none */
int signal_accept(sigset_t set, struct signal_info *info);

#endif
